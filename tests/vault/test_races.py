"""Drill S31: two at once, in threads, on a database file as the embedded panel uses it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from django.db import connection, connections

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR, WORKER, Actor
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, KeyCandidate, MasterKeyCanary
from freddy_admin.vault.services import (
    ImportRow,
    KeyDetails,
    api_key_draft,
    api_key_replace,
    api_key_revoke,
    api_keys_import,
    candidate_promote,
    candidates_claim,
)
from tests.vault.conftest import OTHER_SECRET, SECRET
from tests.vault.opened import opened

T = TypeVar("T")
AT_ONCE = 6
ON_SQLITE = connection.vendor == "sqlite"

pytestmark = [
    pytest.mark.django_db(transaction=not ON_SQLITE),
    pytest.mark.usefixtures("shared"),
]


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that several connections share; the tests' own lives in one connection."""
    if not ON_SQLITE:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%'"
        )
        schema = [sql for (sql,) in cursor.fetchall()]
    monkeypatch.setitem(connections.settings["default"], "NAME", str(tmp_path / "shared.sqlite3"))

    def make() -> None:
        with connection.cursor() as made:
            for sql in schema:
                made.execute(sql)

    _alone(make)


def _alone(call: Callable[[], T]) -> T:
    return _at_once([call])[0]


def _at_once(calls: list[Callable[[], T]]) -> list[T]:
    """Run all of them at the same moment, each with a connection of its own."""
    start = threading.Barrier(len(calls), timeout=10)

    def run(call: Callable[[], T]) -> T:
        try:
            start.wait()
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def _outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except (Conflict, InvalidInput) as refused:
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
    acme = _alone(_acme)
    outcomes = _at_once([lambda: _outcome(lambda: _draft(acme))] * AT_ONCE)
    assert sorted(outcomes) == ["InvalidInput"] * (AT_ONCE - 1) + ["done"]
    assert _alone(ApiKey.objects.count) == 1
    assert _alone(MasterKeyCanary.objects.count) == 1


def test_of_many_who_replace_a_key_the_last_ones_secret_waits_and_versions_differ() -> None:
    key = _alone(lambda: _active(_acme()))

    def replace(number: int) -> tuple[int, str]:
        secret = f"replacement-number-{number}"
        candidate = api_key_replace(
            organisation=key.organisation, actor=OPERATOR, key=key, secret=secret
        )
        return candidate.version, secret

    given = _at_once([lambda number=number: replace(number) for number in range(AT_ONCE)])
    assert sorted(version for version, _secret in given) == list(range(2, 2 + AT_ONCE))
    waiting = _alone(lambda: KeyCandidate.objects.select_related("key").get())
    assert (waiting.version, opened(waiting)) == max(given)
    assert _alone(lambda: opened(ApiKey.objects.get())) == SECRET


def test_of_many_who_revoke_a_key_one_wins() -> None:
    key = _alone(lambda: _active(_acme()))

    def revoke() -> str:
        return _outcome(
            lambda: api_key_revoke(organisation=key.organisation, actor=OPERATOR, key=key)
        )

    assert sorted(_at_once([revoke] * AT_ONCE)) == ["Conflict"] * (AT_ONCE - 1) + ["done"]
    assert _alone(AuditEvent.objects.filter(tag="key_revoked").count) == 1


def test_a_late_answer_and_a_new_paste_leave_one_of_two_sound_ends() -> None:
    key = _alone(lambda: _draft(_acme()))
    acme = key.organisation

    def promote() -> str:
        return _outcome(
            lambda: candidate_promote(organisation=acme, actor=WORKER, key=key, version=1)
        )

    def paste() -> str:
        return _outcome(
            lambda: api_key_replace(organisation=acme, actor=OPERATOR, key=key, secret=OTHER_SECRET)
        )

    promoted, pasted = _at_once([promote, paste])
    assert pasted == "done"
    stored = _alone(ApiKey.objects.get)
    waiting = _alone(lambda: KeyCandidate.objects.select_related("key").get())
    assert (waiting.version, opened(waiting)) == (2, OTHER_SECRET)
    assert (promoted, stored.status) in {("done", "active"), ("Conflict", "draft")}


def test_many_workers_share_the_candidates_and_none_is_tested_twice() -> None:
    def fill() -> None:
        acme = _acme()
        for number in range(12):
            _draft(acme, secret=f"secret-number-{number}")

    _alone(fill)
    claims = _at_once([lambda: candidates_claim(limit=4, lease_seconds=60)] * AT_ONCE)
    claimed = [candidate.pk for claim in claims for candidate in claim]
    assert len(claimed) == len(set(claimed))
    left = _alone(lambda: len(candidates_claim(limit=50, lease_seconds=60)))
    assert len(claimed) + left == 12


def test_the_same_file_imported_twice_at_once_stores_each_key_once() -> None:
    acme = _alone(_acme)
    rows = [
        ImportRow(organisation=acme, label=f"Key {n}", secret=f"secret-number-{n}", tags=("eu",))
        for n in range(20)
    ]

    def run() -> int:
        results = api_keys_import(actor=OPERATOR, rows=rows)
        return sum(result.key is not None for result in results)

    assert sorted(_at_once([run, run])) == [0, 20]
    assert _alone(ApiKey.objects.count) == 20
