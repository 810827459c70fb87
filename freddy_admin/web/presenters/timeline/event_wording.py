"""What was seen at Aitronos, one sentence per event, as of the day it happened."""

from collections.abc import Callable
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.history.state_spans import ReplayEvent, state_change_from_event
from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.sync.models import EventKind
from freddy_admin.web.presenters.headline import EMPTY_TEXT, format_sentence
from freddy_admin.web.presenters.state_pill import BAD, GOOD, STATE_STYLES, WARN
from freddy_admin.web.presenters.timeline.event_sentence import (
    EventSentence,
    call_failure_reason,
    event_actor_name,
    old_new_pair,
    parse_event_time,
    parse_int,
    tool_counts_text,
)
from freddy_admin.web.presenters.timeline.person_event_wording import (
    key_changed_sentence,
    person_action_sentence,
)
from freddy_admin.web.presenters.user_time import UserTime, format_interval


def event_sentence(entry: TimelineEntry, user_time: UserTime) -> EventSentence:
    """The sentence; the name of its kind alone where the details cannot be read."""
    return _EVENT_SENTENCES[entry.kind](entry, user_time) or EventSentence(
        format_html("{}.", EventKind(entry.kind).label), "info-circle"
    )


def _sync_seen_sentence(entry: TimelineEntry, _user_time: UserTime) -> EventSentence:
    actor_name, first = event_actor_name(entry), entry.details.get("first") is True
    words = (
        format_sentence(_("Synced, as {who} had asked."), who=actor_name)
        if actor_name
        else format_sentence(_("Synced."))
    )
    return EventSentence(
        words,
        "refresh",
        GOOD,
        format_sentence(_("The first sync that we know of.")) if first else EMPTY_TEXT,
    )


def _sync_skipped_sentence(entry: TimelineEntry, user_time: UserTime) -> EventSentence:
    next_sync_at = parse_event_time(entry.details.get("next"))
    due = user_time.render_clock_cell(entry.at)
    words = format_sentence(_("The sync planned for {due} was skipped."), due=due)
    note = (
        format_sentence(
            _("The next one is planned for {after}."),
            after=user_time.render_clock_cell(next_sync_at),
        )
        if next_sync_at
        else EMPTY_TEXT
    )
    return EventSentence(words, "calendar-x", WARN, note)


def _sync_taken_back_sentence(entry: TimelineEntry, user_time: UserTime) -> EventSentence:
    pair = old_new_pair(entry.details, "last")
    was, now = (parse_event_time(value) for value in pair) if pair else (None, None)
    words = format_sentence(_("Aitronos took the last sync back."))
    if was is None:
        return EventSentence(words, "history", WARN)
    after = user_time.render_clock_cell(now) if now else _("no sync at all")
    note = format_sentence(
        _("From {was} to {now}."), was=user_time.render_clock_cell(was), now=after
    )
    return EventSentence(words, "history", WARN, note)


def _schedule_changed_sentence(entry: TimelineEntry, user_time: UserTime) -> EventSentence | None:
    changes = [
        change
        for name, describe_change in _SCHEDULE_CHANGES.items()
        if (pair := old_new_pair(entry.details, name))
        and (change := describe_change(pair, user_time))
    ]
    if not changes:
        return None
    changes_html = format_html_join("; ", "{}", ((change,) for change in changes))
    return EventSentence(
        format_sentence(_("Schedule changed: {changes}."), changes=changes_html), "calendar-event"
    )


def _next_sync_change(pair: tuple[Any, Any], user_time: UserTime) -> SafeString:
    was, now = (parse_event_time(value) for value in pair)
    if now is None:
        return format_sentence(_("no next sync is planned any more"))
    if was is None:
        return format_sentence(
            _("next sync {now}, where none was planned"), now=user_time.render_clock_cell(now)
        )
    return format_sentence(
        _("next sync {now} instead of {was}"),
        now=user_time.render_clock_cell(now),
        was=user_time.render_clock_cell(was),
    )


def _sync_interval_change(pair: tuple[Any, Any], _user_time: UserTime) -> SafeString | None:
    was, now = (parse_int(value) for value in pair)
    if now is None:
        return None
    if was is None:
        return format_html("{}", _sync_interval_text(now))
    return format_sentence(
        _("{now} instead of {was}"), now=_sync_interval_text(now), was=_sync_interval_text(was)
    )


def _sync_interval_text(hours: int) -> str:
    if hours <= 0:
        return _("no interval")
    return format_interval(hours)


def _incremental_sync_change(pair: tuple[Any, Any], _user_time: UserTime) -> SafeString:
    return format_sentence(_("incremental sync on") if pair[1] else _("incremental sync off"))


_SCHEDULE_CHANGES: dict[str, Callable[[tuple[Any, Any], UserTime], SafeString | None]] = {
    "next": _next_sync_change,
    "hours": _sync_interval_change,
    "incremental": _incremental_sync_change,
}


def _tools_changed_sentence(entry: TimelineEntry, _user_time: UserTime) -> EventSentence | None:
    enabled, total = old_new_pair(entry.details, "enabled"), old_new_pair(entry.details, "total")
    if enabled is None or total is None:
        return None
    before = (parse_int(enabled[0]), parse_int(total[0]))
    after = (parse_int(enabled[1]), parse_int(total[1]))
    if after[0] is None or after[1] is None:
        return None
    now = tool_counts_text(after[0], after[1])
    if before[0] is None or before[1] is None:
        return EventSentence(format_sentence(_("First figures: {now}."), now=now), "tools")
    was = tool_counts_text(before[0], before[1])
    return EventSentence(format_sentence(_("{now}; before that {was}."), now=now, was=was), "tools")


def _check_failed_sentence(entry: TimelineEntry, user_time: UserTime) -> EventSentence | None:
    why = call_failure_reason(entry.details)
    if not why:
        return None
    if entry.until is None:
        words = format_sentence(_("Our checks fail: {why}."), why=why)
        return EventSentence(words, "alert-triangle", BAD, format_sentence(_("Still so.")))
    count = parse_int(entry.details.get("count"))
    if count == 1:
        return EventSentence(
            format_sentence(_("A check failed: {why}."), why=why), "alert-triangle", WARN
        )
    words = format_sentence(_("Our checks failed: {why}."), why=why)
    parts = [_("From %(when)s") % {"when": user_time.format_time_range(entry.at, entry.until)}]
    if count is not None:
        parts.append(ngettext("%(n)s check", "%(n)s checks", count) % {"n": f"{count:,}"})
    return EventSentence(
        words, "alert-triangle", WARN, format_sentence("{parts}.", parts=", ".join(parts))
    )


def _health_changed_sentence(entry: TimelineEntry, user_time: UserTime) -> EventSentence | None:
    before, after = state_change_from_event(ReplayEvent(entry.kind, entry.at, entry.details)) or (
        None,
        None,
    )
    if after is None:
        return None
    pill, since = STATE_STYLES[after], parse_event_time(entry.details.get("since"))
    if since is not None:
        sentence = _("{after}, as it has been since {since}.")
        words = format_sentence(
            sentence, after=after.label, since=user_time.render_clock_cell(since)
        )
    elif before is None:
        words = format_sentence(_("First state: {after}."), after=after.label)
    else:
        words = format_html(
            '{} <span aria-hidden="true">→</span> <span class="visually-hidden">{}</span> {}',
            before.label,
            _("became"),
            after.label,
        )
    return EventSentence(words, pill.icon, pill.tone)


_EVENT_SENTENCES: dict[EventKind, Callable[[TimelineEntry, UserTime], EventSentence | None]] = {
    EventKind.SYNC_SEEN: _sync_seen_sentence,
    EventKind.SYNC_SKIPPED: _sync_skipped_sentence,
    EventKind.SYNC_TAKEN_BACK: _sync_taken_back_sentence,
    EventKind.SCHEDULE_CHANGED: _schedule_changed_sentence,
    EventKind.TOOLS_CHANGED: _tools_changed_sentence,
    EventKind.CHECK_FAILED: _check_failed_sentence,
    EventKind.HEALTH_CHANGED: _health_changed_sentence,
    EventKind.KEY_CHANGED: key_changed_sentence,
    EventKind.PERSON_ACTION: person_action_sentence,
}
