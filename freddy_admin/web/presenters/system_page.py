"""The system page: each part with a shape, a sentence and what to do."""

import hashlib
from dataclasses import dataclass, replace

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.clock_monitor import deletion_hold_sentence, is_deletion_hold_harmless
from freddy_admin.sync.platform_status import PlatformStatus, is_worker_alive
from freddy_admin.sync.status.types import CheckError
from freddy_admin.web.presenters.audit_verification_status import audit_verification_status
from freddy_admin.web.presenters.failure_wording import failure_wording
from freddy_admin.web.presenters.master_key_status import (
    master_key_component,
    rotation_components,
)
from freddy_admin.web.presenters.state_pill import BAD, GOOD, QUIET, WARN
from freddy_admin.web.presenters.system_component import (
    ComponentButton,
    SystemComponent,
    system_component,
)
from freddy_admin.web.presenters.user_time import UserTime


@dataclass(frozen=True, slots=True)
class SystemPageContext:
    """The page."""

    tone: str
    summary: str
    components: list[SystemComponent]
    digest: str  # another one as soon as anything of the page is, apart from ages
    pending: bool


def system_page_context(status: PlatformStatus, user_time: UserTime) -> SystemPageContext:
    """The page for one moment."""
    components = [
        _worker_component(status, user_time),
        _api_component(status, user_time),
        master_key_component(status, user_time),
        *rotation_components(status.rotation, user_time),
        _database_component(status),
        _cache_component(status),
        _clock_component(status, user_time),
        system_component(
            "history", _("Audit log"), *audit_verification_status(status.audit, user_time), []
        ),
        _version_component(status),
    ]
    problem_count = [component for component in components if component.tone in {BAD, WARN}]
    summary = ngettext("%(n)d part needs you", "%(n)d parts need you", len(problem_count))
    return SystemPageContext(
        tone=BAD
        if any(component.tone == BAD for component in problem_count)
        else WARN
        if problem_count
        else GOOD,
        summary=summary % {"n": len(problem_count)} if problem_count else _("Everything works"),
        components=components,
        digest=_system_digest(status, user_time),
        pending=status.rotation is not None and status.rotation.is_running(user_time.now),
    )


def _system_digest(status: PlatformStatus, user_time: UserTime) -> str:
    alive = [worker.name for worker in status.workers if is_worker_alive(worker, now=user_time.now)]
    api = status.api and (status.api.reachable, status.api.kind)
    run = status.rotation
    stands = run is not None and run.is_interrupted(user_time.now)
    hold = status.deletion_hold and _clock_component(status, user_time).sentence
    master = (status.master_key, status.master_keys)
    facts = (alive, api, status.cache_works, *master, run, stands, hold)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _worker_component(status: PlatformStatus, user_time: UserTime) -> SystemComponent:
    lines: list[SafeString | str] = [
        format_html(
            _("{name} · version {version} · seen {seen} · {checks} checks since {start}"),
            name=worker.name,
            version=worker.version,
            seen=user_time.render_ago(worker.heartbeat_at),
            checks=f"{worker.checks_done:,}",
            start=user_time.render_clock(worker.started_at),
        )
        for worker in status.workers
        if is_worker_alive(worker, now=user_time.now)
    ]
    if status.alive_workers:
        words = ngettext("%(n)d worker runs", "%(n)d workers run", status.alive_workers)
        sentence = _("Checks run on schedule and on demand.")
        return system_component(
            "settings", _("Worker"), GOOD, words % {"n": status.alive_workers}, sentence, lines
        )
    latest_heartbeat_at = max((worker.heartbeat_at for worker in status.workers), default=None)
    last_seen_text = (
        format_html(_("Last seen {ago}. "), ago=user_time.render_ago(latest_heartbeat_at))
        if latest_heartbeat_at
        else ""
    )
    sentence = format_html(
        "{}{}", last_seen_text, _("Nothing is checked. Start it with `manage.py run_worker`.")
    )
    return system_component("settings", _("Worker"), BAD, _("no worker runs"), sentence, lines)


def _api_component(status: PlatformStatus, user_time: UserTime) -> SystemComponent:
    name, lines = _("Aitronos API"), [_("Address: %(url)s") % {"url": status.api_base_url}]
    api_health = status.api
    if api_health is None:
        sentence = _("The worker asks the public health route once a minute.")
        return system_component("heartbeat", name, QUIET, _("not asked yet"), sentence, lines)
    asked_ago = format_html(_("Asked {ago}."), ago=user_time.render_ago(api_health.checked_at))
    if api_health.reachable:
        duration_text = (
            f" {api_health.elapsed_ms:.0f} ms" if api_health.elapsed_ms is not None else ""
        )
        return system_component(
            "heartbeat",
            name,
            GOOD,
            _("reachable"),
            format_html("{}{}", asked_ago, duration_text),
            lines,
        )
    error = CheckError(
        kind=api_health.kind, code="", http_status=None, message="", field="", detail="",
        trace_id="", request_id="",
    )  # fmt: skip
    failure = failure_wording(error)
    sentence = format_html("{} {} {}", failure.words, failure.advice, asked_ago)
    return system_component("heartbeat", name, WARN, failure.brief, sentence, lines)


def _database_component(status: PlatformStatus) -> SystemComponent:
    sentence = _("It answered this page.")
    return system_component("database", _("Database"), GOOD, status.database, sentence, [])


def _cache_component(status: PlatformStatus) -> SystemComponent:
    name = _("Cache")
    kind = "Redis" if status.cache == "Redis" else _("a table of the database")
    if status.cache_works:
        return system_component(
            "adjustments", name, GOOD, kind, _("It keeps and returns values."), []
        )
    sentence = _("It does not answer. The panel goes on without it, a little slower.")
    return system_component("adjustments", name, WARN, kind, sentence, [])


def _clock_component(status: PlatformStatus, user_time: UserTime) -> SystemComponent:
    name, hold = _("Clock"), status.deletion_hold
    if hold is None and status.clocks_compared_at is None:
        sentence = _("The worker compares it once a minute.")
        return system_component("clock", name, QUIET, _("not compared yet"), sentence, [])
    if hold is None:
        return system_component("clock", name, GOOD, _("right"), _("The clocks agree."), [])
    sentence = deletion_hold_sentence(
        hold, until=user_time.format_clock(hold.until) if hold.until else ""
    )
    lines = [
        _("By this machine's clock it is %(now)s.") % {"now": user_time.format_exact(user_time.now)}
    ]
    tone = QUIET if is_deletion_hold_harmless(hold) else WARN
    held_component = system_component("clock", name, tone, _("deletion is held"), sentence, lines)
    return replace(held_component, button=ComponentButton("clock_confirm", _("The time is right")))


def _version_component(status: PlatformStatus) -> SystemComponent:
    behind = [worker.name for worker in status.workers if worker.version != status.version]
    name, word = _("Freddy Admin"), _("version %(version)s") % {"version": status.version}
    if behind:
        sentence = _("Some workers run another version. Restart them to bring them level.")
        return system_component("tools", name, WARN, word, sentence, behind)
    return system_component(
        "tools", name, GOOD, word, _("Pages and workers run the same version."), []
    )
