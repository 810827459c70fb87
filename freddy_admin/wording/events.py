"""What happened to a key, one sentence per event, as of the day it happened.

What events hold is read with care: stored texts may be missing, or come from anybody. What cannot
be read is left out, never guessed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.audit.services import OPERATOR, WORKER
from freddy_admin.core import clock
from freddy_admin.organisations.access import actor_name_without_address
from freddy_admin.sync.clock_repair import WRITTEN_AHEAD_DETAIL
from freddy_admin.sync.history.timeline import ReplayEvent, TimelineEntry, state_change_from_event
from freddy_admin.sync.models import EventKind
from freddy_admin.vault.selectors import DECISION_PERIOD
from freddy_admin.wording.failures import failure_reason, quoted_message
from freddy_admin.wording.keys import tool_counts
from freddy_admin.wording.next_steps import call_ids
from freddy_admin.wording.sentences import (
    EMPTY,
    Interval,
    Markup,
    Phrases,
    Sentence,
    Text,
    TimeSpan,
    moment_cell,
    say,
    say_counted,
)
from freddy_admin.wording.states import BAD, GOOD, QUIET, STATE_WORDINGS, WARN
from freddy_admin.wording.times import parse_time

T = TypeVar("T")
WRITTEN_AHEAD: Final = say(_("Written while the clock was ahead."))


def _actor_name(entry: TimelineEntry) -> Text:
    """The person's name; the worker is nobody. The audit log has the address, too."""
    if entry.actor_name == WORKER.name:
        return ""
    if entry.actor_name == OPERATOR.name:
        return _("The operator (command line)")
    return actor_name_without_address(entry.actor_name)


def _parse_pair(
    details: Mapping[str, Any], name: str, parse: Callable[[object], T]
) -> tuple[T, T] | None:
    """What changed, from and to; None where that was not written down."""
    value = details.get(name)
    if not isinstance(value, list) or len(value) != 2:
        return None
    return parse(value[0]), parse(value[1])


def _parse_int(value: object) -> int | None:
    """A whole number; None for anything else, also for yes and no."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _parse_text(value: object, limit: int = 300) -> str:
    """A text, no longer than is good for a line; anything else is none."""
    if not isinstance(value, str):
        return ""
    return value if len(value) <= limit else value[: limit - 1] + "…"


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
    wording = _EVENTS[entry.kind](entry)
    if wording is None:
        words = say(_("{kind}."), kind=EventKind(entry.kind).label)
        wording = EventWording(words, "info-circle")
    if entry.details.get(WRITTEN_AHEAD_DETAIL) or clock.is_over_an_hour_in_future(entry.noticed_at):
        return replace(wording, notes=(*wording.notes, WRITTEN_AHEAD))
    if entry.noticed_at - entry.at <= _PROMPT_RECORDING:
        return wording
    noticed = say(_("Noticed at {at}."), at=moment_cell(entry.noticed_at))
    return replace(wording, notes=(*wording.notes, noticed))


def _sync_seen(entry: TimelineEntry) -> EventWording:
    words = _by(entry, _("Synced, as {who} had asked."), _("Synced."))
    is_first = entry.details.get("first") is True
    notes = (say(_("The first sync that we know of.")),) if is_first else ()
    return EventWording(words, "refresh", GOOD, notes)


def _sync_skipped(entry: TimelineEntry) -> EventWording:
    next_sync_at = parse_time(entry.details.get("next"))
    words = say(_("The sync planned for {due} was skipped."), due=moment_cell(entry.at))
    planned = _("The next one is planned for {after}.")
    notes = (say(planned, after=moment_cell(next_sync_at)),) if next_sync_at else ()
    return EventWording(words, "calendar-x", WARN, notes)


def _sync_taken_back(entry: TimelineEntry) -> EventWording:
    words = say(_("Aitronos took the last sync back."))
    before, after = _parse_pair(entry.details, "last", parse_time) or (None, None)
    if before is None:
        return EventWording(words, "history", WARN)
    text = _("From {was} to {now}.") if after else _("From {was} to no sync at all.")
    note = say(text, was=moment_cell(before), now=moment_cell(after or before))
    return EventWording(words, "history", WARN, (note,))


def _schedule_changed(entry: TimelineEntry) -> EventWording | None:
    next_sync = _parse_pair(entry.details, "next", parse_time)
    interval = _parse_pair(entry.details, "hours", _parse_int)
    incremental = _parse_pair(entry.details, "incremental", bool)
    changes = (
        _next_sync_change(*next_sync) if next_sync else EMPTY,
        _interval_change(*interval) if interval else EMPTY,
        _incremental_sync_change(*incremental) if incremental else EMPTY,
    )
    if not any(changes):
        return None
    words = say(_("Schedule changed: {changes}."), changes=Phrases(tuple(filter(None, changes))))
    return EventWording(words, "calendar-event")


def _next_sync_change(was: datetime | None, now: datetime | None) -> Sentence:
    if now is None:
        return say(_("no next sync is planned any more"))
    if was is None:
        return say(_("next sync {now}, where none was planned"), now=moment_cell(now))
    text = _("next sync {now} instead of {was}")
    return say(text, now=moment_cell(now), was=moment_cell(was))


def _interval_change(was: int | None, now: int | None) -> Sentence:
    if now is None:
        return EMPTY
    if was is None:
        return _interval(now)
    return say(_("{now} instead of {was}"), now=_interval(now), was=_interval(was))


def _interval(hours: int) -> Sentence:
    return say("{interval}", interval=Interval(hours)) if hours > 0 else say(_("no interval"))


def _incremental_sync_change(_was: bool, now: bool) -> Sentence:
    return say(_("incremental sync on") if now else _("incremental sync off"))


def _tools_changed(entry: TimelineEntry) -> EventWording | None:
    enabled = _parse_pair(entry.details, "enabled", _parse_int) or (None, None)
    total = _parse_pair(entry.details, "total", _parse_int) or (None, None)
    if enabled[1] is None or total[1] is None:
        return None
    now = tool_counts(enabled[1], total[1])
    if enabled[0] is None or total[0] is None:
        return EventWording(say(_("First figures: {now}."), now=now), "tools")
    was = tool_counts(enabled[0], total[0])
    return EventWording(say(_("{now}; before that {was}."), now=now, was=was), "tools")


_FAILED_CHECKS: Final = ngettext_lazy("From {span}, {n} check.", "From {span}, {n} checks.", "n")


def _check_failed(entry: TimelineEntry) -> EventWording | None:
    reason = _failure_reason(entry.details)
    if not reason:
        return None
    ids = call_ids(entry.details)
    if entry.until is None:
        words, notes = say(_("Our checks fail: {why}."), why=reason), (say(_("Still so.")), *ids)
        return EventWording(words, "alert-triangle", BAD, notes)
    count = _parse_int(entry.details.get("count"))
    if count == 1:
        words = say(_("A check failed: {why}."), why=reason)
        return EventWording(words, "alert-triangle", WARN, ids)
    words, span = say(_("Our checks failed: {why}."), why=reason), TimeSpan(entry.at, entry.until)
    note = say(_("From {span}."), span=span)
    if count is not None:
        note = say_counted(_FAILED_CHECKS, count, span=span)
    return EventWording(words, "alert-triangle", WARN, (note, *ids))


def _health_changed(entry: TimelineEntry) -> EventWording | None:
    change = state_change_from_event(ReplayEvent(entry.kind, entry.at, entry.details))
    before, after = change or (None, None)
    if after is None:
        return None
    wording, since = STATE_WORDINGS[after], parse_time(entry.details.get("since"))
    if since is not None:
        text = _("{after}, as it has been since {since}.")
        words = say(text, after=after.label, since=moment_cell(since))
    elif before is None:
        words = say(_("First state: {after}."), after=after.label)
    else:
        text = _("{before} {arrow}{only_heard}became{end} {after}")
        words = say(text, before=before.label, after=after.label, **_ARROW)
    return EventWording(words, wording.icon, wording.tone)


# Seen is an arrow, and heard a word.
_ARROW: Final = {
    "arrow": Markup(SafeString('<span aria-hidden="true">→</span> ')),
    "only_heard": Markup(SafeString('<span class="visually-hidden">')),
    "end": Markup(SafeString("</span>")),
}

# The icon, and the sentence with and without a person.
_KEY_CHANGES: Final[Mapping[str, tuple[str, Text, Text]]] = {
    "added": ("plus", _("{who} added the key."), _("The key was added.")),
    "replaced": ("replace", _("{who} replaced the key."), _("The key was replaced.")),
    "kept_untested": (
        "key",
        _("{who} kept a key that could not be tested."),
        _("The key was kept without a test."),
    ),
    "kept_differing": (
        "key",
        _("{who} replaced the key by one that reports something else."),
        _("The key was replaced by one that reports something else."),
    ),
    "paused": ("player-pause", _("{who} paused the key."), _("The key was paused.")),
    "resumed": ("player-play", _("{who} resumed the key."), _("The key was resumed.")),
    "revoked": ("trash", _("{who} revoked the key."), _("The key was revoked.")),
    "edited": (
        "pencil",
        _("{who} changed the key's details."),
        _("The key's details were changed."),
    ),
}


def _key_changed(entry: TimelineEntry) -> EventWording | None:
    what = _parse_text(entry.details.get("what"))
    if what == "never_decided":
        sentence = _("The new key for “{label}” was thrown away: nobody decided within {n} days.")
        label = _parse_text(entry.details.get("label"))
        return EventWording(say(sentence, label=label, n=DECISION_PERIOD.days), "trash", WARN)
    if what not in _KEY_CHANGES:
        return None
    icon, by_person, by_nobody = _KEY_CHANGES[what]
    return EventWording(_by(entry, by_person, by_nobody), icon)


def _by(entry: TimelineEntry, by_person: Text, by_nobody: Text, **parts: object) -> Sentence:
    """`by_person` with the name as {who}; `by_nobody` where no name was written down."""
    who = _actor_name(entry)
    return say(by_person, who=who, **parts) if who else say(by_nobody, **parts)


def _person_action(entry: TimelineEntry) -> EventWording | None:
    """What a person asked for, or what became of it."""
    describe = _PERSON_ACTIONS.get(_parse_text(entry.details.get("what")))
    return describe(entry) if describe else None


def _failure_reason(details: Mapping[str, Any]) -> Sentence:
    kind, code = _parse_text(details.get("kind")), _parse_text(details.get("code"))
    return failure_reason(kind, code, _parse_int(details.get("http")))


def _failure_notes(entry: TimelineEntry) -> tuple[Sentence, ...]:
    """Why a call failed, and what Aitronos said of it."""
    reason = _failure_reason(entry.details)
    said = quoted_message(_parse_text(entry.details.get("message")))
    ids = call_ids(entry.details)
    return (say(_("{reason}."), reason=reason), said, *ids) if reason else (said, *ids)


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
    outcome = _parse_text(entry.details.get("outcome"))
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
        if (number := _parse_int(entry.details.get(name))) is not None
    )
    return (say(_("{counts}."), counts=Phrases(counts, ", ")),) if counts else ()


def _connector_name(entry: TimelineEntry) -> Text:
    names = (_parse_text(entry.details.get(part), 120) for part in ("name", "tool"))
    return next(filter(None, names), _("a connector"))


# By whether it was a full sync.
_REQUESTED_SYNCS: Final[Mapping[bool, tuple[Text, Text]]] = {
    True: (_("{who} asked for a full sync."), _("Somebody asked for a full sync.")),
    False: (_("{who} asked for a sync."), _("Somebody asked for a sync.")),
}
# By whether the connector was to be on.
_REQUESTED_TOGGLES: Final[Mapping[bool, tuple[Text, Text]]] = {
    True: (_("{who} asked to switch {name} on."), _("Somebody asked to switch {name} on.")),
    False: (_("{who} asked to switch {name} off."), _("Somebody asked to switch {name} off.")),
}


def _toggle_requested(entry: TimelineEntry) -> EventWording:
    texts = _REQUESTED_TOGGLES[entry.details.get("enable") is True]
    return EventWording(_by(entry, *texts, name=_connector_name(entry)), "user")


_FINISHED_TOGGLES: Final[Mapping[tuple[str, bool], Text]] = {
    (_DONE, True): _("{name} was switched on."),
    (_DONE, False): _("{name} was switched off."),
    (_REFUSED, True): _("{name} was not switched on."),
    (_REFUSED, False): _("{name} was not switched off."),
    (_UNCLEAR, True): _("It is not known whether {name} was switched on."),
    (_UNCLEAR, False): _("It is not known whether {name} was switched off."),
}


def _toggle_finished(entry: TimelineEntry) -> EventWording | None:
    outcome = _parse_text(entry.details.get("outcome"))
    text = _FINISHED_TOGGLES.get((outcome, entry.details.get("enable") is True))
    if text is None:
        return None
    who, notes = _actor_name(entry), _failure_notes(entry)
    if who:
        notes = (*notes, say(_("Asked for by {who}."), who=who))
    words = say(text, name=_connector_name(entry))
    if outcome == _DONE:
        return EventWording(words, "tools", QUIET, notes)
    return EventWording(words, "alert-triangle", WARN, notes)


_PERSON_ACTIONS: Final[Mapping[str, Callable[[TimelineEntry], EventWording | None]]] = {
    "check": lambda entry: EventWording(
        _by(entry, _("{who} asked for a check."), _("Somebody asked for a check.")), "eye"
    ),
    "sync": lambda entry: EventWording(
        _by(entry, *_REQUESTED_SYNCS[entry.details.get("full") is True]), "user"
    ),
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
