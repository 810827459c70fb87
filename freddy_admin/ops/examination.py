"""What `doctor` looks at: each part by itself, so that one that is down hides no other."""

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

from freddy_admin.accounts.signing_in.first_visit import admin_exists
from freddy_admin.accounts.signing_in.hashing import hashed_at_once, hashing_queue
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_works
from freddy_admin.core.clock_guard import deletion_hold
from freddy_admin.core.database_faults import database_fault
from freddy_admin.core.database_writes import WriteFault, write_fault_now
from freddy_admin.crypto.errors import CryptoError, KmsRefused, UnusableMasterKey
from freddy_admin.crypto.unwrapping import master_keys_unwrap
from freddy_admin.ops.log_examination import audit_log_examine
from freddy_admin.sync.api import api_client
from freddy_admin.sync.clocks import hold_is_harmless, hold_sentence
from freddy_admin.sync.platform import ALIVE_FOR, api_health_ask, worker_seen_at
from freddy_admin.vault.master_keys import master_key_state

SKEW_ALLOWED = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; a problem's sentence says what to do."""

    part: str
    ok: bool
    sentence: str


def examine() -> Iterator[Finding]:
    """Look at every part in turn; never raises, shows no secret."""
    for part, look in _PARTS:
        try:
            yield look()
        except (DatabaseError, CryptoError, OSError) as error:
            yield Finding(part, ok=False, sentence=_unusable(error))


def _unusable(error: Exception) -> str:
    # The type alone: a driver's text may hold an address, a user name or worse.
    return _("cannot be examined (%(kind)s): set the database right first, see DATABASE_URL.") % {
        "kind": type(error).__name__
    }


def _configuration() -> Finding:
    if settings.DEBUG:
        problem = _("DEBUG is on: set DEBUG=false wherever anybody else can reach the panel.")
        return Finding("settings", ok=False, sentence=problem)
    if settings.PLAIN_HTTP:
        return Finding("settings", ok=True, sentence=_("a trial on this machine, plain http."))
    if settings.REQUIRE_MFA == "off":
        hint = _("complete; REQUIRE_MFA=admins would ask administrators for a second factor.")
        return Finding("settings", ok=True, sentence=hint)
    return Finding("settings", ok=True, sentence=_("complete."))


def _database() -> Finding:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        return Finding("database", ok=False, sentence=database_fault(error))
    if (fault := write_fault_now(writing=True)) is not None:
        return Finding("database", ok=False, sentence=_NO_WRITES[fault]())
    if connection.vendor != "sqlite":
        return Finding("database", ok=True, sentence=_("PostgreSQL answers."))
    with connection.cursor() as cursor:
        journal = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        foreign = cursor.execute("PRAGMA foreign_keys").fetchone()[0]
    if foreign != 1 or journal not in {"wal", "memory"}:
        problem = _(
            "SQLite runs with journal_mode %(mode)s instead of WAL: put the database on a local "
            "disk, a network share cannot be used."
        )
        return Finding("database", ok=False, sentence=problem % {"mode": journal})
    return Finding("database", ok=True, sentence=_("SQLite answers, with WAL."))


_NO_WRITES: dict[WriteFault, Callable[[], str]] = {
    WriteFault.READ_ONLY: lambda: _(
        "it can be read and not written: pages show what is known, nothing is saved and no key is "
        "checked. Is it a standby, or was default_transaction_read_only set?"
    ),
    WriteFault.FULL: lambda: _(
        "its disk is full: pages show what is known, nothing is saved. Make room on it."
    ),
}


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    left = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if left:
        problem = _("%(count)d to be applied: run `manage.py migrate`.") % {"count": left}
        return Finding("migrations", ok=False, sentence=problem)
    return Finding("migrations", ok=True, sentence=_("all applied."))


def _cache() -> Finding:
    kind = "Redis" if settings.REDIS_URL else _("the database's table")
    if cache_works():
        return Finding("cache", ok=True, sentence=_("%(kind)s answers.") % {"kind": kind})
    problem = (
        _("Redis does not answer: see REDIS_URL. Pages work on without it, slower.")
        if settings.REDIS_URL
        else _("the database's table takes nothing: see the database above.")
    )
    return Finding("cache", ok=False, sentence=problem)


def _master_key() -> Finding:
    try:
        master_keys_unwrap()
    except (KmsRefused, UnusableMasterKey) as refused:
        return Finding("master key", ok=False, sentence=str(refused))
    state = master_key_state(fresh=True)
    return Finding("master key", ok=not state.is_fault, sentence=state.sentence)


def _administrator() -> Finding:
    if admin_exists():
        return Finding("people", ok=True, sentence=_("there is a platform admin."))
    problem = _("nobody can look after the panel: run `manage.py create_admin EMAIL`.")
    return Finding("people", ok=False, sentence=problem)


def _hashing() -> Finding:
    words = {"count": hashed_at_once(), "folder": hashing_queue.slots.folder}
    try:
        hashing_queue.slots.examine()
    except OSError:
        problem = _(
            "slots in %(folder)s cannot be used, so that each process hashes up to %(count)d at "
            "once: let its user make files there."
        )
        return Finding("passwords", ok=False, sentence=problem % words)
    sentence = _("at most %(count)d hashed at once on this machine.")
    return Finding("passwords", ok=True, sentence=sentence % words)


def _audit_log() -> Finding:
    ok, sentence = audit_log_examine()
    return Finding("audit log", ok=ok, sentence=sentence)


def _worker() -> Finding:
    seen = worker_seen_at()
    if seen is None:
        problem = _("none was ever seen: start `manage.py run_worker`.")
        return Finding("worker", ok=False, sentence=problem)
    age = clock.now() - seen
    if age > clock.passing(ALIVE_FOR):
        problem = _("none is alive, last seen %(at)s UTC: start `manage.py run_worker`.")
        return Finding("worker", ok=False, sentence=problem % {"at": f"{seen:%Y-%m-%d %H:%M:%S}"})
    return Finding("worker", ok=True, sentence=_("alive."))


def _api() -> Finding:
    answer = api_health_ask(api_client())
    words = {"api": settings.AITRONOS_API_BASE_URL, "kind": answer.kind}
    if answer.reachable:
        return Finding("api", ok=True, sentence=_("%(api)s answers.") % words)
    problem = _(
        "%(api)s does not answer as it should (%(kind)s): see AITRONOS_API_BASE_URL and whether "
        "this machine may reach it."
    )
    return Finding("api", ok=False, sentence=problem % words)


def _clock() -> Finding:
    hold = deletion_hold()
    if hold is not None:
        until = f"{hold.until:%Y-%m-%d %H:%M} UTC" if hold.until else ""
        sentence = hold_sentence(hold, until=until)
        if not hold_is_harmless(hold):
            sentence += " " + _("To confirm it: `manage.py confirm_clock`.")
        return Finding("clock", ok=hold_is_harmless(hold), sentence=sentence)
    if connection.vendor != "postgresql":
        return Finding("clock", ok=True, sentence=_("the database shares this machine's clock."))
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        skew = abs(clock.now() - cursor.fetchone()[0])
    if skew > SKEW_ALLOWED:
        problem = _("%(seconds)d s apart from the database's: set up NTP on both machines.")
        sentence = problem % {"seconds": skew.total_seconds()}
        return Finding("clock", ok=False, sentence=sentence)
    return Finding("clock", ok=True, sentence=_("agrees with the database's."))


def _files() -> Finding:
    env = Path(os.environ.get("ENV_FILE") or settings.BASE_DIR / ".env")
    paths = [env, settings.BASE_DIR / "var"]
    if connection.vendor == "sqlite":
        paths.append(Path(str(connection.settings_dict["NAME"])))
    open_ones = [path for path in paths if _open_to_others(path)]
    if open_ones:
        problem = _("others may read %(paths)s: run chmod go-rwx on it.")
        names = {"paths": ", ".join(str(path) for path in open_ones)}
        return Finding("files", ok=False, sentence=problem % names)
    return Finding("files", ok=True, sentence=_("secrets and data are this user's alone."))


def _open_to_others(path: Path) -> bool:
    # A file in a folder that is closed to others is closed to them, too.
    if not (path.is_file() or path.is_dir()):
        return False
    if not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return False
    return path.is_dir() or bool(path.parent.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH))


_PARTS: tuple[tuple[str, Callable[[], Finding]], ...] = (
    ("settings", _configuration),
    ("database", _database),
    ("migrations", _migrations),
    ("cache", _cache),
    ("master key", _master_key),
    ("people", _administrator),
    ("passwords", _hashing),
    ("audit log", _audit_log),
    ("worker", _worker),
    ("api", _api),
    ("clock", _clock),
    ("files", _files),
)
