"""The checks of `doctor`: each part by itself, so that one that is down hides no other."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from freddy_admin.accounts.auth.first_admin_setup_link import admin_exists
from freddy_admin.accounts.auth.password_hashing_queue import hashing_concurrency, hashing_queue
from freddy_admin.core import clock
from freddy_admin.core.cache import is_cache_available
from freddy_admin.core.clock_skew import deletion_hold_get
from freddy_admin.core.database_errors import database_error_message
from freddy_admin.core.write_failures import WriteFailure, write_failure_probe
from freddy_admin.crypto.errors import CryptoError, InvalidMasterKey, KmsError
from freddy_admin.crypto.key_unwrapping import master_keys_unwrap
from freddy_admin.ops.doctor.audit_log_check import audit_log_check
from freddy_admin.sync.api_client import api_client
from freddy_admin.sync.clock_monitor import deletion_hold_sentence, is_deletion_hold_harmless
from freddy_admin.sync.platform_status import (
    HEARTBEAT_TIMEOUT_SECONDS,
    api_health_probe,
    latest_worker_heartbeat_at,
)
from freddy_admin.vault.master_key_state import master_key_state

MAX_CLOCK_SKEW = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One line of the report; a problem's sentence says what to do."""

    part: str
    ok: bool
    sentence: str


def doctor_checks_run() -> Iterator[DoctorFinding]:
    """Run every check in turn; never raises, shows no secret."""
    for part, check in _CHECKS:
        try:
            yield check()
        except (DatabaseError, CryptoError, OSError) as error:
            yield DoctorFinding(part, ok=False, sentence=_error_sentence(error))


def _error_sentence(error: Exception) -> str:
    # The type alone: a driver's text may hold an address, a user name or worse.
    return _("cannot be examined (%(kind)s): set the database right first, see DATABASE_URL.") % {
        "kind": type(error).__name__
    }


def _check_settings() -> DoctorFinding:
    if settings.DEBUG:
        problem = _("DEBUG is on: set DEBUG=false wherever anybody else can reach the panel.")
        return DoctorFinding("settings", ok=False, sentence=problem)
    if settings.PLAIN_HTTP:
        return DoctorFinding(
            "settings", ok=True, sentence=_("a trial on this machine, plain http.")
        )
    if settings.REQUIRE_MFA == "off":
        hint = _("complete; REQUIRE_MFA=admins would ask administrators for a second factor.")
        return DoctorFinding("settings", ok=True, sentence=hint)
    return DoctorFinding("settings", ok=True, sentence=_("complete."))


def _check_database() -> DoctorFinding:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        return DoctorFinding("database", ok=False, sentence=database_error_message(error))
    if (failure := write_failure_probe(write_row=True)) is not None:
        return DoctorFinding("database", ok=False, sentence=_WRITE_FAULT_SENTENCES[failure]())
    if connection.vendor != "sqlite":
        return DoctorFinding("database", ok=True, sentence=_("PostgreSQL answers."))
    with connection.cursor() as cursor:
        journal_mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        foreign_keys = cursor.execute("PRAGMA foreign_keys").fetchone()[0]
    if foreign_keys != 1 or journal_mode not in {"wal", "memory"}:
        problem = _(
            "SQLite runs with journal_mode %(mode)s instead of WAL: put the database on a local "
            "disk, a network share cannot be used."
        )
        return DoctorFinding("database", ok=False, sentence=problem % {"mode": journal_mode})
    return DoctorFinding("database", ok=True, sentence=_("SQLite answers, with WAL."))


_WRITE_FAULT_SENTENCES: dict[WriteFailure, Callable[[], str]] = {
    WriteFailure.READ_ONLY: lambda: _(
        "it can be read and not written: pages show what is known, nothing is saved and no key is "
        "checked. Is it a standby, or was default_transaction_read_only set?"
    ),
    WriteFailure.FULL: lambda: _(
        "its disk is full: pages show what is known, nothing is saved. Make room on it."
    ),
}


def _check_migrations() -> DoctorFinding:
    executor = MigrationExecutor(connection)
    unapplied_count = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if unapplied_count:
        problem = _("%(count)d to be applied: run `manage.py migrate`.") % {
            "count": unapplied_count
        }
        return DoctorFinding("migrations", ok=False, sentence=problem)
    return DoctorFinding("migrations", ok=True, sentence=_("all applied."))


def _check_cache() -> DoctorFinding:
    kind = "Redis" if settings.REDIS_URL else _("the database's table")
    if is_cache_available():
        return DoctorFinding("cache", ok=True, sentence=_("%(kind)s answers.") % {"kind": kind})
    problem = (
        _("Redis does not answer: see REDIS_URL. Pages work on without it, slower.")
        if settings.REDIS_URL
        else _("the database's table takes nothing: see the database above.")
    )
    return DoctorFinding("cache", ok=False, sentence=problem)


def _check_master_key() -> DoctorFinding:
    try:
        master_keys_unwrap()
    except (KmsError, InvalidMasterKey) as error:
        return DoctorFinding("master key", ok=False, sentence=str(error))
    state = master_key_state(fresh=True)
    return DoctorFinding("master key", ok=not state.is_fault, sentence=state.sentence)


def _check_admin_exists() -> DoctorFinding:
    if admin_exists():
        return DoctorFinding("people", ok=True, sentence=_("there is a platform admin."))
    problem = _("nobody can look after the panel: run `manage.py create_admin EMAIL`.")
    return DoctorFinding("people", ok=False, sentence=problem)


def _check_password_hashing_slots() -> DoctorFinding:
    values = {"count": hashing_concurrency(), "folder": hashing_queue.slots.folder}
    try:
        hashing_queue.slots.validate_lock_files()
    except OSError:
        problem = _(
            "slots in %(folder)s cannot be used, so that each process hashes up to %(count)d at "
            "once: let its user make files there."
        )
        return DoctorFinding("passwords", ok=False, sentence=problem % values)
    sentence = _("at most %(count)d hashed at once on this machine.")
    return DoctorFinding("passwords", ok=True, sentence=sentence % values)


def _check_audit_log() -> DoctorFinding:
    ok, sentence = audit_log_check()
    return DoctorFinding("audit log", ok=ok, sentence=sentence)


def _check_worker() -> DoctorFinding:
    heartbeat_at = latest_worker_heartbeat_at()
    if heartbeat_at is None:
        problem = _("none was ever seen: start `manage.py run_worker`.")
        return DoctorFinding("worker", ok=False, sentence=problem)
    age = clock.now() - heartbeat_at
    if age > clock.real_seconds_to_panel_duration(HEARTBEAT_TIMEOUT_SECONDS):
        problem = _("none is alive, last seen %(at)s UTC: start `manage.py run_worker`.")
        return DoctorFinding(
            "worker", ok=False, sentence=problem % {"at": f"{heartbeat_at:%Y-%m-%d %H:%M:%S}"}
        )
    return DoctorFinding("worker", ok=True, sentence=_("alive."))


def _check_api() -> DoctorFinding:
    health = api_health_probe(api_client())
    values = {"api": settings.AITRONOS_API_BASE_URL, "kind": health.kind}
    if health.reachable:
        return DoctorFinding("api", ok=True, sentence=_("%(api)s answers.") % values)
    problem = _(
        "%(api)s does not answer as it should (%(kind)s): see AITRONOS_API_BASE_URL and whether "
        "this machine may reach it."
    )
    return DoctorFinding("api", ok=False, sentence=problem % values)


def _check_clock() -> DoctorFinding:
    hold = deletion_hold_get()
    if hold is not None:
        until = f"{hold.until:%Y-%m-%d %H:%M} UTC" if hold.until else ""
        sentence = deletion_hold_sentence(hold, until=until)
        if not is_deletion_hold_harmless(hold):
            sentence += " " + _("To confirm it: `manage.py confirm_clock`.")
        return DoctorFinding("clock", ok=is_deletion_hold_harmless(hold), sentence=sentence)
    if connection.vendor != "postgresql":
        return DoctorFinding(
            "clock", ok=True, sentence=_("the database shares this machine's clock.")
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        skew = abs(clock.now() - cursor.fetchone()[0])
    if skew > MAX_CLOCK_SKEW:
        problem = _("%(seconds)d s apart from the database's: set up NTP on both machines.")
        sentence = problem % {"seconds": skew.total_seconds()}
        return DoctorFinding("clock", ok=False, sentence=sentence)
    return DoctorFinding("clock", ok=True, sentence=_("agrees with the database's."))


def _check_file_permissions() -> DoctorFinding:
    env_path = Path(os.environ.get("ENV_FILE") or settings.BASE_DIR / ".env")
    paths = [env_path, settings.BASE_DIR / "var"]
    if connection.vendor == "sqlite":
        paths.append(Path(str(connection.settings_dict["NAME"])))
    readable_paths = [path for path in paths if _is_readable_by_others(path)]
    if readable_paths:
        problem = _("others may read %(paths)s: run chmod go-rwx on it.")
        values = {"paths": ", ".join(str(path) for path in readable_paths)}
        return DoctorFinding("files", ok=False, sentence=problem % values)
    return DoctorFinding("files", ok=True, sentence=_("secrets and data are this user's alone."))


def _is_readable_by_others(path: Path) -> bool:
    # A file in a folder that is closed to others is closed to them, too.
    if not (path.is_file() or path.is_dir()):
        return False
    if not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return False
    return path.is_dir() or bool(path.parent.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH))


_CHECKS: tuple[tuple[str, Callable[[], DoctorFinding]], ...] = (
    ("settings", _check_settings),
    ("database", _check_database),
    ("migrations", _check_migrations),
    ("cache", _check_cache),
    ("master key", _check_master_key),
    ("people", _check_admin_exists),
    ("passwords", _check_password_hashing_slots),
    ("audit log", _check_audit_log),
    ("worker", _check_worker),
    ("api", _check_api),
    ("clock", _check_clock),
    ("files", _check_file_permissions),
)
