"""A new key is sealed as a candidate, and in use once the candidate is promoted."""

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core.errors import InvalidInput, NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyLifecycle, MasterKeyCanary
from freddy_admin.vault.selectors import candidate_find
from freddy_admin.vault.services.candidates import candidate_promote
from freddy_admin.vault.services.keys import api_key_create
from tests.vault.conftest import OTHER_SECRET, SECRET, MakeKey
from tests.vault.secret_reading import stored_secret


def test_a_draft_holds_no_secret_of_its_own(draft_key: MakeKey) -> None:
    key = draft_key()
    key.refresh_from_db()
    assert (key.status, key.version, key.ciphertext, key.fingerprint) == ("draft", 0, None, "")


def test_a_new_keys_candidate_has_the_first_version(draft_key: MakeKey) -> None:
    candidate = candidate_find(key=draft_key())
    assert candidate is not None
    assert (candidate.version, candidate.state) == (1, CandidateState.PENDING)
    assert candidate.created_by == "Mara"
    assert stored_secret(candidate) == SECRET


def test_promoting_a_candidate_copies_bytes_and_opens_nothing(
    draft_key: MakeKey, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = draft_key()
    ciphertext = bytes(key.candidate.ciphertext)
    monkeypatch.setattr("freddy_admin.crypto.keyring.Keyring.open", None)
    monkeypatch.setattr("freddy_admin.crypto.keyring.Keyring.seal", None)
    promoted = candidate_promote(organisation=organisation, actor=WORKER, key=key, version=1)
    promoted.refresh_from_db()
    assert bytes(promoted.ciphertext) == ciphertext
    assert (promoted.status, promoted.version) == (KeyLifecycle.ACTIVE, 1)
    assert candidate_find(key=ApiKey.objects.get(pk=key.pk)) is None


def test_a_promoted_key_opens(active_key: MakeKey) -> None:
    assert stored_secret(active_key()) == SECRET


def test_creating_and_promoting_a_key_are_one_event_each(
    active_key: MakeKey, organisation: Organisation
) -> None:
    key = active_key()
    events = AuditEvent.objects.order_by("pk")
    assert [event.tag for event in events] == ["key_added", "key_tested"]
    assert {event.subject for event in events} == {"Main"}
    assert {event.organisation_id for event in events} == {organisation.pk}
    assert {event.details["key_id"] for event in events} == {key.pk}


def test_the_first_sealed_key_creates_the_one_canary(draft_key: MakeKey) -> None:
    draft_key()
    draft_key(OTHER_SECRET)
    assert MasterKeyCanary.objects.count() == 1


@pytest.mark.parametrize("state", [CandidateState.PENDING, CandidateState.UNTESTED])
def test_a_candidates_secret_is_refused_for_another_key(
    draft_key: MakeKey, state: CandidateState
) -> None:
    key = draft_key(label="First")
    key.candidate.state = state
    key.candidate.save()
    with pytest.raises(InvalidInput, match=r"already here.*First"):
        draft_key(f" {SECRET}\n", label="Second")
    assert ApiKey.objects.count() == 1


def test_a_secret_in_use_is_refused_for_another_key(active_key: MakeKey) -> None:
    active_key(label="First")
    with pytest.raises(InvalidInput, match=r"already here.*First") as error:
        active_key(label="Second")
    assert error.value.field == "api_key"


def test_a_refused_candidates_secret_can_be_added_again(draft_key: MakeKey) -> None:
    key = draft_key()
    key.candidate.state = CandidateState.REFUSED
    key.candidate.save()
    draft_key(label="Again")


def test_another_organisation_may_have_the_same_key(
    active_key: MakeKey, other_organisation: Organisation
) -> None:
    active_key()
    assert stored_secret(active_key(key_organisation=other_organisation)) == SECRET


def test_a_refused_secret_saves_no_key(organisation: Organisation, actor: Actor) -> None:
    with pytest.raises(InvalidInput):
        api_key_create(
            organisation=organisation,
            actor=actor,
            details=KeyDetails(label="Main"),
            secret="two words",
        )
    assert not ApiKey.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_deleted_organisation_is_not_found(
    draft_key: MakeKey, other_organisation: Organisation
) -> None:
    deleted = Organisation(pk=other_organisation.pk, name="Other", slug="other")
    other_organisation.delete()
    with pytest.raises(NotFound):
        draft_key(key_organisation=deleted)
