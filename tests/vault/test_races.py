"""Drill S31: two at once, in threads, on a database file as the embedded panel uses it."""

from collections.abc import Callable

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR, WORKER, Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import PublicError
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import organisation_remove
from freddy_admin.sync.candidates import candidates_forget
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, MasterKeyCanary
from freddy_admin.vault.services import (
    ImportRow,
    KeyDetails,
    api_key_draft,
    api_key_replace,
    api_key_revoke,
    api_key_update,
    api_keys_import,
    candidate_promote,
    candidates_claim,
)
from freddy_admin.vault.trying import DECIDE_WITHIN
from tests.at_once import (
    ON_SQLITE,
    alone,
    at_once,
    shared,  # noqa: F401  the database of these tests
)
from tests.vault.conftest import OTHER_SECRET, SECRET
from tests.vault.opened import opened

AT_ONCE = 6

pytestmark = [
    pytest.mark.django_db(transaction=not ON_SQLITE),
    pytest.mark.usefixtures("shared"),
]


def _outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except PublicError as refused:
        return type(refused).__name__
    return "done"


def _acme() -> Organisation:
    return Organisation.objects.create(name="Acme", slug="acme")


def _draft(organisation: Organisation, secret: str = SECRET) -> ApiKey:
    details = KeyDetails(label="Main")
    actor = Actor(name="Mara")
    return api_key_draft(organisation=organisation, actor=actor, details=details, secret=secret)


def _active(organisation: Organisation) -> ApiKey:
    key = _draft(organisation)
    return candidate_promote(organisation=organisation, actor=WORKER, key=key, version=1)


def test_of_many_who_add_the_same_key_one_wins() -> None:
    acme = alone(_acme)
    outcomes = at_once([lambda: _outcome(lambda: _draft(acme))] * AT_ONCE)
    assert sorted(outcomes) == ["InvalidInput"] * (AT_ONCE - 1) + ["done"]
    assert alone(ApiKey.objects.count) == 1
    assert alone(MasterKeyCanary.objects.count) == 1


@pytest.mark.parametrize("_round", range(3))
def test_a_key_that_comes_to_an_organisation_while_it_is_removed_breaks_nothing(
    _round: int,
) -> None:
    acme = alone(_acme)
    rows = [ImportRow(organisation=acme, label="Other", secret=OTHER_SECRET)]
    removed, *added = at_once(
        [
            lambda: _outcome(lambda: organisation_remove(organisation=acme, actor=OPERATOR)),
            lambda: _outcome(lambda: _draft(acme)),
            lambda: _outcome(lambda: api_keys_import(actor=OPERATOR, rows=rows)),
        ]
    )
    assert removed == "done"
    assert set(added) <= {"done", "NotFound"}
    assert alone(lambda: [*Organisation.objects.all(), *ApiKey.objects.all()]) == []


@pytest.mark.parametrize("_round", range(3))
def test_what_is_done_to_a_key_while_its_organisation_is_removed_breaks_nothing(
    _round: int,
) -> None:
    key = alone(lambda: _active(_acme()))
    acme = key.organisation
    calls: list[Callable[[], object]] = [
        lambda: organisation_remove(organisation=acme, actor=OPERATOR),
        lambda: api_key_replace(organisation=acme, actor=OPERATOR, key=key, secret=OTHER_SECRET),
        lambda: api_key_update(
            organisation=acme, actor=OPERATOR, key=key, details=KeyDetails("New", tags=("eu",))
        ),
        lambda: api_key_revoke(organisation=acme, actor=OPERATOR, key=key),
    ]
    removed, *others = at_once([lambda call=call: _outcome(call) for call in calls])
    assert removed == "done"
    assert set(others) <= {"done", "NotFound", "Conflict"}
    assert not alone(Organisation.objects.exists)


def test_of_many_who_replace_a_key_the_last_ones_secret_waits_and_versions_differ() -> None:
    key = alone(lambda: _active(_acme()))

    def replace(number: int) -> tuple[int, str]:
        secret = f"replacement-number-{number}"
        candidate = api_key_replace(
            organisation=key.organisation, actor=OPERATOR, key=key, secret=secret
        )
        return candidate.version, secret

    given = at_once([lambda number=number: replace(number) for number in range(AT_ONCE)])
    assert sorted(version for version, _secret in given) == list(range(2, 2 + AT_ONCE))
    waiting = alone(lambda: KeyCandidate.objects.select_related("key").get())
    assert (waiting.version, opened(waiting)) == max(given)
    assert alone(lambda: opened(ApiKey.objects.get())) == SECRET


def test_of_many_who_revoke_a_key_one_wins() -> None:
    key = alone(lambda: _active(_acme()))

    def revoke() -> str:
        return _outcome(
            lambda: api_key_revoke(organisation=key.organisation, actor=OPERATOR, key=key)
        )

    assert sorted(at_once([revoke] * AT_ONCE)) == ["Conflict"] * (AT_ONCE - 1) + ["done"]
    assert alone(AuditEvent.objects.filter(tag="key_revoked").count) == 1


def test_a_late_answer_and_a_new_paste_leave_one_sound_end() -> None:
    key = alone(lambda: _draft(_acme()))
    acme = key.organisation

    def promote() -> str:
        return _outcome(
            lambda: candidate_promote(organisation=acme, actor=WORKER, key=key, version=1)
        )

    def paste() -> str:
        return _outcome(
            lambda: api_key_replace(organisation=acme, actor=OPERATOR, key=key, secret=OTHER_SECRET)
        )

    promoted, pasted = at_once([promote, paste])
    assert pasted == "done"
    stored = alone(ApiKey.objects.get)
    waiting = alone(lambda: KeyCandidate.objects.select_related("key").get())
    assert (waiting.version, opened(waiting)) == (2, OTHER_SECRET)
    assert (promoted, stored.status) in {("done", "active"), ("Conflict", "draft")}


@pytest.mark.usefixtures("believed_clock")
def test_a_decision_and_the_end_of_its_week_leave_one_sound_end() -> None:
    key = alone(lambda: _draft(_acme()))
    acme, old = key.organisation, clock.now() - DECIDE_WITHIN
    untested = {"state": CandidateState.UNTESTED, "tested_at": old}
    alone(lambda: KeyCandidate.objects.update(**untested))

    def keep() -> str:
        state = CandidateState.UNTESTED
        return _outcome(
            lambda: candidate_promote(
                organisation=acme, actor=OPERATOR, key=key, version=1, state=state
            )
        )

    forgotten, kept = at_once([candidates_forget, keep])
    statuses = alone(lambda: list(ApiKey.objects.values_list("status", flat=True)))
    # Whichever comes first: after its week nobody keeps it any more.
    assert (forgotten, statuses) == (1, [])
    assert kept in {"Conflict", "NotFound"}
    assert not alone(KeyCandidate.objects.exists)


def test_many_workers_share_the_candidates_and_none_is_tested_twice() -> None:
    def fill() -> None:
        acme = _acme()
        for number in range(12):
            _draft(acme, secret=f"secret-number-{number}")

    alone(fill)
    claims = at_once([lambda: candidates_claim(limit=4, lease_seconds=60)] * AT_ONCE)
    claimed = [candidate.pk for claim in claims for candidate in claim]
    assert len(claimed) == len(set(claimed))
    left = alone(lambda: len(candidates_claim(limit=50, lease_seconds=60)))
    assert len(claimed) + left == 12


def test_the_same_file_imported_twice_at_once_stores_each_key_once() -> None:
    acme = alone(_acme)
    rows = [
        ImportRow(organisation=acme, label=f"Key {n}", secret=f"secret-number-{n}", tags=("eu",))
        for n in range(20)
    ]

    def run() -> int:
        results = api_keys_import(actor=OPERATOR, rows=rows)
        return sum(result.key is not None for result in results)

    assert sorted(at_once([run, run])) == [0, 20]
    assert alone(ApiKey.objects.count) == 20
