"""A process that dies at any statement of a replacement: the key has one secret that opens."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.utils.text import slugify

from freddy_admin.audit.chain import chain_append_missing
from freddy_admin.audit.chain_verification import chain_verify
from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates.verification import (
    candidate_leases_acquire,
    candidate_results_record,
)
from freddy_admin.sync.key_lifecycle import key_candidate_accept, key_monitoring_start
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.candidate_result import CandidateResult
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.services.candidates import (
    candidate_discard,
    candidate_promote,
    candidate_record_result,
)
from freddy_admin.vault.services.keys import api_key_create, api_key_replace
from tests.concurrency import (  # noqa: F401  the database of these tests
    IS_SQLITE,
    run_in_thread,
    shared_database,
)
from tests.drill_scale import RUN_FULL_DRILLS
from tests.sync.conftest import good_result
from tests.vault.secret_reading import stored_secret

ANA = Actor(name="Ana", id=1)
OLD = "oak_live_healthy_old_0123456789abcdef"
NEW = "oak_live_healthy_new_0123456789abcdef"

pytestmark = [
    pytest.mark.django_db(transaction=not IS_SQLITE),
    pytest.mark.usefixtures("shared_database"),
]


class Killed(BaseException):
    """The end of the process, as far as its transaction can tell."""


class DyingExecutor:
    """Lets so many statements through; dies before the next one, or right after it was run."""

    def __init__(self, statements: int, *, dies_after: bool) -> None:
        self.remaining, self.dies_after, self.has_died = statements, dies_after, False

    def __call__(self, execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if self.has_died:  # what is done on the way out, such as taking a savepoint back
            return execute(sql, *args)
        self.remaining -= 1
        if self.remaining >= 0:
            return execute(sql, *args)
        self.has_died = True
        if self.dies_after:
            execute(sql, *args)
        raise Killed


def key_in_use(name: str) -> ApiKey:
    """An active key with the old secret, due for checks."""
    acme = Organisation.objects.create(name=name, slug=slugify(name), created_at=clock.now())
    details = KeyDetails(label="Main")
    draft = api_key_create(organisation=acme, actor=ANA, details=details, secret=OLD)
    key = candidate_promote(organisation=acme, actor=WORKER, key=draft, version=1)
    key_monitoring_start(keys=[key])
    return key


def key_with_candidate(name: str) -> ApiKey:
    """An active key with the old secret, and a candidate that waits for its test."""
    key = key_in_use(name)
    replace_secret(key)
    return key


def key_with_undecided_candidate(name: str) -> ApiKey:
    """An active key with the old secret, and a candidate that could not be tested."""
    key = key_with_candidate(name)
    timed_out = CandidateResult(kind="timeout", message="No answer")
    candidate_record_result(
        organisation=key.organisation,
        state=CandidateState.UNTESTED,
        key=key,
        version=2,
        outcome=timed_out,
    )
    return key


def replace_secret(key: ApiKey) -> None:
    api_key_replace(organisation=key.organisation, actor=ANA, key=key, secret=NEW)


def record_good_test(key: ApiKey) -> None:
    # The lease of a dead worker runs out in time.
    KeyCandidate.objects.filter(key=key).update(lease_until=None, lease_token="")
    leases = candidate_leases_acquire(limit=5)
    candidate_results_record(
        [
            replace(good_result(key, token=lease.token), key_version=lease.key_version)
            for lease in leases
        ]
    )


def accept(key: ApiKey) -> None:
    key_candidate_accept(organisation=key.organisation, actor=ANA, key=key, version=2)


def discard(key: ApiKey) -> None:
    candidate_discard(organisation=key.organisation, actor=ANA, key=key, version=2)


def secrets_of(key: ApiKey) -> tuple[str, str]:
    """What the next check would use, and what waits beside it; nothing else is stored."""
    stored_key = ApiKey.objects.get(pk=key.pk)
    assert SyncStatus.objects.get(pk=key.pk).key_version == stored_key.version
    candidate = KeyCandidate.objects.filter(key=stored_key).first()
    return stored_secret(stored_key), stored_secret(candidate) if candidate else ""


def replacement_rounds(
    make_key: Callable[[str], ApiKey],
    change: Callable[[ApiKey], None],
    expected: tuple[str, str],
    dies_after: bool,
) -> int:
    """Die at the first statement, the second, …; returns about how many there were.

    Outside of `make drills` at each tenth, others before a statement than after one.
    """
    start, step = (0, 1) if RUN_FULL_DRILLS else (5 if dies_after else 0, 10)
    for statements in count(start, step):
        key = make_key(f"Acme {statements}")
        secrets_before, executor = secrets_of(key), DyingExecutor(statements, dies_after=dies_after)
        with suppress(Killed), connection.execute_wrapper(executor):
            change(key)
        connection.close()  # whatever the process had open ends with it
        secrets = secrets_of(key)
        assert secrets in (secrets_before, expected), f"statement {statements}"
        if not executor.has_died:
            assert secrets == expected
            chain_append_missing(whole=True)
            assert chain_verify()[1] is None
            return statements
        if secrets == secrets_before:
            change(key)
        assert secrets_of(key) == expected
    raise AssertionError


@pytest.mark.drill
@pytest.mark.parametrize("dies_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("make_key", "change", "expected"),
    [
        (key_in_use, replace_secret, (OLD, NEW)),
        (key_with_candidate, record_good_test, (NEW, "")),
        (key_with_undecided_candidate, accept, (NEW, "")),
        (key_with_undecided_candidate, discard, (OLD, "")),
    ],
    ids=["replaced", "tested", "accepted", "discarded"],
)
def test_a_key_interrupted_at_any_statement_has_one_secret_and_can_be_changed_again(
    make_key: Callable[[str], ApiKey],
    change: Callable[[ApiKey], None],
    expected: tuple[str, str],
    dies_after: bool,
) -> None:
    assert run_in_thread(lambda: replacement_rounds(make_key, change, expected, dies_after)) > 5
