"""Copies of the whole database into a file, and back: by SQLite itself, and by pg_dump.

Nothing is overwritten on the way back: SQLite's file is renamed and so is PostgreSQL's schema, and
what is put back takes its place in one step, so that a power cut leaves either of the two.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import DatabaseError, connection, connections
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from freddy_admin.core import clock
from freddy_admin.core.errors import PublicError
from freddy_admin.core.sqlite_wal import sqlite_file
from freddy_admin.sync.platform_status import is_any_worker_alive

_FORMER_SCHEMA: Final = "before_restore_"  # of PostgreSQL, with the moment behind it
_SCHEMA: Final = "public"
_PANEL_RUNS: Final = gettext_lazy("The panel runs. Stop web and worker, then restore.")


class CopyFailed(PublicError):
    """The database could not be copied, or not be put back; the former one is as it was."""

    reference = "E015"
    http_status = 503


def database_size() -> int:
    """How many bytes a copy of the database takes at most."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(cursor.fetchone()[0])


def database_dump(target: Path) -> None:
    """Write one state of the database into the file `target`, while the panel runs.

    Raises CopyFailed.
    """
    if connection.vendor == "postgresql":
        _run_client(
            "pg_dump",
            "--no-owner",
            "--no-privileges",
            f"--exclude-schema={_FORMER_SCHEMA}*",
            f"--file={target}",
        )
        return
    # Unlike a copy page by page, without the pages that hold nothing any more.
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(target)])


def database_put_back(source: Path, *, now: datetime) -> str:
    """Let the state in the file `source` take the place of the present one.

    Returns where the present one is kept, "" where there was none. Raises CopyFailed, and then the
    present one is where it was.
    """
    name = f"{_FORMER_SCHEMA}{now:%Y%m%d_%H%M%S}"
    if connection.vendor == "postgresql":
        return _put_back_postgresql(source, name)
    return _put_back_sqlite(source, name)


def database_folder() -> Path | None:
    """The folder of SQLite's file; None for a server, which has its own disk.

    Raises CopyFailed for a database in memory.
    """
    return None if connection.vendor == "postgresql" else _sqlite_file().parent


def _sqlite_file() -> Path:
    file = sqlite_file()
    if file is None:
        raise CopyFailed(_("The database is in memory: there is no file of it to put back."))
    return file


def _put_back_sqlite(source: Path, name: str) -> str:
    file = _sqlite_file()
    draft, former = file.with_name(f"{file.name}.{name}.new"), file.with_name(f"{file.name}.{name}")
    connections.close_all()
    try:
        _close_sqlite(file)
        shutil.copyfile(source, draft)
        _copy_access(file, draft)
        _sync_to_disk(draft)
        if not _is_intact(draft):
            raise CopyFailed(_("The database in this backup is damaged. Take another backup."))
        if file.exists():
            os.link(file, former)
        draft.replace(file)
    except OSError as error:
        with suppress(OSError):
            former.unlink(missing_ok=True)
        raise CopyFailed(
            _("The database cannot be put back into %(folder)s: %(why)s.")
            % {"folder": file.parent, "why": error.strerror or type(error).__name__}
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    _sync_to_disk(file.parent)
    return str(former) if former.exists() else ""


def _close_sqlite(file: Path) -> None:
    """Bring what the write-ahead log holds into the file; raises CopyFailed while others use it."""
    if not file.exists():
        return
    with closing(sqlite3.connect(file, timeout=2)) as database:
        try:
            # Leaving this mode takes the file for oneself, which no other process may have open.
            database.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError:
            raise CopyFailed(str(_PANEL_RUNS)) from None
        except sqlite3.DatabaseError:
            return  # No database any more: it is kept as it is.


def _copy_access(file: Path, draft: Path) -> None:
    draft.chmod(0o600)
    if file.exists():
        state = file.stat()
        with suppress(PermissionError):
            os.chown(draft, state.st_uid, state.st_gid)
        draft.chmod(state.st_mode & 0o777)


def _is_intact(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as database:
        try:
            return bool(database.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
        except sqlite3.DatabaseError:
            return False


def _sync_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_back_postgresql(source: Path, name: str) -> str:
    has_tables = bool(connection.introspection.table_names())
    if has_tables and _is_worker_alive() and _has_other_connections():
        raise CopyFailed(str(_PANEL_RUNS))
    connections.close_all()
    steps = ["BEGIN;"]
    if has_tables:
        steps += [f"ALTER SCHEMA {_SCHEMA} RENAME TO {name};", f"CREATE SCHEMA {_SCHEMA};"]
    _run_client(
        "psql",
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        f"--command={' '.join(steps)}",
        f"--file={source}",
        "--command=COMMIT;",
    )
    return f"{_('the schema')} {name}" if has_tables else ""


def _is_worker_alive() -> bool:
    # A database that is of an older version, or of another program, has no worker that says so.
    with suppress(DatabaseError):
        return is_any_worker_alive(now=clock.now())
    return False


def _has_other_connections() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend')"
        )
        return bool(cursor.fetchone()[0])


def _run_client(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL's with the panel's own connection; raises CopyFailed."""
    from freddy_admin.core.task_engine import direct_conninfo  # on SQLite it cannot be imported

    parameters: dict[str, Any] = conninfo_to_dict(direct_conninfo())
    # No list of processes shows what stands in the environment.
    environment = {**os.environ, "PGPASSWORD": str(parameters.pop("password", "") or "")}
    try:
        result = subprocess.run(  # noqa: S603  programs of PostgreSQL, with the panel's settings
            [program, f"--dbname={make_conninfo(**parameters)}", *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise CopyFailed(
            _(
                "%(program)s is missing. Install PostgreSQL's client, of the server's version or "
                "newer (Debian and Ubuntu: apt-get install postgresql-client)."
            )
            % {"program": program}
        ) from None
    if result.returncode:
        raise CopyFailed(
            _("%(program)s failed: %(why)s") % {"program": program, "why": _say_why(result.stderr)}
        )


def _say_why(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if ": error:" in line or "ERROR:" in line]
    text = (lines or stderr.splitlines() or [_("it gives no reason.")])[0]
    return text.partition("error: ")[2][:300] or text[:300]
