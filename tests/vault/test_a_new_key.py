"""A new key is sealed by the form, tested by the worker, and only then in use."""

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core.errors import InvalidInput, NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, CandidateState, KeyStatus, MasterKeyCanary
from freddy_admin.vault.selectors import candidate_of
from freddy_admin.vault.services import KeyDetails, api_key_draft, candidate_promote
from tests.vault.conftest import OTHER_SECRET, SECRET, MakeKey
from tests.vault.opened import opened


def test_a_draft_holds_no_secret_of_its_own(draft: MakeKey) -> None:
    key = draft()
    key.refresh_from_db()
    assert (key.status, key.version, key.ciphertext, key.fingerprint) == ("draft", 0, None, "")


def test_its_candidate_waits_for_the_first_version(draft: MakeKey) -> None:
    candidate = candidate_of(key=draft())
    assert candidate is not None
    assert (candidate.version, candidate.state) == (1, CandidateState.PENDING)
    assert candidate.created_by == "Mara"
    assert opened(candidate) == SECRET


def test_keeping_it_copies_bytes_and_opens_nothing(
    draft: MakeKey, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = draft()
    sealed = bytes(key.candidate.ciphertext)
    monkeypatch.setattr("freddy_admin.crypto.keyring.Keyring.open", None)
    monkeypatch.setattr("freddy_admin.crypto.keyring.Keyring.seal", None)
    kept = candidate_promote(organisation=organisation, actor=WORKER, key=key, version=1)
    kept.refresh_from_db()
    assert bytes(kept.ciphertext) == sealed
    assert (kept.status, kept.version) == (KeyStatus.ACTIVE, 1)
    assert candidate_of(key=ApiKey.objects.get(pk=key.pk)) is None


def test_the_kept_key_opens(active: MakeKey) -> None:
    assert opened(active()) == SECRET


def test_each_step_is_one_event(active: MakeKey, organisation: Organisation) -> None:
    key = active()
    events = AuditEvent.objects.order_by("pk")
    assert [event.tag for event in events] == ["key_added", "key_tested"]
    assert {event.subject for event in events} == {"Main"}
    assert {event.organisation_id for event in events} == {organisation.pk}
    assert {event.details["key_id"] for event in events} == {key.pk}


def test_the_first_sealed_key_makes_the_canary_and_the_second_none(draft: MakeKey) -> None:
    draft()
    draft(OTHER_SECRET)
    assert MasterKeyCanary.objects.count() == 1


@pytest.mark.parametrize("state", [CandidateState.PENDING, CandidateState.UNTESTED])
def test_the_same_key_that_waits_in_its_organisation_is_refused(
    draft: MakeKey, state: CandidateState
) -> None:
    key = draft(label="First")
    key.candidate.state = state
    key.candidate.save()
    with pytest.raises(InvalidInput, match=r"already here.*First"):
        draft(f" {SECRET}\n", label="Second")
    assert ApiKey.objects.count() == 1


def test_the_same_key_in_use_in_its_organisation_is_refused(active: MakeKey) -> None:
    active(label="First")
    with pytest.raises(InvalidInput, match=r"already here.*First") as refused:
        active(label="Second")
    assert refused.value.field == "api_key"


def test_a_refused_candidate_does_not_hold_its_place(draft: MakeKey) -> None:
    key = draft()
    key.candidate.state = CandidateState.REFUSED
    key.candidate.save()
    draft(label="Again")


def test_another_organisation_may_have_the_same_key(
    active: MakeKey, stranger: Organisation
) -> None:
    active()
    assert opened(active(where=stranger)) == SECRET


def test_nothing_is_saved_where_the_secret_is_refused(
    organisation: Organisation, actor: Actor
) -> None:
    with pytest.raises(InvalidInput):
        api_key_draft(
            organisation=organisation,
            actor=actor,
            details=KeyDetails(label="Main"),
            secret="two words",
        )
    assert not ApiKey.objects.exists()
    assert not AuditEvent.objects.exists()


def test_an_organisation_that_is_gone_is_not_found(draft: MakeKey, stranger: Organisation) -> None:
    gone = Organisation(pk=stranger.pk, name="Other", slug="other")
    stranger.delete()
    with pytest.raises(NotFound):
        draft(where=gone)
