"""Keys are paused and resumed, or revoked for good."""

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import KeyCandidate, KeyLifecycle
from freddy_admin.vault.opening import KeyUnreadable
from freddy_admin.vault.selectors import masked_secret
from freddy_admin.vault.services.keys import (
    api_key_pause,
    api_key_replace,
    api_key_resume,
    api_key_revoke,
)
from tests.vault.conftest import OTHER_SECRET, SECRET, MakeKey
from tests.vault.secret_reading import stored_secret


def _tags() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("tag", flat=True))


def test_a_paused_key_stores_when_and_by_whom(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = api_key_pause(organisation=organisation, actor=actor, key=active_key())
    key.refresh_from_db()
    assert key.paused_at is not None
    assert key.paused_by == "Mara"


def test_pausing_and_resuming_twice_is_one_event_each(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    for service in (api_key_pause, api_key_pause, api_key_resume, api_key_resume):
        key = service(organisation=organisation, actor=actor, key=key)
    key.refresh_from_db()
    assert (key.paused_at, key.paused_by) == (None, "")
    assert _tags()[-2:] == ["key_paused", "key_resumed"]
    assert len(_tags()) == 4


@pytest.mark.parametrize("service", [api_key_pause, api_key_resume, api_key_revoke])
def test_a_draft_cannot_be_paused_resumed_or_revoked(
    draft_key: MakeKey, organisation: Organisation, actor: Actor, service: object
) -> None:
    with pytest.raises(Conflict, match="being tested"):
        service(organisation=organisation, actor=actor, key=draft_key())  # type: ignore[operator]


def test_revoking_wipes_the_secret_the_fingerprint_and_the_candidate(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    revoked = api_key_revoke(organisation=organisation, actor=actor, key=key)
    revoked.refresh_from_db()
    assert (revoked.status, revoked.ciphertext, revoked.fingerprint) == ("revoked", None, "")
    assert not KeyCandidate.objects.exists()
    with pytest.raises(KeyUnreadable):
        stored_secret(revoked)


def test_a_revoked_key_keeps_its_hints_and_gets_the_next_version(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    revoked = api_key_revoke(organisation=organisation, actor=actor, key=active_key())
    assert masked_secret(revoked) == "ak_live_01234…stuv"
    assert revoked.version == 2


def test_a_key_cannot_be_revoked_twice(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    api_key_revoke(organisation=organisation, actor=actor, key=key)
    with pytest.raises(Conflict, match="revoked"):
        api_key_revoke(organisation=organisation, actor=actor, key=key)
    assert _tags().count("key_revoked") == 1


def test_the_same_key_can_be_added_again_after_it_was_revoked(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    api_key_revoke(organisation=organisation, actor=actor, key=active_key())
    new_key = active_key()
    assert (new_key.status, stored_secret(new_key)) == (KeyLifecycle.ACTIVE, SECRET)
