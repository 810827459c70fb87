"""Drill S31: concurrent changes of keys in threads, on the database that the panel uses."""

from collections.abc import Callable

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR, WORKER, Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import PublicError
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import organisation_delete
from freddy_admin.sync.candidates.verification import candidates_prune
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, MasterKeyCanary
from freddy_admin.vault.selectors import DECISION_PERIOD
from freddy_admin.vault.services.bulk_import import ImportRow, api_keys_import
from freddy_admin.vault.services.candidates import candidate_promote, candidates_claim
from freddy_admin.vault.services.keys import (
    api_key_create,
    api_key_replace,
    api_key_revoke,
    api_key_update,
)
from tests.concurrency import (  # noqa: F401  the database of these tests
    IS_SQLITE,
    run_concurrently,
    run_in_thread,
    shared_database,
)
from tests.vault.conftest import OTHER_SECRET, SECRET
from tests.vault.secret_reading import stored_secret

CONCURRENT_CALLS = 6
pytestmark = [
    pytest.mark.django_db(transaction=not IS_SQLITE),
    pytest.mark.usefixtures("shared_database"),
]


def _service_outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except PublicError as error:
        return type(error).__name__
    return "done"


def _organisation_create() -> Organisation:
    return Organisation.objects.create(name="Alder", slug="alder")


def _draft_key_create(organisation: Organisation, secret: str = SECRET) -> ApiKey:
    details = KeyDetails(label="Main")
    actor = Actor(name="Mara")
    return api_key_create(organisation=organisation, actor=actor, details=details, secret=secret)


def _active_key_create(organisation: Organisation) -> ApiKey:
    key = _draft_key_create(organisation)
    return candidate_promote(organisation=organisation, actor=WORKER, key=key, version=1)


def test_of_many_concurrent_creations_of_one_secret_one_succeeds() -> None:
    organisation = run_in_thread(_organisation_create)
    outcomes = run_concurrently(
        [lambda: _service_outcome(lambda: _draft_key_create(organisation))] * CONCURRENT_CALLS
    )
    assert sorted(outcomes) == ["InvalidInput"] * (CONCURRENT_CALLS - 1) + ["done"]
    assert run_in_thread(ApiKey.objects.count) == 1
    assert run_in_thread(MasterKeyCanary.objects.count) == 1


@pytest.mark.parametrize("_round", range(3))
def test_a_key_added_while_its_organisation_is_deleted_is_gone(
    _round: int,
) -> None:
    organisation = run_in_thread(_organisation_create)
    rows = [ImportRow(organisation=organisation, label="Other", secret=OTHER_SECRET)]
    delete_outcome, *add_outcomes = run_concurrently(
        [
            lambda: _service_outcome(
                lambda: organisation_delete(organisation=organisation, actor=OPERATOR)
            ),
            lambda: _service_outcome(lambda: _draft_key_create(organisation)),
            lambda: _service_outcome(lambda: api_keys_import(actor=OPERATOR, rows=rows)),
        ]
    )
    assert delete_outcome == "done"
    assert set(add_outcomes) <= {"done", "NotFound"}
    assert run_in_thread(lambda: [*Organisation.objects.all(), *ApiKey.objects.all()]) == []


@pytest.mark.parametrize("_round", range(3))
def test_a_key_changed_while_its_organisation_is_deleted_is_gone(
    _round: int,
) -> None:
    key = run_in_thread(lambda: _active_key_create(_organisation_create()))
    organisation = key.organisation
    calls: list[Callable[[], object]] = [
        lambda: organisation_delete(organisation=organisation, actor=OPERATOR),
        lambda: api_key_replace(
            organisation=organisation, actor=OPERATOR, key=key, secret=OTHER_SECRET
        ),
        lambda: api_key_update(
            organisation=organisation,
            actor=OPERATOR,
            key=key,
            details=KeyDetails("New", tags=("eu",)),
        ),
        lambda: api_key_revoke(organisation=organisation, actor=OPERATOR, key=key),
    ]
    delete_outcome, *change_outcomes = run_concurrently(
        [lambda call=call: _service_outcome(call) for call in calls]
    )
    assert delete_outcome == "done"
    assert set(change_outcomes) <= {"done", "NotFound", "Conflict"}
    assert not run_in_thread(Organisation.objects.exists)


def test_of_many_concurrent_replacements_the_last_is_the_candidate() -> None:
    key = run_in_thread(lambda: _active_key_create(_organisation_create()))

    def replace(number: int) -> tuple[int, str]:
        secret = f"replacement-number-{number}"
        candidate = api_key_replace(
            organisation=key.organisation, actor=OPERATOR, key=key, secret=secret
        )
        return candidate.version, secret

    replacements = run_concurrently(
        [lambda number=number: replace(number) for number in range(CONCURRENT_CALLS)]
    )
    assert sorted(version for version, _secret in replacements) == list(
        range(2, 2 + CONCURRENT_CALLS)
    )
    candidate = run_in_thread(lambda: KeyCandidate.objects.select_related("key").get())
    assert (candidate.version, stored_secret(candidate)) == max(replacements)
    assert run_in_thread(lambda: stored_secret(ApiKey.objects.get())) == SECRET


def test_of_many_concurrent_revocations_one_succeeds() -> None:
    key = run_in_thread(lambda: _active_key_create(_organisation_create()))

    def revoke() -> str:
        return _service_outcome(
            lambda: api_key_revoke(organisation=key.organisation, actor=OPERATOR, key=key)
        )

    assert sorted(run_concurrently([revoke] * CONCURRENT_CALLS)) == ["Conflict"] * (
        CONCURRENT_CALLS - 1
    ) + ["done"]
    assert run_in_thread(AuditEvent.objects.filter(tag="key_revoked").count) == 1


def test_a_concurrent_promotion_and_replacement_leave_the_new_candidate() -> None:
    key = run_in_thread(lambda: _draft_key_create(_organisation_create()))
    organisation = key.organisation

    def promote() -> str:
        return _service_outcome(
            lambda: candidate_promote(organisation=organisation, actor=WORKER, key=key, version=1)
        )

    def replace() -> str:
        return _service_outcome(
            lambda: api_key_replace(
                organisation=organisation, actor=OPERATOR, key=key, secret=OTHER_SECRET
            )
        )

    promote_outcome, replace_outcome = run_concurrently([promote, replace])
    assert replace_outcome == "done"
    stored_key = run_in_thread(ApiKey.objects.get)
    candidate = run_in_thread(lambda: KeyCandidate.objects.select_related("key").get())
    assert (candidate.version, stored_secret(candidate)) == (2, OTHER_SECRET)
    assert (promote_outcome, stored_key.status) in {("done", "active"), ("Conflict", "draft")}


@pytest.mark.usefixtures("trusted_clock")
def test_a_candidate_promoted_while_it_expires_is_deleted() -> None:
    key = run_in_thread(lambda: _draft_key_create(_organisation_create()))
    organisation, tested_at = key.organisation, clock.now() - DECISION_PERIOD
    untested_fields = {"state": CandidateState.UNTESTED, "tested_at": tested_at}
    run_in_thread(lambda: KeyCandidate.objects.update(**untested_fields))

    def promote() -> str:
        state = CandidateState.UNTESTED
        return _service_outcome(
            lambda: candidate_promote(
                organisation=organisation, actor=OPERATOR, key=key, version=1, state=state
            )
        )

    pruned_count, promote_outcome = run_concurrently([candidates_prune, promote])
    statuses = run_in_thread(lambda: list(ApiKey.objects.values_list("status", flat=True)))
    # Whichever is first: after its week a candidate cannot be promoted any more.
    assert (pruned_count, statuses) == (1, [])
    assert promote_outcome in {"Conflict", "NotFound"}
    assert not run_in_thread(KeyCandidate.objects.exists)


def test_many_workers_claim_each_candidate_once() -> None:
    def candidates_create() -> None:
        organisation = _organisation_create()
        for number in range(12):
            _draft_key_create(organisation, secret=f"secret-number-{number}")

    run_in_thread(candidates_create)
    claims = run_concurrently(
        [lambda: candidates_claim(limit=4, lease_seconds=60)] * CONCURRENT_CALLS
    )
    claimed_ids = [candidate.pk for claim in claims for _lease, candidate in claim]
    assert len(claimed_ids) == len(set(claimed_ids))
    remaining = run_in_thread(lambda: len(candidates_claim(limit=50, lease_seconds=60)))
    assert len(claimed_ids) + remaining == 12


def test_two_concurrent_imports_store_each_key_once() -> None:
    organisation = run_in_thread(_organisation_create)
    rows = [
        ImportRow(
            organisation=organisation, label=f"Key {n}", secret=f"secret-number-{n}", tags=("eu",)
        )
        for n in range(20)
    ]

    def keys_import() -> int:
        results = api_keys_import(actor=OPERATOR, rows=rows)
        return sum(result.key is not None for result in results)

    assert sorted(run_concurrently([keys_import, keys_import])) == [0, 20]
    assert run_in_thread(ApiKey.objects.count) == 20
