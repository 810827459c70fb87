"""Drill S11: what was replaced, revoked or thrown away is in no byte of the database's files."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.core import backends, clock, sqlite_wal
from freddy_admin.core.sqlite_wal import wal_empty
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import organisation_remove
from freddy_admin.sync.engine import Engine
from freddy_admin.vault.models import ApiKey, KeyCandidate
from freddy_admin.vault.services import (
    KeyDetails,
    api_key_draft,
    api_key_replace,
    api_key_revoke,
    candidate_discard,
    candidate_promote,
)
from freddy_admin.vault.services.import_drafts import import_draft_discard
from freddy_admin.vault.services.import_tests import import_drafts_expire
from tests.core.test_settings_are_refused_by_name import Given
from tests.vault.conftest import OTHER_SECRET, SECRET
from tests.vault.pasting import laid_out, secret

ANA = Actor(name="Ana", id=1)
DEFAULTS = {
    "ATOMIC_REQUESTS": False,
    "AUTOCOMMIT": True,
    "CONN_MAX_AGE": 0,
    "CONN_HEALTH_CHECKS": False,
    "TIME_ZONE": None,
}


class Files:
    """The panel's database as it lies on the disk."""

    def __init__(self, path: Path, wrapper: DatabaseWrapper) -> None:
        self.path, self.wrapper = path, wrapper

    def pragma(self, text: str) -> None:
        with self.wrapper.cursor() as cursor:
            cursor.execute(f"PRAGMA {text}")
            cursor.fetchall()

    def hold(self, sealed: bytes) -> bool:
        """Whether any file holds these bytes, or a good part of them, as they lie there now."""
        held = b"".join(file.read_bytes() for file in self.path.parent.iterdir())
        return any(sealed[at : at + 16] in held for at in range(24, len(sealed) - 16, 8))


@pytest.fixture
def files(tmp_path: Path, django_db_blocker: pytest.FixtureRequest) -> Iterator[Files]:
    path = tmp_path / "x.sqlite3"
    config = backends.database(Given(), default=f"sqlite:///{path}")
    wrapper = DatabaseWrapper(DEFAULTS | config, alias="default")
    former = connections["default"]
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connections["default"] = wrapper
        try:
            call_command("migrate", verbosity=0)
            yield Files(path, wrapper)
        finally:
            wrapper.close()
            connections["default"] = former


@pytest.fixture
def here(files: Files) -> Organisation:
    return Organisation.objects.create(name="Acme", slug="acme")


def _key(here: Organisation) -> tuple[ApiKey, bytes]:
    draft = api_key_draft(
        organisation=here, actor=ANA, details=KeyDetails(label="Main"), secret=SECRET
    )
    key = candidate_promote(organisation=here, actor=ANA, key=draft, version=1)
    return key, bytes(key.ciphertext)


def test_the_search_finds_what_is_stored(files: Files, here: Organisation) -> None:
    _former, sealed = _key(here)
    assert files.hold(sealed)


def test_a_replaced_key_leaves_nothing_of_the_former_one(files: Files, here: Organisation) -> None:
    key, former = _key(here)
    api_key_replace(organisation=here, actor=ANA, key=key, secret=OTHER_SECRET)
    assert files.hold(former)
    kept = candidate_promote(organisation=here, actor=ANA, key=key, version=2)
    assert not files.hold(former)
    assert files.hold(bytes(kept.ciphertext))


def test_a_revoked_key_leaves_nothing(files: Files, here: Organisation) -> None:
    key, former = _key(here)
    api_key_revoke(organisation=here, actor=ANA, key=key)
    assert not files.hold(former)


def test_a_candidate_that_was_thrown_away_leaves_nothing(files: Files, here: Organisation) -> None:
    key, present = _key(here)
    api_key_replace(organisation=here, actor=ANA, key=key, secret=OTHER_SECRET)
    new = bytes(KeyCandidate.objects.get().ciphertext or b"")
    candidate_discard(organisation=here, actor=ANA, key=key, version=2)
    assert not files.hold(new)
    assert files.hold(present)


def test_an_import_that_was_thrown_away_leaves_nothing(files: Files, here: Organisation) -> None:
    root = User.objects.create(email="root@example.org", is_platform_admin=True)
    draft = laid_out(root, f"Acme,A,{secret('a')},,", f"Acme,B,{secret('b')},,")
    sealed = [bytes(row.ciphertext or b"") for row in draft.rows.all()]
    assert all(files.hold(one) for one in sealed)
    import_draft_discard(actor=ANA, user=root, draft_id=draft.pk)
    assert not any(files.hold(one) for one in sealed)


@pytest.mark.usefixtures("believed_clock")
def test_an_import_that_nobody_confirmed_for_a_day_leaves_nothing(
    files: Files, here: Organisation
) -> None:
    root = User.objects.create(email="root@example.org", is_platform_admin=True)
    draft = laid_out(root, f"Acme,A,{secret('a')},,")
    sealed = bytes(draft.rows.get().ciphertext or b"")
    assert files.hold(sealed)
    tomorrow = clock.now() + timedelta(days=1)
    with clock.using(lambda: tomorrow):
        assert import_drafts_expire() == 2
    assert not files.hold(sealed)


@contextmanager
def _read_by_another(files: Files) -> Iterator[sqlite3.Connection]:
    """Somebody who began to read before the key was revoked, and has not ended yet."""
    with closing(sqlite3.connect(files.path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM vault_apikey").fetchall()
        yield other


def test_a_key_revoked_while_others_read_leaves_nothing_once_they_end(
    files: Files, here: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_wal, "PATIENCE", 1)
    key, former = _key(here)
    with _read_by_another(files) as other:
        api_key_revoke(organisation=here, actor=ANA, key=key)
        assert not wal_empty(patience=1)
        other.execute("COMMIT")
        assert wal_empty(patience=1)
        assert not files.hold(former)
        # Nobody waits longer than before for somebody who writes.
        with files.wrapper.cursor() as cursor:
            assert cursor.execute("PRAGMA busy_timeout").fetchone() == (20_000,)


def test_a_key_revoked_while_another_connection_is_open_leaves_nothing(
    files: Files, here: Organisation
) -> None:
    key, former = _key(here)
    with _read_by_another(files) as other:
        other.execute("COMMIT")
        api_key_revoke(organisation=here, actor=ANA, key=key)
        assert not files.hold(former)
        other.execute("SELECT count(*) FROM vault_apikey").fetchall()
        assert not files.hold(former)


def test_the_worker_empties_the_log_again(
    files: Files, here: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_wal, "PATIENCE", 1)
    key, former = _key(here)
    with _read_by_another(files):
        api_key_revoke(organisation=here, actor=ANA, key=key)
    assert files.hold(former)
    engine = Engine(parallel=1, name="test")
    try:
        engine.tick(wait=0)
    finally:
        engine.stop()
    assert not files.hold(former)


def test_a_removed_organisation_leaves_nothing_of_its_keys(
    files: Files, here: Organisation
) -> None:
    _former, sealed = _key(here)
    organisation_remove(organisation=here, actor=ANA)
    assert not files.hold(sealed)


def test_it_is_secure_delete_that_wipes(files: Files, here: Organisation) -> None:
    files.pragma("secure_delete=OFF")
    key, present = _key(here)
    api_key_replace(organisation=here, actor=ANA, key=key, secret=OTHER_SECRET)
    new = bytes(KeyCandidate.objects.get().ciphertext or b"")
    candidate_discard(organisation=here, actor=ANA, key=key, version=2)
    assert files.hold(new)
    assert files.hold(present)
