"""The system page: each part with a shape, a sentence and what to do."""

import hashlib
from dataclasses import dataclass, replace

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.clocks import hold_is_harmless, hold_sentence
from freddy_admin.sync.platform import PlatformStatus, worker_alive
from freddy_admin.sync.rows import CheckError
from freddy_admin.web.presenters.audit_health import audit_health
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.master_keys import master_key_part, rotation_part
from freddy_admin.web.presenters.parts import Button, Part, part
from freddy_admin.web.presenters.states import BAD, GOOD, QUIET, WARN
from freddy_admin.web.presenters.times import Reading


@dataclass(frozen=True, slots=True)
class SystemView:
    """The page."""

    tone: str
    summary: str
    parts: list[Part]
    mark: str  # another one as soon as anything of the page is, apart from ages
    pending: bool


def system_view(status: PlatformStatus, on: Reading) -> SystemView:
    """The page for one moment."""
    parts = [
        _worker(status, on),
        _api(status, on),
        master_key_part(status, on),
        *rotation_part(status.rotation, on),
        _database(status),
        _cache(status),
        _clock(status, on),
        part("history", _("Audit log"), *audit_health(status.audit, on), []),
        _panel(status),
    ]
    wrong = [one for one in parts if one.tone in {BAD, WARN}]
    summary = ngettext("%(n)d part needs you", "%(n)d parts need you", len(wrong))
    return SystemView(
        tone=BAD if any(one.tone == BAD for one in wrong) else WARN if wrong else GOOD,
        summary=summary % {"n": len(wrong)} if wrong else _("Everything works"),
        parts=parts,
        mark=_mark(status, on),
        pending=status.rotation is not None and status.rotation.runs(on.now),
    )


def _mark(status: PlatformStatus, on: Reading) -> str:
    alive = [worker.name for worker in status.workers if worker_alive(worker, now=on.now)]
    api = status.api and (status.api.reachable, status.api.kind)
    run = status.rotation
    stands = run is not None and run.was_cut_short(on.now)
    hold = status.hold and _clock(status, on).sentence
    master = (status.master_key, status.master_keys)
    facts = (alive, api, status.cache_works, *master, run, stands, hold)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _worker(status: PlatformStatus, on: Reading) -> Part:
    lines: list[SafeString | str] = [
        format_html(
            _("{name} · version {version} · seen {seen} · {checks} checks since {start}"),
            name=worker.name,
            version=worker.version,
            seen=on.ago(worker.beat_at),
            checks=f"{worker.checks_done:,}",
            start=on.at(worker.started_at),
        )
        for worker in status.workers
        if worker_alive(worker, now=on.now)
    ]
    if status.alive:
        words = ngettext("%(n)d worker runs", "%(n)d workers run", status.alive)
        sentence = _("Checks run on schedule and on demand.")
        return part("settings", _("Worker"), GOOD, words % {"n": status.alive}, sentence, lines)
    last = max((worker.beat_at for worker in status.workers), default=None)
    seen = format_html(_("Last seen {ago}. "), ago=on.ago(last)) if last else ""
    sentence = format_html(
        "{}{}", seen, _("Nothing is checked. Start it with `manage.py run_worker`.")
    )
    return part("settings", _("Worker"), BAD, _("no worker runs"), sentence, lines)


def _api(status: PlatformStatus, on: Reading) -> Part:
    name, lines = _("Aitronos API"), [_("Address: %(url)s") % {"url": status.api_base_url}]
    answer = status.api
    if answer is None:
        sentence = _("The worker asks the public health route once a minute.")
        return part("heartbeat", name, QUIET, _("not asked yet"), sentence, lines)
    asked = format_html(_("Asked {ago}."), ago=on.ago(answer.checked_at))
    if answer.reachable:
        fast = f" {answer.elapsed_ms:.0f} ms" if answer.elapsed_ms is not None else ""
        return part(
            "heartbeat", name, GOOD, _("reachable"), format_html("{}{}", asked, fast), lines
        )
    error = CheckError(
        kind=answer.kind, code="", http_status=None, message="", field="", detail="",
        trace_id="", request_id="",
    )  # fmt: skip
    what = failure(error)
    sentence = format_html("{} {} {}", what.words, what.todo, asked)
    return part("heartbeat", name, WARN, what.brief, sentence, lines)


def _database(status: PlatformStatus) -> Part:
    sentence = _("It answered this page.")
    return part("database", _("Database"), GOOD, status.database, sentence, [])


def _cache(status: PlatformStatus) -> Part:
    name = _("Cache")
    kind = "Redis" if status.cache == "Redis" else _("a table of the database")
    if status.cache_works:
        return part("adjustments", name, GOOD, kind, _("It keeps and returns values."), [])
    sentence = _("It does not answer. The panel goes on without it, a little slower.")
    return part("adjustments", name, WARN, kind, sentence, [])


def _clock(status: PlatformStatus, on: Reading) -> Part:
    name, hold = _("Clock"), status.hold
    if hold is None and status.clocks_at is None:
        sentence = _("The worker compares it once a minute.")
        return part("clock", name, QUIET, _("not compared yet"), sentence, [])
    if hold is None:
        return part("clock", name, GOOD, _("right"), _("The clocks agree."), [])
    sentence = hold_sentence(hold, until=on.clock(hold.until) if hold.until else "")
    lines = [_("By this machine's clock it is %(now)s.") % {"now": on.exact(on.now)}]
    tone = QUIET if hold_is_harmless(hold) else WARN
    held = part("clock", name, tone, _("deletion is held"), sentence, lines)
    return replace(held, button=Button("clock_confirm", _("The time is right")))


def _panel(status: PlatformStatus) -> Part:
    behind = [worker.name for worker in status.workers if worker.version != status.version]
    name, word = _("Freddy Admin"), _("version %(version)s") % {"version": status.version}
    if behind:
        sentence = _("Some workers run another version. Restart them to bring them level.")
        return part("tools", name, WARN, word, sentence, behind)
    return part("tools", name, GOOD, word, _("Pages and workers run the same version."), [])
