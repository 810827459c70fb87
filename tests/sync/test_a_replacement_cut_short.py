"""A process that dies at any statement of a replacement: the key has one secret that opens."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.utils.text import slugify

from freddy_admin.audit.chain import chain_catch_up
from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.audit.verifying import chain_verify
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates import candidate_claims_take, candidates_store
from freddy_admin.sync.lifecycle import key_keep, keys_watch
from freddy_admin.sync.models import KeySync
from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.models import ApiKey, KeyCandidate
from freddy_admin.vault.services.candidates import (
    candidate_could_not_test,
    candidate_discard,
    candidate_promote,
)
from freddy_admin.vault.services.keys import api_key_draft, api_key_replace
from freddy_admin.vault.trying import TestOutcome
from tests.at_once import (
    ON_SQLITE,
    alone,
    shared,  # noqa: F401  the database of these tests
)
from tests.sync.conftest import good
from tests.vault.opened import opened

ANA = Actor(name="Ana", id=1)
OLD = "oak_live_healthy_old_0123456789abcdef"
NEW = "oak_live_healthy_new_0123456789abcdef"

pytestmark = [
    pytest.mark.django_db(transaction=not ON_SQLITE),
    pytest.mark.usefixtures("shared"),
]


class Killed(BaseException):
    """The end of the process, as far as its transaction can tell."""


class Dying:
    """Lets so many statements through; dies before the next one, or right after it was run."""

    def __init__(self, statements: int, *, after: bool) -> None:
        self.left, self.after, self.died = statements, after, False

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if self.died:  # what is done on the way out, such as taking a savepoint back
            return execute(sql, *rest)
        self.left -= 1
        if self.left >= 0:
            return execute(sql, *rest)
        self.died = True
        if self.after:
            execute(sql, *rest)
        raise Killed


def in_use(name: str) -> ApiKey:
    """A key that is watched, its secret the old one."""
    acme = Organisation.objects.create(name=name, slug=slugify(name), created_at=clock.now())
    details = KeyDetails(label="Main")
    draft = api_key_draft(organisation=acme, actor=ANA, details=details, secret=OLD)
    key = candidate_promote(organisation=acme, actor=WORKER, key=draft, version=1)
    keys_watch(keys=[key])
    return key


def replaced(name: str) -> ApiKey:
    """The same, with a new secret beside it that waits for its test."""
    key = in_use(name)
    paste(key)
    return key


def undecided(name: str) -> ApiKey:
    """The same, with a new secret that could not be tested."""
    key = replaced(name)
    timed_out = TestOutcome(kind="timeout", message="No answer")
    candidate_could_not_test(
        organisation=key.organisation, actor=WORKER, key=key, version=2, outcome=timed_out
    )
    return key


def paste(key: ApiKey) -> None:
    api_key_replace(organisation=key.organisation, actor=ANA, key=key, secret=NEW)


def good_answer(key: ApiKey) -> None:
    # What a dead worker leased comes back in time.
    KeyCandidate.objects.filter(key=key).update(lease_until=None, lease_token="")
    claims = candidate_claims_take(limit=5, now=clock.now())
    candidates_store(
        [replace(good(key, token=one.token), key_version=one.key_version) for one in claims]
    )


def keep(key: ApiKey) -> None:
    key_keep(organisation=key.organisation, actor=ANA, key=key, version=2)


def discard(key: ApiKey) -> None:
    candidate_discard(organisation=key.organisation, actor=ANA, key=key, version=2)


def secrets_of(key: ApiKey) -> tuple[str, str]:
    """What the next check would use, and what waits beside it; nothing else is stored."""
    found = ApiKey.objects.get(pk=key.pk)
    assert KeySync.objects.get(pk=key.pk).key_version == found.version
    waiting = KeyCandidate.objects.filter(key=found).first()
    return opened(found), opened(waiting) if waiting else ""


def rounds(
    begin: Callable[[str], ApiKey],
    act: Callable[[ApiKey], None],
    done: tuple[str, str],
    after: bool,
) -> int:
    """Die at the first statement, the second one, …: how many there were."""
    for statements in count():
        key = begin(f"Acme {statements}")
        before, dying = secrets_of(key), Dying(statements, after=after)
        with suppress(Killed), connection.execute_wrapper(dying):
            act(key)
        connection.close()  # whatever the process had open ends with it
        left = secrets_of(key)
        assert left in (before, done), f"statement {statements}"
        if not dying.died:
            assert left == done
            chain_catch_up(whole=True)
            assert chain_verify()[1] is None
            return statements
        if left == before:
            act(key)
        assert secrets_of(key) == done
    raise AssertionError


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("begin", "act", "done"),
    [
        (in_use, paste, (OLD, NEW)),
        (replaced, good_answer, (NEW, "")),
        (undecided, keep, (NEW, "")),
        (undecided, discard, (OLD, "")),
    ],
    ids=["pasted", "answered", "kept anyway", "thrown away"],
)
def test_at_every_statement_one_secret_opens_and_a_second_try_ends_well(
    begin: Callable[[str], ApiKey],
    act: Callable[[ApiKey], None],
    done: tuple[str, str],
    after: bool,
) -> None:
    assert alone(lambda: rounds(begin, act, done, after)) > 5
