"""Whether a database was put back from a backup: what it holds to be undone may be done since.

On PostgreSQL a restored table is another one, by the number that the server gives each. Beside
SQLite's file lies a small one with the moment at which the database was last seen: one that is
older, or not in this folder before, was put back. A copy of the server's own files (a physical
backup of PostgreSQL) tells nothing.
"""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.db import connection

from freddy_admin.core.sqlite_wal import sqlite_file

log = logging.getLogger(__name__)

_SUFFIX: Final = ".seen"
_HAS_FILE: Final = "file"  # the id of a database beside which the moment could be written
# Two processes write the moment one after the other.
_TOLERANCE: Final = timedelta(minutes=2)


def database_seen_write(seen_at: datetime) -> str:
    """Write beside SQLite's file that the database was seen, once that is committed.

    Returns the id to be stored in it; "" where nothing can be known.
    """
    if connection.vendor == "postgresql":
        return _table_number()
    path = _seen_file()
    if path is None:
        return ""
    try:
        path.write_text(f"{seen_at.isoformat()}\n", encoding="ascii")
    except OSError as error:
        log.debug("The moment of the database was not written: %s.", type(error).__name__)
        return ""
    return _HAS_FILE


def database_was_restored(*, seen_at: datetime, known_id: str) -> bool:
    """Whether this is an older state of the database than the one at work until now.

    By its own word it was last seen at `seen_at`, and had the id `known_id`.
    """
    if not known_id:
        return False
    if connection.vendor == "postgresql":
        return known_id != _table_number()
    path = _seen_file()
    if path is None or known_id != _HAS_FILE:
        return False
    try:
        last_seen_at = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
        return last_seen_at - seen_at > _TOLERANCE
    except FileNotFoundError:
        return True
    except (OSError, ValueError, TypeError):
        return False


def _table_number() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'core_outboxmessage'::regclass::oid::text")
        number: str = cursor.fetchone()[0]
    return number


def _seen_file() -> Path | None:
    file = sqlite_file()
    return file and file.with_name(f"{file.name}{_SUFFIX}")
