"""Drill S31: of two concurrent decisions about a candidate or an import one succeeds."""

from collections.abc import Callable

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import PublicError
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.vault.candidate_result import CandidateResult
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, ImportDraft, KeyCandidate
from freddy_admin.vault.services.candidates import (
    candidate_discard,
    candidate_promote,
    candidate_record_result,
)
from freddy_admin.vault.services.import_drafts import import_draft_confirm, import_draft_discard
from freddy_admin.vault.services.keys import api_key_create, api_key_replace, api_key_revoke
from tests.concurrency import (  # noqa: F401  the database of these tests
    IS_SQLITE,
    run_concurrently,
    run_in_thread,
    shared_database,
)
from tests.vault.conftest import OTHER_SECRET, SECRET
from tests.vault.import_draft_data import import_draft_make, import_rows_record_results, secret
from tests.vault.secret_reading import stored_secret

MARA = Actor(name="Mara")
REPETITIONS = range(3)

pytestmark = [
    pytest.mark.django_db(transaction=not IS_SQLITE),
    pytest.mark.usefixtures("shared_database"),
]


def service_outcome(call: Callable[[], object]) -> str:
    """ "done", or the name of the public error; any other exception fails the test."""
    try:
        call()
    except PublicError as error:
        return type(error).__name__
    return "done"


def key_with_untested_candidate_create() -> ApiKey:
    """A key in use with an untested candidate."""
    organisation = Organisation.objects.create(name="Alder", slug="alder", created_at=clock.now())
    details = KeyDetails(label="Main")
    key = api_key_create(organisation=organisation, actor=MARA, details=details, secret=SECRET)
    key = candidate_promote(organisation=organisation, actor=WORKER, key=key, version=1)
    api_key_replace(organisation=organisation, actor=MARA, key=key, secret=OTHER_SECRET)
    timed_out = CandidateResult(kind="timeout", message="No answer")
    candidate_record_result(
        organisation=organisation,
        state=CandidateState.UNTESTED,
        key=key,
        version=2,
        outcome=timed_out,
    )
    return key


def promote_call(key: ApiKey) -> Callable[[], str]:
    state = CandidateState.UNTESTED
    organisation = key.organisation
    return lambda: service_outcome(
        lambda: candidate_promote(
            organisation=organisation, actor=MARA, key=key, version=2, state=state
        )
    )


def discard_call(key: ApiKey) -> Callable[[], str]:
    organisation = key.organisation
    return lambda: service_outcome(
        lambda: candidate_discard(organisation=organisation, actor=MARA, key=key, version=2)
    )


def draft_with_results_create() -> tuple[User, ImportDraft]:
    """An import draft of three rows that all work, with its person."""
    organisation = Organisation.objects.create(name="Alder", slug="alder", created_at=clock.now())
    user = User.objects.create(email="mara@example.org", created_at=clock.now())
    Membership.objects.create(
        organisation=organisation, user=user, role="manager", created_at=clock.now()
    )
    draft = import_draft_make(user, *(f"Alder,Key {n},{secret(str(n))},," for n in range(3)))
    import_rows_record_results()
    return user, draft


def confirm_call(user: User, draft: ImportDraft) -> Callable[[], str]:
    return lambda: service_outcome(
        lambda: import_draft_confirm(actor=MARA, user=user, draft_id=draft.pk)
    )


def audit_event_count(*tags: AuditTag) -> int:
    return run_in_thread(lambda: AuditEvent.objects.filter(tag__in=tags).count())


@pytest.mark.parametrize("_round", REPETITIONS)
def test_of_two_concurrent_promotions_one_succeeds(_round: int) -> None:
    key = run_in_thread(key_with_untested_candidate_create)
    outcomes = run_concurrently([promote_call(key), promote_call(key)])

    assert sorted(outcomes) == ["Conflict", "done"]
    assert audit_event_count(AuditTag.KEY_KEPT_UNTESTED) == 1
    assert run_in_thread(lambda: stored_secret(ApiKey.objects.get())) == OTHER_SECRET


@pytest.mark.parametrize("_round", REPETITIONS)
def test_of_a_concurrent_promotion_and_discard_one_succeeds(_round: int) -> None:
    key = run_in_thread(key_with_untested_candidate_create)
    promote_outcome, discard_outcome = run_concurrently([promote_call(key), discard_call(key)])

    assert sorted([promote_outcome, discard_outcome]) == ["Conflict", "done"]
    assert audit_event_count(AuditTag.KEY_KEPT_UNTESTED, AuditTag.KEY_CANDIDATE_DISCARDED) == 1
    expected = OTHER_SECRET if promote_outcome == "done" else SECRET
    assert run_in_thread(lambda: stored_secret(ApiKey.objects.get())) == expected
    assert run_in_thread(lambda: KeyCandidate.objects.exclude(ciphertext=None).count()) == 0


@pytest.mark.parametrize("_round", REPETITIONS)
def test_a_concurrent_promotion_and_revocation_leave_no_secret(_round: int) -> None:
    key = run_in_thread(key_with_untested_candidate_create)
    organisation = key.organisation
    _promote_outcome, revoke_outcome = run_concurrently(
        [
            promote_call(key),
            lambda: service_outcome(
                lambda: api_key_revoke(organisation=organisation, actor=MARA, key=key)
            ),
        ]
    )

    assert revoke_outcome == "done"
    assert run_in_thread(lambda: ApiKey.objects.get().ciphertext) is None
    assert run_in_thread(lambda: KeyCandidate.objects.exclude(ciphertext=None).count()) == 0


@pytest.mark.parametrize("_round", REPETITIONS)
def test_of_two_concurrent_import_confirmations_one_succeeds(_round: int) -> None:
    user, draft = run_in_thread(draft_with_results_create)
    outcomes = run_concurrently([confirm_call(user, draft), confirm_call(user, draft)])

    assert len([outcome for outcome in outcomes if outcome == "done"]) == 1
    assert set(outcomes) <= {"done", "Conflict", "NotFound"}
    assert audit_event_count(AuditTag.KEYS_IMPORT_CONFIRMED) == 1


@pytest.mark.parametrize("_round", REPETITIONS)
def test_of_a_concurrent_import_confirmation_and_discard_one_succeeds(_round: int) -> None:
    user, draft = run_in_thread(draft_with_results_create)
    outcomes = run_concurrently(
        [
            confirm_call(user, draft),
            lambda: service_outcome(
                lambda: import_draft_discard(actor=MARA, user=user, draft_id=draft.pk)
            ),
        ]
    )

    assert len([outcome for outcome in outcomes if outcome == "done"]) == 1
    assert audit_event_count(AuditTag.KEYS_IMPORT_CONFIRMED, AuditTag.KEYS_IMPORT_DISCARDED) == 1
