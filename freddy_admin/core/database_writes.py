"""Whether the database takes what is written: a copy that can only be read, or a full disk."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

from django.db import Error as DatabaseFault
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class WriteFault(StrEnum):
    """Why nothing can be written; the values are what `/readyz` says."""

    READ_ONLY = "read-only"
    FULL = "full"
    AWAY = "down"

    @property
    def sentence(self) -> Promise:
        """For whoever wanted something written."""
        return _SENTENCES[self]


# PostgreSQL's codes, and the words of SQLite, which has none.
_READ_ONLY: Final = "25006", re.compile(r"readonly database|read-only", re.IGNORECASE)
_FULL: Final = "53100", re.compile(r"disk is full|disk i/o error|no space left", re.IGNORECASE)
_LINKS = 20
_SENTENCES: Final[dict[WriteFault, Promise]] = {
    WriteFault.READ_ONLY: _(
        "The panel's database can only be read just now, so nothing was saved. Pages show what is "
        "known. Try again in a minute."
    ),
    WriteFault.FULL: _(
        "The disk of the panel's database is full, so this was not saved. Pages show what is "
        "known. Tell the people who run this panel."
    ),
    WriteFault.AWAY: _(
        "The panel cannot reach its database just now; what you last did may not be saved. Try "
        "again in a minute."
    ),
}


def write_fault_of(error: BaseException | None) -> WriteFault | None:
    """What an error says of the database, itself or by one that it came from; None: nothing.

    That the database is away counts for the error itself alone: what came of a connection that
    broke for a moment is a fault of its own.
    """
    for one in _family(error):
        if isinstance(one, DatabaseFault) and (fault := _fault_of_one(one)):
            return fault
    return WriteFault.AWAY if isinstance(error, OperationalError | InterfaceError) else None


def write_fault_now(*, writing: bool = False) -> WriteFault | None:
    """Why the database takes no writes at this moment; None where it may.

    PostgreSQL is asked, which does not show a full disk; `writing` writes one small row, as is
    done with SQLite anyway: of a full disk it tells nobody before the end of a transaction. Raises
    the database's error where that has another reason, such as a server that is away.
    """
    try:
        if writing or connection.vendor == "sqlite":
            with transaction.atomic(savepoint=connection.in_atomic_block):
                _write_small_row()
            return None
        with connection.cursor() as cursor:
            # On a standby that follows another server it is always on.
            cursor.execute("SELECT current_setting('transaction_read_only')")
            return WriteFault.READ_ONLY if cursor.fetchone()[0] == "on" else None
    except DatabaseFault as error:
        fault = write_fault_of(error)
        if fault in {None, WriteFault.AWAY}:
            raise
        return fault


class WriteWatch:
    """For `connection.execute_wrapper`: keeps the fault of any statement, whoever hides it."""

    def __init__(self) -> None:
        self.fault: WriteFault | None = None

    def __call__(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        """Run the statement; its error goes on to whoever ran it."""
        try:
            return execute(sql, params, many, context)
        except DatabaseFault as error:
            self.fault = _fault_of_one(error) or self.fault
            raise


def _fault_of_one(error: DatabaseFault) -> WriteFault | None:
    cause = error.__cause__ or error
    state, text = getattr(cause, "sqlstate", None), str(cause)
    for fault, (code, words) in (
        (WriteFault.READ_ONLY, _READ_ONLY),
        (WriteFault.FULL, _FULL),
    ):
        # Where there is a code, the text may hold anything: what a person typed, for example.
        if state == code or (state is None and words.search(text)):
            return fault
    return None


def _family(error: BaseException | None) -> Iterator[BaseException]:
    for _number in range(_LINKS):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _write_small_row() -> None:
    with connection.cursor() as cursor:
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        cursor.execute(_SMALL_ROW, [now])


# Swept away with the counts of spans that are over.
_SMALL_ROW: Final = """
    INSERT INTO core_limitcount (key, times, ends_at) VALUES ('can this be written', 1, %s)
    ON CONFLICT (key) DO UPDATE SET ends_at = excluded.ends_at
"""
