"""Why the database takes no writes: it can only be read, its disk is full, or it is away."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class WriteFailure(StrEnum):
    """Why nothing can be written; `/readyz` shows the values."""

    READ_ONLY = "read-only"
    FULL = "full"
    UNREACHABLE = "down"

    @property
    def sentence(self) -> Promise:
        """The sentence for the person whose change was not saved."""
        return _SENTENCES[self]


# PostgreSQL's codes, and the words of SQLite, which has none.
_READ_ONLY_ERROR: Final = "25006", re.compile(r"readonly database|read-only", re.IGNORECASE)
_DISK_FULL_ERROR: Final = (
    "53100",
    re.compile(r"disk is full|disk i/o error|no space left", re.IGNORECASE),
)
_MAX_CAUSE_DEPTH = 20
_SENTENCES: Final[dict[WriteFailure, Promise]] = {
    WriteFailure.READ_ONLY: _(
        "The panel's database can only be read just now, so nothing was saved. Pages show what is "
        "known. Try again in a minute."
    ),
    WriteFailure.FULL: _(
        "The disk of the panel's database is full, so this was not saved. Pages show what is "
        "known. Tell the people who run this panel."
    ),
    WriteFailure.UNREACHABLE: _(
        "The panel cannot reach its database just now; what you last did may not be saved. Try "
        "again in a minute."
    ),
}


def write_failure_from_error(error: BaseException | None) -> WriteFailure | None:
    """The write failure behind an error, by itself or by one of its causes; None: there is none.

    UNREACHABLE is judged by the error itself alone: what came of a connection that broke for a
    moment is a fault of its own.
    """
    for cause in _iter_causes(error):
        if isinstance(cause, DatabaseError) and (
            failure := write_failure_from_database_error(cause)
        ):
            return failure
    return (
        WriteFailure.UNREACHABLE if isinstance(error, OperationalError | InterfaceError) else None
    )


def write_failure_probe(*, write_row: bool = False) -> WriteFailure | None:
    """Why the database takes no writes at this moment; None where it may.

    A query of PostgreSQL does not show a full disk; `write_row` writes one small row, as is done
    with SQLite anyway, which shows a full disk only at the end of a transaction. Raises the
    database's error where that has another reason, such as a server that is away.
    """
    try:
        if write_row or connection.vendor == "sqlite":
            with transaction.atomic(savepoint=connection.in_atomic_block):
                _write_probe_row()
            return None
        with connection.cursor() as cursor:
            # On a standby that follows another server it is always on.
            cursor.execute("SELECT current_setting('transaction_read_only')")
            return WriteFailure.READ_ONLY if cursor.fetchone()[0] == "on" else None
    except DatabaseError as error:
        failure = write_failure_from_error(error)
        if failure in {None, WriteFailure.UNREACHABLE}:
            raise
        return failure


def write_failure_from_database_error(error: DatabaseError) -> WriteFailure | None:
    """READ_ONLY or FULL where the database says so in this very error; else None."""
    cause = error.__cause__ or error
    state, text = getattr(cause, "sqlstate", None), str(cause)
    for failure, (code, words) in (
        (WriteFailure.READ_ONLY, _READ_ONLY_ERROR),
        (WriteFailure.FULL, _DISK_FULL_ERROR),
    ):
        # Where there is a code, the text may hold anything: what a person typed, for example.
        if state == code or (state is None and words.search(text)):
            return failure
    return None


def _iter_causes(error: BaseException | None) -> Iterator[BaseException]:
    for _number in range(_MAX_CAUSE_DEPTH):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _write_probe_row() -> None:
    with connection.cursor() as cursor:
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        cursor.execute(_PROBE_ROW_SQL, [now])


# Deleted with the counts of windows that are over.
_PROBE_ROW_SQL: Final = """
    INSERT INTO core_ratelimitcount (key, times, ends_at) VALUES ('can this be written', 1, %s)
    ON CONFLICT (key) DO UPDATE SET ends_at = excluded.ends_at
"""
