"""SQLite's file, and its write-ahead log: kept while a process runs, emptied after a wipe.

`secure_delete` overwrites what is wiped in the pages that are written from then on; the former
pages stay in the log, and in the file itself until the log is copied over it.
"""

import logging
from contextlib import suppress
from pathlib import Path

from django.db import DatabaseError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

log = logging.getLogger(__name__)

# How long to wait for readers of an older state to finish.
BUSY_TIMEOUT_MS = 1_000


def sqlite_file() -> Path | None:
    """The file of the database; None on PostgreSQL, and for one in memory."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or ":memory:" in name or "mode=memory" in name:
        return None
    return Path(name.removeprefix("file:").partition("?")[0])


def wal_keep_open() -> BaseDatabaseWrapper | None:
    """A connection that keeps the log and its index on disk while it is held; hold it for good.

    Whoever closes the file last removes them, and on a full disk nobody could make them again: no
    page could be read then. Without this, that is any request, for each opens a connection of its
    own. To be called once a process, after its fork. None on PostgreSQL, and where the file cannot
    be opened.
    """
    if connection.vendor == "sqlite":
        with suppress(DatabaseError):
            held_connection = connection.copy()
            with held_connection.cursor() as cursor:
                # The first read opens the file.
                cursor.execute("SELECT count(*) FROM sqlite_master")
            return held_connection
    return None


def wal_truncate_on_commit() -> None:
    """Once the current transaction is committed, leave nothing of the former bytes in any file.

    Where somebody still reads an older state the worker calls `wal_truncate` again. Does nothing
    on PostgreSQL.
    """
    if connection.vendor != "sqlite":
        return
    if not any(hook[1] is _truncate_wal_after_commit for hook in connection.run_on_commit):
        transaction.on_commit(_truncate_wal_after_commit)


def wal_truncate(*, busy_timeout_ms: int | None = None) -> bool:
    """Copy the log into the file and cut it to nothing; False where that has to be tried again.

    `busy_timeout_ms` is how long to wait for those who read an older state.
    """
    if connection.vendor != "sqlite":
        return True
    try:
        former_timeout_ms = _run_pragma("busy_timeout")
        _run_pragma(
            f"busy_timeout={BUSY_TIMEOUT_MS if busy_timeout_ms is None else busy_timeout_ms:d}"
        )
        try:
            return _run_pragma("wal_checkpoint(TRUNCATE)") == 0
        finally:
            _run_pragma(f"busy_timeout={former_timeout_ms:d}")
    except DatabaseError as error:
        log.warning("SQLite's log could not be emptied: %s", type(error).__name__)
        return False


def _truncate_wal_after_commit() -> None:
    wal_truncate()


def _run_pragma(text: str) -> int:
    """The first column of the pragma's result."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {text}")
        return int(cursor.fetchone()[0])
