"""What `doctor` examines, each part by itself, so that one that is down hides no other."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from freddy_admin.accounts.auth.backends import hashing_concurrency, hashing_queue
from freddy_admin.accounts.auth.first_admin_setup_link import admin_exists
from freddy_admin.audit.append_only_triggers import append_only_triggers_missing
from freddy_admin.audit.chain import unlinked_events
from freddy_admin.audit.chain_verification import chain_verify, secret_key_change_times
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT, ApiEnvironment, api_environments
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_problem
from freddy_admin.core.clock_skew import deletion_hold_get
from freddy_admin.core.database_errors import database_error_message
from freddy_admin.core.database_version import DatabaseTooNew, database_version_validate
from freddy_admin.core.mail import MAIL_LANE, mail_send, mail_server_probe
from freddy_admin.core.network import proxy_probe, trusted_certificates_count
from freddy_admin.core.outbox import NotSent, outbox_lane_state
from freddy_admin.core.panel_address import panel_copied_from
from freddy_admin.core.view_changes import view_change_triggers_missing
from freddy_admin.core.write_failures import write_failure_probe
from freddy_admin.crypto.errors import CryptoError, InvalidMasterKey, KmsError
from freddy_admin.crypto.keyring import master_keys_unwrap
from freddy_admin.ops.doctor_alerts import alerts_examine, heartbeat_examine
from freddy_admin.ops.doctor_engine import engine_examine, queues_examine
from freddy_admin.ops.doctor_lists import lists_examine
from freddy_admin.sync.api_client import api_client, api_clients
from freddy_admin.sync.clock_monitor import deletion_hold_sentence, is_deletion_hold_harmless
from freddy_admin.sync.models import ApiHealth
from freddy_admin.sync.platform_status import (
    HEARTBEAT_TIMEOUT_SECONDS,
    alive_workers_count,
    api_clock_skew,
    api_healths_probe,
    latest_worker_heartbeat_at,
    missing_environment_key_counts,
)
from freddy_admin.sync.status.refused_alike import refused_groups_list
from freddy_admin.vault.master_key_state import master_key_state
from freddy_admin.wording import doctor as wording
from freddy_admin.wording.audit_verification import (
    intact_chain_sentences,
    missing_triggers_sentence,
    tampering_sentences,
)
from freddy_admin.wording.environments import environment_summary
from freddy_admin.wording.outbox import mail_lane_condition, mail_server_failure
from freddy_admin.wording.panel_copy import calls_off_sentence, copied_panel_sentence
from freddy_admin.wording.platform_api import api_condition
from freddy_admin.wording.refused_alike import refused_finding
from freddy_admin.wording.sentences import Text, render_text, say
from freddy_admin.wording.states import GOOD
from freddy_admin.wording.times import get_user_time

MAX_CLOCK_SKEW = timedelta(seconds=30)
_Verdict = tuple[bool, str]  # whether the part is in order, and a sentence


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One line of the report; a problem's sentence says what to do."""

    part: str
    ok: bool
    sentence: str


def doctor_checks_run(*, mail_to: str = "") -> Iterator[DoctorFinding]:
    """Run every check in turn; never raises, shows no secret.

    A mail is sent to the address `mail_to`; without one nothing is sent.
    """
    checks = list(_CHECKS)
    if mail_to:
        checks.append(("test mail", partial(_send_test_mail, mail_to)))
    for part, check in checks:
        try:
            ok, sentence = check()
        except (DatabaseError, CryptoError, OSError) as error:
            # The type alone: a driver's text may hold an address, a user name or worse.
            ok, sentence = _bad(wording.NOT_EXAMINED, kind=type(error).__name__)
        yield DoctorFinding(part, ok, sentence)


def _good(text: Text, **parts: object) -> _Verdict:
    return True, str(say(text, **parts))


def _bad(text: Text, **parts: object) -> _Verdict:
    return False, str(say(text, **parts))


def _joined_verdicts(verdicts: list[_Verdict]) -> _Verdict:
    return all(ok for ok, _ in verdicts), " ".join(sentence for _, sentence in verdicts)


def _check_settings() -> _Verdict:
    if settings.DEBUG:
        return _bad(wording.DEBUG_IS_ON)
    if settings.PLAIN_HTTP:
        return _good(wording.TRIAL)
    if settings.REQUIRE_MFA == "off":
        return _good(wording.COMPLETE_WITHOUT_MFA)
    return _good(wording.COMPLETE)


def _check_database() -> _Verdict:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        return False, database_error_message(error)
    if (failure := write_failure_probe(write_row=True)) is not None:
        return _bad(wording.WRITE_FAILURES[failure])
    if connection.vendor != "sqlite":
        return _good(wording.POSTGRESQL_ANSWERS)
    with connection.cursor() as cursor:
        journal_mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        foreign_keys = cursor.execute("PRAGMA foreign_keys").fetchone()[0]
    if foreign_keys != 1 or journal_mode not in {"wal", "memory"}:
        return _bad(wording.SQLITE_WITHOUT_WAL, mode=journal_mode)
    return _good(wording.SQLITE_ANSWERS)


def _check_migrations() -> _Verdict:
    try:
        database_version_validate()
    except DatabaseTooNew as error:
        return False, error.message
    executor = MigrationExecutor(connection)
    unapplied_count = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if unapplied_count:
        return _bad(wording.MIGRATIONS_MISSING, count=unapplied_count)
    if missing_triggers := view_change_triggers_missing():
        return _bad(wording.VIEW_CHANGE_TRIGGERS_MISSING, count=len(missing_triggers))
    return _good(wording.MIGRATIONS_APPLIED)


def _check_cache() -> _Verdict:
    has_redis = bool(settings.REDIS_URL)
    problem = cache_problem()
    if not problem:
        return _good(wording.REDIS_ANSWERS if has_redis else wording.CACHE_TABLE_ANSWERS)
    return _bad(wording.REDIS_FAILS if has_redis else wording.CACHE_TABLE_FAILS, problem=problem)


def _check_master_key() -> _Verdict:
    try:
        master_keys_unwrap()
    except (KmsError, InvalidMasterKey) as error:
        return False, str(error)
    state = master_key_state(fresh=True)
    return not state.is_fault, state.sentence


def _check_admin_exists() -> _Verdict:
    if admin_exists():
        return _good(wording.ADMIN_EXISTS)
    return _bad(wording.NO_ADMIN)


def _check_password_hashing_slots() -> _Verdict:
    count, folder = hashing_concurrency(), hashing_queue.slots.folder
    try:
        hashing_queue.slots.validate_lock_files()
    except OSError:
        return _bad(wording.HASHING_SLOTS_FAIL, folder=folder, count=count)
    return _good(wording.HASHING_IS_LIMITED, count=count)


def _check_audit_log() -> _Verdict:
    progress, problem = chain_verify()
    if problem is not None:
        return False, render_text(tampering_sentences(problem))
    missing_triggers = append_only_triggers_missing()
    if missing_triggers:
        return False, render_text(missing_triggers_sentence(missing_triggers))
    sentences = intact_chain_sentences(
        progress,
        secret_key_changes=secret_key_change_times()[-3:],
        unlinked_count=unlinked_events().count(),
    )
    return True, render_text(sentences)


def _check_worker() -> _Verdict:
    heartbeat_at = latest_worker_heartbeat_at()
    if heartbeat_at is None:
        return _bad(wording.WORKER_NEVER_SEEN)
    age = clock.now() - heartbeat_at
    if age > clock.real_seconds_to_panel_duration(HEARTBEAT_TIMEOUT_SECONDS):
        return _bad(wording.WORKER_LOST, at=f"{heartbeat_at:%Y-%m-%d %H:%M:%S}")
    return _good(wording.WORKER_ALIVE, count=alive_workers_count(now=clock.now()))


def _check_mail() -> _Verdict:
    """What waits to be sent, and whether the mail server takes us; sends nothing."""
    now = clock.now()
    tone, label, sentences = mail_lane_condition(outbox_lane_state(MAIL_LANE), now)
    waiting = f"{render_text([label])}. {render_text(sentences, get_user_time(now))}".strip()
    is_server_fine, server = _check_mail_server()
    return tone == GOOD and is_server_fine, f"{server} {waiting}"


def _check_mail_server() -> _Verdict:
    try:
        server = mail_server_probe()
    except NotSent as error:
        return False, render_text(mail_server_failure(error.reason))
    if not server:
        return _good(wording.MAIL_IS_NOT_SENT)
    signs_in = wording.MAIL_SERVER_SIGNS_IN if settings.EMAIL_HOST_USER else ""
    return _good(signs_in or wording.MAIL_SERVER_GREETS, server=server)


def _send_test_mail(address: str) -> _Verdict:
    message = EmailMessage(
        subject=str(wording.TEST_MAIL_SUBJECT),
        body=str(say(wording.TEST_MAIL_TEXT, url=settings.PANEL_URL)),
        to=[address],
    )
    try:
        mail_send(message)
    except NotSent as error:
        return False, render_text(mail_server_failure(error.reason))
    return _good(wording.TEST_MAIL_SENT, address=address)


def _check_outbound() -> _Verdict:
    """The operator's authorities, proxy and allowed hosts; each says what is wrong with it."""
    verdicts = []
    if settings.OUTBOUND_CA_FILE:
        verdicts.append(_check_ca_file())
    if settings.OUTBOUND_PROXY is not None:
        verdicts.append(_check_proxy())
    if str(settings.OUTBOUND_ALLOWED_HOSTS):
        verdicts.append(_good(wording.ALLOWED_HOSTS, hosts=settings.OUTBOUND_ALLOWED_HOSTS))
    if not verdicts:
        return _good(wording.OUTBOUND_IS_DIRECT)
    return _joined_verdicts(verdicts)


def _check_ca_file() -> _Verdict:
    path = settings.OUTBOUND_CA_FILE
    try:
        return _good(wording.CA_FILE_IS_TRUSTED, count=trusted_certificates_count(), path=path)
    except OSError:
        return _bad(wording.CA_FILE_FAILS, path=path)


def _check_proxy() -> _Verdict:
    """Whether the proxy connects us with the API of each environment."""
    proxy, verdicts = settings.OUTBOUND_PROXY, []
    for host, port in dict.fromkeys(place.host_and_port for place in api_environments().values()):
        failure = proxy_probe(host, port)
        verdicts.append(
            _good(wording.PROXY_CONNECTS, proxy=proxy, api=host)
            if failure is None
            else _bad(wording.PROXY_FAILS, proxy=proxy, api=host, reason=failure.detail)
        )
    return _joined_verdicts(verdicts)


def _check_environments() -> _Verdict:
    """Where the keys of each environment are sent, and in which headers."""
    summary = environment_summary(api_environments().values())
    missing = missing_environment_key_counts()
    if not missing:
        return _good(wording.ENVIRONMENTS, summary=summary)
    counts = ", ".join(f"{name} ({count})" for name, count in missing.items())
    return _bad(wording.ENVIRONMENTS_MISSING, counts=counts, summary=summary)


def _check_panel() -> _Verdict:
    if copied_from := panel_copied_from():
        sentence = render_text(copied_panel_sentence(copied_from))
        return False, f"{sentence} {wording.PANEL_TO_CONFIRM}"
    return _good(wording.PANEL_IS_AT_WORK, url=settings.PANEL_URL)


def _check_api() -> _Verdict:
    """Whether each environment answers and says that it is well."""
    if not settings.AITRONOS_CALLS:
        return True, render_text(calls_off_sentence())
    healths = zip(api_environments().values(), api_healths_probe(api_clients()), strict=True)
    return _joined_verdicts([_api_verdict(place, health) for place, health in healths])


def _api_verdict(place: ApiEnvironment, health: ApiHealth) -> _Verdict:
    if condition := api_condition(health):
        return False, f"{place.base_url}: {render_text(condition)}"
    if health.reachable:
        return _good(wording.API_ANSWERS, api=place.base_url)
    is_default = place.name == DEFAULT_ENVIRONMENT
    setting = "AITRONOS_API_BASE_URL" if is_default else "AITRONOS_ENVIRONMENTS"
    return _bad(wording.API_FAILS, api=place.base_url, kind=health.kind, setting=setting)


def _check_refused_keys() -> _Verdict:
    groups = refused_groups_list()
    if groups:
        return False, refused_finding(groups)
    return _good(wording.NO_KEYS_REFUSED_ALIKE)


def _check_clock() -> _Verdict:
    hold = deletion_hold_get()
    if hold is not None:
        until = f"{hold.until:%Y-%m-%d %H:%M} UTC" if hold.until else ""
        is_harmless = is_deletion_hold_harmless(hold)
        sentence = str(deletion_hold_sentence(hold, until=until))
        if not is_harmless:
            sentence = f"{sentence} {wording.CLOCK_TO_CONFIRM}"
        return is_harmless, sentence
    return _joined_verdicts([_check_database_clock(), *_check_api_clock()])


def _check_database_clock() -> _Verdict:
    if connection.vendor != "postgresql":
        return _good(wording.CLOCK_IS_SHARED)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        skew = abs(clock.now() - cursor.fetchone()[0])
    if skew > MAX_CLOCK_SKEW:
        return _bad(wording.CLOCK_SKEWED, seconds=int(skew.total_seconds()))
    return _good(wording.CLOCK_AGREES)


def _check_api_clock() -> list[_Verdict]:
    skew = api_clock_skew(api_client()) if settings.AITRONOS_CALLS else None
    if skew is None:
        return []
    if abs(skew) > MAX_CLOCK_SKEW:
        return [_bad(wording.API_CLOCK_SKEWED, seconds=abs(int(skew.total_seconds())))]
    return [_good(wording.API_CLOCK_AGREES)]


def _check_file_permissions() -> _Verdict:
    env_path = Path(os.environ.get("ENV_FILE") or settings.BASE_DIR / ".env")
    paths = [env_path, settings.BASE_DIR / "var"]
    if connection.vendor == "sqlite":
        paths.append(Path(str(connection.settings_dict["NAME"])))
    readable_paths = [path for path in paths if _is_readable_by_others(path)]
    if readable_paths:
        paths_text = ", ".join(str(path) for path in readable_paths)
        return _bad(wording.FILES_READABLE, paths=paths_text)
    return _good(wording.FILES_PRIVATE)


def _is_readable_by_others(path: Path) -> bool:
    # A file in a folder that is closed to others is closed to them, too.
    if not (path.is_file() or path.is_dir()):
        return False
    if not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return False
    return path.is_dir() or bool(path.parent.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH))


_CHECKS: tuple[tuple[str, Callable[[], _Verdict]], ...] = (
    ("settings", _check_settings),
    ("database", _check_database),
    ("panel", _check_panel),
    ("migrations", _check_migrations),
    ("cache", _check_cache),
    ("master key", _check_master_key),
    ("people", _check_admin_exists),
    ("passwords", _check_password_hashing_slots),
    ("audit log", _check_audit_log),
    ("worker", _check_worker),
    ("queues", queues_examine),
    ("wakes", engine_examine),
    ("mail", _check_mail),
    ("alerts", alerts_examine),
    ("heartbeat", heartbeat_examine),
    ("outbound", _check_outbound),
    ("environment", _check_environments),
    ("api", _check_api),
    ("keys", _check_refused_keys),
    ("lists", lists_examine),
    ("clock", _check_clock),
    ("files", _check_file_permissions),
)
