"""What was seen at Aitronos, one sentence per event, as of the day it happened."""

from collections.abc import Callable
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.history.spans import Happening, change_of
from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.sync.models import EventKind
from freddy_admin.web.presenters.states import BAD, GOOD, LOOKS, WARN
from freddy_admin.web.presenters.story import NONE, say
from freddy_admin.web.presenters.timeline.deed_words import key_changed, person_did
from freddy_admin.web.presenters.timeline.said import (
    Said,
    moment,
    pair_of,
    reason,
    tools,
    who_did,
    whole,
)
from freddy_admin.web.presenters.times import Reading, interval_words


def event_said(entry: TimelineEntry, on: Reading) -> Said:
    """The sentence; the name of its kind alone where the details cannot be read."""
    return _TELLERS[entry.kind](entry, on) or Said(
        format_html("{}.", EventKind(entry.kind).label), "info-circle"
    )


def _sync_seen(entry: TimelineEntry, _on: Reading) -> Said:
    who, first = who_did(entry), entry.details.get("first") is True
    words = say(_("Synced, as {who} had asked."), who=who) if who else say(_("Synced."))
    return Said(
        words, "refresh", GOOD, say(_("The first sync that we know of.")) if first else NONE
    )


def _sync_skipped(entry: TimelineEntry, on: Reading) -> Said:
    after, due = moment(entry.details.get("next")), on.stamp(entry.at)
    words = say(_("The sync planned for {due} was skipped."), due=due)
    note = say(_("The next one is planned for {after}."), after=on.stamp(after)) if after else NONE
    return Said(words, "calendar-x", WARN, note)


def _sync_taken_back(entry: TimelineEntry, on: Reading) -> Said:
    pair = pair_of(entry.details, "last")
    was, now = (moment(value) for value in pair) if pair else (None, None)
    words = say(_("Aitronos took the last sync back."))
    if was is None:
        return Said(words, "history", WARN)
    after = on.stamp(now) if now else _("no sync at all")
    note = say(_("From {was} to {now}."), was=on.stamp(was), now=after)
    return Said(words, "history", WARN, note)


def _schedule_changed(entry: TimelineEntry, on: Reading) -> Said | None:
    changes = [
        change
        for name, tell in _SCHEDULE.items()
        if (pair := pair_of(entry.details, name)) and (change := tell(pair, on))
    ]
    if not changes:
        return None
    told = format_html_join("; ", "{}", ((change,) for change in changes))
    return Said(say(_("Schedule changed: {changes}."), changes=told), "calendar-event")


def _next(pair: tuple[Any, Any], on: Reading) -> SafeString:
    was, now = (moment(value) for value in pair)
    if now is None:
        return say(_("no next sync is planned any more"))
    if was is None:
        return say(_("next sync {now}, where none was planned"), now=on.stamp(now))
    return say(_("next sync {now} instead of {was}"), now=on.stamp(now), was=on.stamp(was))


def _hours(pair: tuple[Any, Any], _on: Reading) -> SafeString | None:
    was, now = (whole(value) for value in pair)
    if now is None:
        return None
    if was is None:
        return format_html("{}", _every(now))
    return say(_("{now} instead of {was}"), now=_every(now), was=_every(was))


def _every(hours: int) -> str:
    if hours <= 0:
        return _("no interval")
    return interval_words(hours)


def _incremental(pair: tuple[Any, Any], _on: Reading) -> SafeString:
    return say(_("incremental sync on") if pair[1] else _("incremental sync off"))


_SCHEDULE: dict[str, Callable[[tuple[Any, Any], Reading], SafeString | None]] = {
    "next": _next,
    "hours": _hours,
    "incremental": _incremental,
}


def _tools_changed(entry: TimelineEntry, _on: Reading) -> Said | None:
    enabled, total = pair_of(entry.details, "enabled"), pair_of(entry.details, "total")
    if enabled is None or total is None:
        return None
    before, after = (whole(enabled[0]), whole(total[0])), (whole(enabled[1]), whole(total[1]))
    if after[0] is None or after[1] is None:
        return None
    now = tools(after[0], after[1])
    if before[0] is None or before[1] is None:
        return Said(say(_("First figures: {now}."), now=now), "tools")
    was = tools(before[0], before[1])
    return Said(say(_("{now}; before that {was}."), now=now, was=was), "tools")


def _check_failed(entry: TimelineEntry, on: Reading) -> Said | None:
    why = reason(entry.details)
    if not why:
        return None
    if entry.until is None:
        words = say(_("Our checks fail: {why}."), why=why)
        return Said(words, "alert-triangle", BAD, say(_("Still so.")))
    count = whole(entry.details.get("count"))
    if count == 1:
        return Said(say(_("A check failed: {why}."), why=why), "alert-triangle", WARN)
    words = say(_("Our checks failed: {why}."), why=why)
    parts = [_("From %(when)s") % {"when": on.stretch(entry.at, entry.until)}]
    if count is not None:
        parts.append(ngettext("%(n)s check", "%(n)s checks", count) % {"n": f"{count:,}"})
    return Said(words, "alert-triangle", WARN, say("{parts}.", parts=", ".join(parts)))


def _health_changed(entry: TimelineEntry, on: Reading) -> Said | None:
    before, after = change_of(Happening(entry.kind, entry.at, entry.details)) or (None, None)
    if after is None:
        return None
    look, since = LOOKS[after], moment(entry.details.get("since"))
    if since is not None:
        sentence = _("{after}, as it has been since {since}.")
        words = say(sentence, after=after.label, since=on.stamp(since))
    elif before is None:
        words = say(_("First state: {after}."), after=after.label)
    else:
        words = format_html(
            '{} <span aria-hidden="true">→</span> <span class="visually-hidden">{}</span> {}',
            before.label,
            _("became"),
            after.label,
        )
    return Said(words, look.icon, look.tone)


_TELLERS: dict[EventKind, Callable[[TimelineEntry, Reading], Said | None]] = {
    EventKind.SYNC_SEEN: _sync_seen,
    EventKind.SYNC_SKIPPED: _sync_skipped,
    EventKind.SYNC_TAKEN_BACK: _sync_taken_back,
    EventKind.SCHEDULE_CHANGED: _schedule_changed,
    EventKind.TOOLS_CHANGED: _tools_changed,
    EventKind.CHECK_FAILED: _check_failed,
    EventKind.HEALTH_CHANGED: _health_changed,
    EventKind.KEY_CHANGED: key_changed,
    EventKind.PERSON_DID: person_did,
}
