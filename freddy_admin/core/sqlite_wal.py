"""SQLite's write-ahead log: kept while a process runs, emptied after something secret was wiped.

`secure_delete` overwrites what is wiped in the pages that are written from then on; the former
pages stay in the log, and in the file itself until the log is copied over it.
"""

import logging
from contextlib import suppress

from django.db import DatabaseError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

log = logging.getLogger(__name__)

# Milliseconds for readers to let go of an older state; one that takes longer is not waited for.
PATIENCE = 1_000


def wal_keep_open() -> BaseDatabaseWrapper | None:
    """A connection that keeps the log and its index on disk while it is held; hold it for good.

    Whoever closes the file last removes them, and on a full disk nobody could make them again: no
    page could be read then. Without this, that is any request, for each opens a connection of its
    own. To be called once a process, after its fork. None on PostgreSQL, and where the file cannot
    be opened.
    """
    if connection.vendor == "sqlite":
        with suppress(DatabaseError):
            kept = connection.copy()
            with kept.cursor() as cursor:
                # The file is opened by the first that is read, not before.
                cursor.execute("SELECT count(*) FROM sqlite_master")
            return kept
    return None


def wal_empty_after_commit() -> None:
    """Once the present transaction is committed, leave nothing of the former bytes in any file.

    Where somebody still reads an older state the worker tries again, see `wal_empty`. Nothing
    happens on PostgreSQL.
    """
    if connection.vendor != "sqlite":
        return
    if not any(waiting[1] is _empty for waiting in connection.run_on_commit):
        transaction.on_commit(_empty)


def wal_empty(*, patience: int | None = None) -> bool:
    """Copy the log into the file and cut it to nothing; False where that has to be tried again.

    `patience` is how many milliseconds to wait for those who read an older state.
    """
    if connection.vendor != "sqlite":
        return True
    try:
        waits = _pragma("busy_timeout")
        _pragma(f"busy_timeout={PATIENCE if patience is None else patience:d}")
        try:
            return _pragma("wal_checkpoint(TRUNCATE)") == 0
        finally:
            _pragma(f"busy_timeout={waits:d}")
    except DatabaseError as error:
        log.warning("SQLite's log could not be emptied: %s", type(error).__name__)
        return False


def _empty() -> None:
    wal_empty()


def _pragma(text: str) -> int:
    """The first column of what this pragma answers."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {text}")
        return int(cursor.fetchone()[0])
