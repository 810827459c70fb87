"""Drill S11: no byte of a replaced, revoked or discarded secret stays in the database's files."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.conf.django_settings import build_database_settings
from freddy_admin.core import clock, sqlite_wal
from freddy_admin.core.sqlite_wal import wal_truncate
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import organisation_delete
from freddy_admin.sync.worker.loop import WorkerLoop
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, KeyCandidate
from freddy_admin.vault.services.candidates import candidate_discard, candidate_promote
from freddy_admin.vault.services.import_drafts import import_draft_discard
from freddy_admin.vault.services.import_rows import import_drafts_expire
from freddy_admin.vault.services.keys import api_key_create, api_key_replace, api_key_revoke
from tests.conf.test_setting_parsers import EnvironmentFromValues
from tests.migrated_database import migrated_database_copy
from tests.vault.conftest import OTHER_SECRET, SECRET
from tests.vault.import_draft_data import import_draft_make, secret

ACTOR = Actor(name="Ana", id=1)
DEFAULTS = {
    "ATOMIC_REQUESTS": False,
    "AUTOCOMMIT": True,
    "CONN_MAX_AGE": 0,
    "CONN_HEALTH_CHECKS": False,
    "TIME_ZONE": None,
}


class DatabaseFiles:
    """The files of the panel's SQLite database."""

    def __init__(self, path: Path, wrapper: DatabaseWrapper) -> None:
        self.path, self.wrapper = path, wrapper

    def pragma(self, text: str) -> None:
        with self.wrapper.cursor() as cursor:
            cursor.execute(f"PRAGMA {text}")
            cursor.fetchall()

    def contain(self, ciphertext: bytes) -> bool:
        """Whether any file contains any 16 successive bytes of the sealed ones, at steps of 8."""
        content = b"".join(file.read_bytes() for file in self.path.parent.iterdir())
        return any(
            ciphertext[index : index + 16] in content
            for index in range(24, len(ciphertext) - 16, 8)
        )


@pytest.fixture
def database_files(
    tmp_path: Path, django_db_blocker: pytest.FixtureRequest
) -> Iterator[DatabaseFiles]:
    path = tmp_path / "x.sqlite3"
    migrated_database_copy(path)
    config = build_database_settings(EnvironmentFromValues(), default=f"sqlite:///{path}")
    wrapper = DatabaseWrapper(DEFAULTS | config, alias="default")
    former_connection = connections["default"]
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connections["default"] = wrapper
        try:
            yield DatabaseFiles(path, wrapper)
        finally:
            wrapper.close()
            connections["default"] = former_connection


@pytest.fixture
def organisation(database_files: DatabaseFiles) -> Organisation:
    return Organisation.objects.create(name="Alder", slug="alder")


def _active_key_create(organisation: Organisation) -> tuple[ApiKey, bytes]:
    draft_key = api_key_create(
        organisation=organisation, actor=ACTOR, details=KeyDetails(label="Main"), secret=SECRET
    )
    key = candidate_promote(organisation=organisation, actor=ACTOR, key=draft_key, version=1)
    return key, bytes(key.ciphertext)


def test_the_search_finds_stored_bytes(
    database_files: DatabaseFiles, organisation: Organisation
) -> None:
    _key, ciphertext = _active_key_create(organisation)
    assert database_files.contain(ciphertext)


def test_a_replaced_key_leaves_nothing_of_the_former_one(
    database_files: DatabaseFiles, organisation: Organisation
) -> None:
    key, former_ciphertext = _active_key_create(organisation)
    api_key_replace(organisation=organisation, actor=ACTOR, key=key, secret=OTHER_SECRET)
    assert database_files.contain(former_ciphertext)
    promoted = candidate_promote(organisation=organisation, actor=ACTOR, key=key, version=2)
    assert not database_files.contain(former_ciphertext)
    assert database_files.contain(bytes(promoted.ciphertext))


def test_a_revoked_key_leaves_nothing(
    database_files: DatabaseFiles, organisation: Organisation
) -> None:
    key, former_ciphertext = _active_key_create(organisation)
    api_key_revoke(organisation=organisation, actor=ACTOR, key=key)
    assert not database_files.contain(former_ciphertext)


def test_a_discarded_candidate_leaves_nothing(
    database_files: DatabaseFiles, organisation: Organisation
) -> None:
    key, present_ciphertext = _active_key_create(organisation)
    api_key_replace(organisation=organisation, actor=ACTOR, key=key, secret=OTHER_SECRET)
    candidate_ciphertext = bytes(KeyCandidate.objects.get().ciphertext or b"")
    candidate_discard(organisation=organisation, actor=ACTOR, key=key, version=2)
    assert not database_files.contain(candidate_ciphertext)
    assert database_files.contain(present_ciphertext)


def test_a_discarded_import_draft_leaves_nothing(
    database_files: DatabaseFiles, organisation: Organisation
) -> None:
    admin = User.objects.create(email="root@example.org", is_platform_admin=True)
    draft = import_draft_make(admin, f"Alder,A,{secret('a')},,", f"Alder,B,{secret('b')},,")
    ciphertexts = [bytes(row.ciphertext or b"") for row in draft.rows.all()]
    assert all(database_files.contain(ciphertext) for ciphertext in ciphertexts)
    import_draft_discard(actor=ACTOR, user=admin, draft_id=draft.pk)
    assert not any(database_files.contain(ciphertext) for ciphertext in ciphertexts)


@pytest.mark.usefixtures("trusted_clock")
def test_an_expired_import_draft_leaves_nothing(
    database_files: DatabaseFiles, organisation: Organisation
) -> None:
    admin = User.objects.create(email="root@example.org", is_platform_admin=True)
    draft = import_draft_make(admin, f"Alder,A,{secret('a')},,")
    ciphertext = bytes(draft.rows.get().ciphertext or b"")
    assert database_files.contain(ciphertext)
    tomorrow = clock.now() + timedelta(days=1)
    with clock.override_clock(lambda: tomorrow):
        assert import_drafts_expire() == 2
    assert not database_files.contain(ciphertext)


@contextmanager
def _concurrent_reader(database_files: DatabaseFiles) -> Iterator[sqlite3.Connection]:
    """A connection with an open read transaction."""
    with closing(sqlite3.connect(database_files.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM vault_apikey").fetchall()
        yield reader


def test_a_key_revoked_while_others_read_leaves_nothing_once_they_end(
    database_files: DatabaseFiles, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_wal, "BUSY_TIMEOUT_MS", 1)
    key, former_ciphertext = _active_key_create(organisation)
    with _concurrent_reader(database_files) as reader:
        api_key_revoke(organisation=organisation, actor=ACTOR, key=key)
        assert not wal_truncate(busy_timeout_ms=1)
        reader.execute("COMMIT")
        assert wal_truncate(busy_timeout_ms=1)
        assert not database_files.contain(former_ciphertext)
        # The connection's busy timeout for writers is unchanged.
        with database_files.wrapper.cursor() as cursor:
            assert cursor.execute("PRAGMA busy_timeout").fetchone() == (20_000,)


def test_a_key_revoked_while_another_connection_is_open_leaves_nothing(
    database_files: DatabaseFiles, organisation: Organisation
) -> None:
    key, former_ciphertext = _active_key_create(organisation)
    with _concurrent_reader(database_files) as reader:
        reader.execute("COMMIT")
        api_key_revoke(organisation=organisation, actor=ACTOR, key=key)
        assert not database_files.contain(former_ciphertext)
        reader.execute("SELECT count(*) FROM vault_apikey").fetchall()
        assert not database_files.contain(former_ciphertext)


def test_the_worker_truncates_the_log_again(
    database_files: DatabaseFiles, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_wal, "BUSY_TIMEOUT_MS", 1)
    key, former_ciphertext = _active_key_create(organisation)
    with _concurrent_reader(database_files):
        api_key_revoke(organisation=organisation, actor=ACTOR, key=key)
    assert database_files.contain(former_ciphertext)
    worker = WorkerLoop(parallel=1, name="test")
    try:
        worker.tick(wait=0)
    finally:
        worker.stop()
    assert not database_files.contain(former_ciphertext)


def test_a_deleted_organisation_leaves_nothing_of_its_keys(
    database_files: DatabaseFiles, organisation: Organisation
) -> None:
    _key, ciphertext = _active_key_create(organisation)
    organisation_delete(organisation=organisation, actor=ACTOR)
    assert not database_files.contain(ciphertext)


def test_discarded_bytes_stay_without_secure_delete(
    database_files: DatabaseFiles, organisation: Organisation
) -> None:
    database_files.pragma("secure_delete=OFF")
    key, present_ciphertext = _active_key_create(organisation)
    api_key_replace(organisation=organisation, actor=ACTOR, key=key, secret=OTHER_SECRET)
    candidate_ciphertext = bytes(KeyCandidate.objects.get().ciphertext or b"")
    candidate_discard(organisation=organisation, actor=ACTOR, key=key, version=2)
    assert database_files.contain(candidate_ciphertext)
    assert database_files.contain(present_ciphertext)
