"""What happened to a key, one sentence per event, as of the day it happened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.core import clock
from freddy_admin.sync.clock_repair import WRITTEN_AHEAD_DETAIL
from freddy_admin.sync.history.state_spans import ReplayEvent, state_change_from_event
from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.sync.models import EventKind
from freddy_admin.vault.candidate_result import DECISION_PERIOD
from freddy_admin.wording.event_details import (
    WRITTEN_AHEAD,
    actor_name,
    cell,
    failure_reason,
    parse_int,
    parse_pair,
    parse_text,
    parse_time,
    tool_counts,
)
from freddy_admin.wording.failures import quoted_message
from freddy_admin.wording.sentences import (
    Interval,
    Markup,
    Phrases,
    Sentence,
    Text,
    TimeSpan,
    say,
    say_counted,
)
from freddy_admin.wording.states import BAD, GOOD, QUIET, STATE_WORDINGS, WARN

_DONE, _REFUSED, _UNCLEAR = "done", "refused", "unclear"
_PROMPT_RECORDING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class EventWording:
    """A sentence, its icon and tone, and sentences that follow in small print."""

    words: Sentence
    icon: str
    tone: str = QUIET
    notes: tuple[Sentence, ...] = ()


def event_wording(entry: TimelineEntry) -> EventWording:
    """What to say of this event; the name of its kind where its details cannot be read."""
    wording = _EVENTS[entry.kind](entry) or EventWording(
        say(_("{kind}."), kind=EventKind(entry.kind).label), "info-circle"
    )
    return replace(wording, notes=(*wording.notes, *_recording_notes(entry)))


def _recording_notes(entry: TimelineEntry) -> tuple[Sentence, ...]:
    """When the event was noticed, where that was not at once."""
    if entry.details.get(WRITTEN_AHEAD_DETAIL) or clock.is_over_an_hour_in_future(entry.noticed_at):
        return (WRITTEN_AHEAD,)
    if entry.noticed_at - entry.at <= _PROMPT_RECORDING:
        return ()
    return (say(_("Noticed at {at}."), at=cell(entry.noticed_at)),)


def _sync_seen(entry: TimelineEntry) -> EventWording:
    who = actor_name(entry)
    words = say(_("Synced, as {who} had asked."), who=who) if who else say(_("Synced."))
    is_first = entry.details.get("first") is True
    notes = (say(_("The first sync that we know of.")),) if is_first else ()
    return EventWording(words, "refresh", GOOD, notes)


def _sync_skipped(entry: TimelineEntry) -> EventWording:
    next_sync_at = parse_time(entry.details.get("next"))
    words = say(_("The sync planned for {due} was skipped."), due=cell(entry.at))
    planned = _("The next one is planned for {after}.")
    notes = (say(planned, after=cell(next_sync_at)),) if next_sync_at else ()
    return EventWording(words, "calendar-x", WARN, notes)


def _sync_taken_back(entry: TimelineEntry) -> EventWording:
    words = say(_("Aitronos took the last sync back."))
    pair = parse_pair(entry.details, "last")
    before, after = (parse_time(value) for value in pair) if pair else (None, None)
    if before is None:
        return EventWording(words, "history", WARN)
    if after is None:
        note = say(_("From {was} to no sync at all."), was=cell(before))
    else:
        note = say(_("From {was} to {now}."), was=cell(before), now=cell(after))
    return EventWording(words, "history", WARN, (note,))


def _schedule_changed(entry: TimelineEntry) -> EventWording | None:
    changes = tuple(
        change
        for name, describe in _SCHEDULE_CHANGES.items()
        if (pair := parse_pair(entry.details, name)) and (change := describe(pair))
    )
    if not changes:
        return None
    return EventWording(
        say(_("Schedule changed: {changes}."), changes=Phrases(changes)), "calendar-event"
    )


def _next_sync_change(pair: tuple[Any, Any]) -> Sentence:
    before, after = (parse_time(value) for value in pair)
    if after is None:
        return say(_("no next sync is planned any more"))
    if before is None:
        return say(_("next sync {now}, where none was planned"), now=cell(after))
    return say(_("next sync {now} instead of {was}"), now=cell(after), was=cell(before))


def _interval_change(pair: tuple[Any, Any]) -> Sentence | None:
    before, after = (parse_int(value) for value in pair)
    if after is None:
        return None
    if before is None:
        return _interval(after)
    return say(_("{now} instead of {was}"), now=_interval(after), was=_interval(before))


def _interval(hours: int) -> Sentence:
    return say("{interval}", interval=Interval(hours)) if hours > 0 else say(_("no interval"))


def _incremental_sync_change(pair: tuple[Any, Any]) -> Sentence:
    return say(_("incremental sync on") if pair[1] else _("incremental sync off"))


_SCHEDULE_CHANGES: Final[Mapping[str, Callable[[tuple[Any, Any]], Sentence | None]]] = {
    "next": _next_sync_change,
    "hours": _interval_change,
    "incremental": _incremental_sync_change,
}


def _tools_changed(entry: TimelineEntry) -> EventWording | None:
    enabled, total = parse_pair(entry.details, "enabled"), parse_pair(entry.details, "total")
    if enabled is None or total is None:
        return None
    before, after = ((parse_int(enabled[side]), parse_int(total[side])) for side in (0, 1))
    if after[0] is None or after[1] is None:
        return None
    now = tool_counts(after[0], after[1])
    if before[0] is None or before[1] is None:
        return EventWording(say(_("First figures: {now}."), now=now), "tools")
    was = tool_counts(before[0], before[1])
    return EventWording(say(_("{now}; before that {was}."), now=now, was=was), "tools")


_FAILED_CHECKS: Final = ngettext_lazy("From {span}, {n} check.", "From {span}, {n} checks.", "n")


def _check_failed(entry: TimelineEntry) -> EventWording | None:
    reason = failure_reason(entry.details)
    if not reason:
        return None
    if entry.until is None:
        words, notes = say(_("Our checks fail: {why}."), why=reason), (say(_("Still so.")),)
        return EventWording(words, "alert-triangle", BAD, notes)
    count = parse_int(entry.details.get("count"))
    if count == 1:
        return EventWording(say(_("A check failed: {why}."), why=reason), "alert-triangle", WARN)
    words = say(_("Our checks failed: {why}."), why=reason)
    span = TimeSpan(entry.at, entry.until)
    if count is None:
        note = say(_("From {span}."), span=span)
    else:
        note = say_counted(_FAILED_CHECKS, count, span=span)
    return EventWording(words, "alert-triangle", WARN, (note,))


def _health_changed(entry: TimelineEntry) -> EventWording | None:
    change = state_change_from_event(ReplayEvent(entry.kind, entry.at, entry.details))
    before, after = change or (None, None)
    if after is None:
        return None
    wording, since = STATE_WORDINGS[after], parse_time(entry.details.get("since"))
    if since is not None:
        sentence = _("{after}, as it has been since {since}.")
        words = say(sentence, after=after.label, since=cell(since))
    elif before is None:
        words = say(_("First state: {after}."), after=after.label)
    else:
        sentence = _("{before} {arrow}{only_heard}became{end} {after}")
        words = say(sentence, before=before.label, after=after.label, **_ARROW)
    return EventWording(words, wording.icon, wording.tone)


# Seen is an arrow, and heard a word.
_ARROW: Final = {
    "arrow": Markup(SafeString('<span aria-hidden="true">→</span> ')),
    "only_heard": Markup(SafeString('<span class="visually-hidden">')),
    "end": Markup(SafeString("</span>")),
}


@dataclass(frozen=True, slots=True)
class _KeyChange:
    """One change of a key: its icon, and the sentence with and without a person."""

    icon: str
    by_person: Text
    by_nobody: Text


_KEY_CHANGES: Final[Mapping[str, _KeyChange]] = {
    "added": _KeyChange("plus", _("{who} added the key."), _("The key was added.")),
    "replaced": _KeyChange("replace", _("{who} replaced the key."), _("The key was replaced.")),
    "kept_untested": _KeyChange(
        "key",
        _("{who} kept a key that could not be tested."),
        _("The key was kept without a test."),
    ),
    "kept_differing": _KeyChange(
        "key",
        _("{who} replaced the key by one that reports something else."),
        _("The key was replaced by one that reports something else."),
    ),
    "paused": _KeyChange("player-pause", _("{who} paused the key."), _("The key was paused.")),
    "resumed": _KeyChange("player-play", _("{who} resumed the key."), _("The key was resumed.")),
    "revoked": _KeyChange("trash", _("{who} revoked the key."), _("The key was revoked.")),
    "edited": _KeyChange(
        "pencil", _("{who} changed the key's details."), _("The key's details were changed.")
    ),
}


def _key_changed(entry: TimelineEntry) -> EventWording | None:
    what, who = parse_text(entry.details.get("what")), actor_name(entry)
    if what == "never_decided":
        sentence = _("The new key for “{label}” was thrown away: nobody decided within {n} days.")
        label = parse_text(entry.details.get("label"))
        return EventWording(say(sentence, label=label, n=DECISION_PERIOD.days), "trash", WARN)
    change = _KEY_CHANGES.get(what)
    if change is None:
        return None
    words = say(change.by_person, who=who) if who else say(change.by_nobody)
    return EventWording(words, change.icon)


def _person_action(entry: TimelineEntry) -> EventWording | None:
    """What a person asked for, or what became of it."""
    describe = _PERSON_ACTIONS.get(parse_text(entry.details.get("what")))
    return describe(entry) if describe else None


def _by(entry: TimelineEntry, by_person: Text, by_somebody: Text, **parts: object) -> Sentence:
    """`by_person` with the name as {who}; `by_somebody` where no name was written down."""
    who = actor_name(entry)
    return say(by_person, who=who, **parts) if who else say(by_somebody, **parts)


def _check_requested(entry: TimelineEntry) -> EventWording:
    words = _by(entry, _("{who} asked for a check."), _("Somebody asked for a check."))
    return EventWording(words, "eye")


def _sync_requested(entry: TimelineEntry) -> EventWording:
    if entry.details.get("full") is True:
        words = _by(entry, _("{who} asked for a full sync."), _("Somebody asked for a full sync."))
    else:
        words = _by(entry, _("{who} asked for a sync."), _("Somebody asked for a sync."))
    return EventWording(words, "user")


def _failure_notes(entry: TimelineEntry) -> tuple[Sentence, ...]:
    """Why a call failed, and what Aitronos said of it."""
    reason, message = failure_reason(entry.details), parse_text(entry.details.get("message"))
    said = quoted_message(message)
    return (say(_("{reason}."), reason=reason), said) if reason else (said,)


_FINISHED_SYNCS: Final[Mapping[str, tuple[Text, Text]]] = {
    _DONE: (
        _("The sync that {who} asked for is done."),
        _("The sync that somebody asked for is done."),
    ),
    _REFUSED: (
        _("The sync that {who} asked for was not started."),
        _("The sync that somebody asked for was not started."),
    ),
    _UNCLEAR: (
        _("It is not known whether the sync that {who} asked for was started."),
        _("It is not known whether the sync that somebody asked for was started."),
    ),
}


def _sync_finished(entry: TimelineEntry) -> EventWording | None:
    outcome = parse_text(entry.details.get("outcome"))
    if outcome not in _FINISHED_SYNCS:
        return None
    words = _by(entry, *_FINISHED_SYNCS[outcome])
    if outcome == _DONE:
        return EventWording(words, "check", GOOD, (*_sync_counts(entry), *_failure_notes(entry)))
    return EventWording(words, "alert-triangle", WARN, _failure_notes(entry))


_SYNC_COUNTS: Final[Mapping[str, Any]] = {
    "synced": ngettext_lazy("{n} tool synced", "{n} tools synced", "n"),
    "created": ngettext_lazy("{n} new", "{n} new", "n"),
    "updated": ngettext_lazy("{n} changed", "{n} changed", "n"),
    "unchanged": ngettext_lazy("{n} unchanged", "{n} unchanged", "n"),
}


def _sync_counts(entry: TimelineEntry) -> tuple[Sentence, ...]:
    """The figures that Aitronos gave for a sync, those that it gave."""
    counts = tuple(
        say_counted(text, number)
        for name, text in _SYNC_COUNTS.items()
        if (number := parse_int(entry.details.get(name))) is not None
    )
    return (say(_("{counts}."), counts=Phrases(counts, ", ")),) if counts else ()


def _connector_name(entry: TimelineEntry) -> Text:
    details = entry.details
    name = parse_text(details.get("name"), 120) or parse_text(details.get("tool"), 120)
    return name or _("a connector")


def _toggle_requested(entry: TimelineEntry) -> EventWording:
    name = _connector_name(entry)
    if entry.details.get("enable") is True:
        words = _by(
            entry,
            _("{who} asked to switch {name} on."),
            _("Somebody asked to switch {name} on."),
            name=name,
        )
    else:
        words = _by(
            entry,
            _("{who} asked to switch {name} off."),
            _("Somebody asked to switch {name} off."),
            name=name,
        )
    return EventWording(words, "user")


_FINISHED_TOGGLES: Final[Mapping[tuple[str, bool], Text]] = {
    (_DONE, True): _("{name} was switched on."),
    (_DONE, False): _("{name} was switched off."),
    (_REFUSED, True): _("{name} was not switched on."),
    (_REFUSED, False): _("{name} was not switched off."),
    (_UNCLEAR, True): _("It is not known whether {name} was switched on."),
    (_UNCLEAR, False): _("It is not known whether {name} was switched off."),
}


def _toggle_finished(entry: TimelineEntry) -> EventWording | None:
    outcome = parse_text(entry.details.get("outcome"))
    text = _FINISHED_TOGGLES.get((outcome, entry.details.get("enable") is True))
    if text is None:
        return None
    who, notes = actor_name(entry), _failure_notes(entry)
    if who:
        notes = (*notes, say(_("Asked for by {who}."), who=who))
    words = say(text, name=_connector_name(entry))
    if outcome == _DONE:
        return EventWording(words, "tools", QUIET, notes)
    return EventWording(words, "alert-triangle", WARN, notes)


_PERSON_ACTIONS: Final[Mapping[str, Callable[[TimelineEntry], EventWording | None]]] = {
    "check": _check_requested,
    "sync": _sync_requested,
    "sync_ended": _sync_finished,
    "switch": _toggle_requested,
    "switch_ended": _toggle_finished,
}

_EVENTS: Final[Mapping[EventKind, Callable[[TimelineEntry], EventWording | None]]] = {
    EventKind.SYNC_SEEN: _sync_seen,
    EventKind.SYNC_SKIPPED: _sync_skipped,
    EventKind.SYNC_TAKEN_BACK: _sync_taken_back,
    EventKind.SCHEDULE_CHANGED: _schedule_changed,
    EventKind.TOOLS_CHANGED: _tools_changed,
    EventKind.CHECK_FAILED: _check_failed,
    EventKind.HEALTH_CHANGED: _health_changed,
    EventKind.KEY_CHANGED: _key_changed,
    EventKind.PERSON_ACTION: _person_action,
}
