"""The system page: each part with a shape, a sentence and what to do."""

from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.platform import PlatformStatus, worker_alive
from freddy_admin.sync.rows import CheckError
from freddy_admin.vault.master_keys import MasterKeyFit, MasterKeyUse
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.states import BAD, GOOD, QUIET, WARN
from freddy_admin.web.presenters.times import Reading


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the panel."""

    icon: str
    name: str
    tone: str
    word: str
    sentence: SafeString
    lines: list[SafeString | str]


@dataclass(frozen=True, slots=True)
class SystemView:
    """The page."""

    tone: str
    summary: str
    parts: list[Part]


def system_view(status: PlatformStatus, on: Reading) -> SystemView:
    """The page for one moment."""
    parts = [
        _worker(status, on),
        _api(status, on),
        _master_key(status),
        _database(status),
        _cache(status),
        _panel(status),
    ]
    wrong = [part for part in parts if part.tone in {BAD, WARN}]
    summary = ngettext("%(n)d part needs you", "%(n)d parts need you", len(wrong))
    return SystemView(
        tone=BAD if any(part.tone == BAD for part in wrong) else WARN if wrong else GOOD,
        summary=summary % {"n": len(wrong)} if wrong else _("Everything works"),
        parts=parts,
    )


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
        return _part("settings", _("Worker"), GOOD, words % {"n": status.alive}, sentence, lines)
    last = max((worker.beat_at for worker in status.workers), default=None)
    seen = format_html(_("Last seen {ago}. "), ago=on.ago(last)) if last else ""
    sentence = format_html(
        "{}{}", seen, _("Nothing is checked. Start it with `manage.py run_worker`.")
    )
    return _part("settings", _("Worker"), BAD, _("no worker runs"), sentence, lines)


def _api(status: PlatformStatus, on: Reading) -> Part:
    name, lines = _("Aitronos API"), [_("Address: %(url)s") % {"url": status.api_base_url}]
    answer = status.api
    if answer is None:
        sentence = _("The worker asks the public health route once a minute.")
        return _part("heartbeat", name, QUIET, _("not asked yet"), sentence, lines)
    asked = format_html(_("Asked {ago}."), ago=on.ago(answer.checked_at))
    if answer.reachable:
        fast = f" {answer.elapsed_ms:.0f} ms" if answer.elapsed_ms is not None else ""
        return _part(
            "heartbeat", name, GOOD, _("reachable"), format_html("{}{}", asked, fast), lines
        )
    error = CheckError(
        kind=answer.kind, code="", http_status=None, message="", field="", detail="",
        trace_id="", request_id="",
    )  # fmt: skip
    what = failure(error)
    sentence = format_html("{} {} {}", what.words, what.todo, asked)
    return _part("heartbeat", name, WARN, what.brief, sentence, lines)


_FITS = {
    MasterKeyFit.OK: GOOD,
    MasterKeyFit.EMPTY: QUIET,
    MasterKeyFit.NO_PRIVATE_KEY: GOOD,
    MasterKeyFit.MISSING: BAD,
    MasterKeyFit.CANARY_FAILED: BAD,
}


def _master_key(status: PlatformStatus) -> Part:
    fit = status.master_key.fit
    lines = [_use(one) for one in status.master_keys]
    return _part(
        "shield-lock",
        _("Master key"),
        _FITS[fit],
        str(fit.label),
        status.master_key.sentence,
        lines,
    )


def _use(use: MasterKeyUse) -> str:
    rows = ngettext("%(n)s stored key", "%(n)s stored keys", use.rows) % {"n": f"{use.rows:,}"}
    parts = [_("Fingerprint %(id)s") % {"id": use.master_key_id[:8]}, rows]
    if use.seals:
        parts.append(_("seals new keys"))
    elif not use.in_ring:
        parts.append(_("not in this process"))
    elif not use.rows:
        parts.append(_("may be taken out of ENCRYPTION_KEYS"))
    return " · ".join(parts)


def _database(status: PlatformStatus) -> Part:
    sentence = _("It answered this page.")
    return _part("database", _("Database"), GOOD, status.database, sentence, [])


def _cache(status: PlatformStatus) -> Part:
    name = _("Cache")
    kind = "Redis" if status.cache == "Redis" else _("a table of the database")
    if status.cache_works:
        return _part("adjustments", name, GOOD, kind, _("It keeps and returns values."), [])
    sentence = _("It does not answer. The panel goes on without it, a little slower.")
    return _part("adjustments", name, WARN, kind, sentence, [])


def _panel(status: PlatformStatus) -> Part:
    behind = [worker.name for worker in status.workers if worker.version != status.version]
    name, word = _("Freddy Admin"), _("version %(version)s") % {"version": status.version}
    if behind:
        sentence = _("Some workers run another version. Restart them to bring them level.")
        return _part("tools", name, WARN, word, sentence, behind)
    return _part("tools", name, GOOD, word, _("The pages and the workers are level."), [])


def _part(  # noqa: PLR0913  the parts of one part
    icon: str,
    name: str,
    tone: str,
    word: str,
    sentence: SafeString | str,
    lines: list[SafeString | str] | list[str],
) -> Part:
    return Part(icon, name, tone, word, format_html("{}", sentence), list(lines))
