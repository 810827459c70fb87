"""The timeline of an organisation or of one key: by day, newest first, each event a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.sync.ahead import WRITTEN_AHEAD
from freddy_admin.sync.history.timeline import GROUPS, TimelineEntry, TimelinePage
from freddy_admin.web.past_query import PastQuery
from freddy_admin.web.presenters.choices import Choice
from freddy_admin.web.presenters.rows import mark_of
from freddy_admin.web.presenters.story import say
from freddy_admin.web.presenters.timeline.event_words import event_said
from freddy_admin.web.presenters.times import Reading

PART = "timeline"
# Above this a list of all keys is no help: each key's own page has its timeline.
KEYS_OFFERED = 100
_AT_ONCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class EventView:
    """One line; `key_label` only where the page shows several keys."""

    icon: str
    tone: str
    words: SafeString
    note: SafeString
    when: SafeString
    key_label: str
    key_href: str


@dataclass(frozen=True, slots=True)
class Places:
    """Whose events these are: the organisation, and its keys by their ids."""

    slug: str
    keys: Mapping[int, str]
    named: bool

    def tells_apart(self, entry: TimelineEntry) -> bool:
        """Whether the line has to name its key."""
        other = len(self.keys) > 1 or entry.key_id not in self.keys
        return self.named and other and entry.key_id is not None


@dataclass(frozen=True, slots=True)
class Day:
    """The events of one day, in the reader's zone."""

    name: str
    events: list[EventView]


@dataclass(frozen=True, slots=True)
class TimelineView:
    """The part of the page; `shows` and `keys` are what it can be narrowed to."""

    anchor: str
    mark: str
    days: list[Day]
    shows: list[Choice]
    keys: list[Choice]
    path: str
    carried: list[tuple[str, str]]
    narrowed: bool
    clear: str
    newer: str
    older: str
    page: int


def timeline_view(
    found: TimelinePage, query: PastQuery, on: Reading, *, slug: str, keys: Mapping[int, str]
) -> TimelineView:
    """One page of events; `keys` are the labels of those the page is about, by their ids."""
    page, today = found.filters.page, on.now.astimezone(on.zone).date()
    offered = [] if query.of_one_key else _keys(keys, found)
    asked = ("show", "key", "events") if offered else ("show", "events")
    return TimelineView(
        anchor=PART,
        mark=mark_of(found, today, *offered),
        days=_days(found.entries, on, Places(slug, keys, named=not query.of_one_key)),
        shows=_shows(found.filters.show),
        keys=offered,
        path=f"{query.path}#{PART}",
        carried=query.carried(*asked),
        narrowed=query.is_narrowed,
        clear=query.address(PART, show="", key="", events=1),
        newer=query.address(PART, events=page - 1) if page > 1 else "",
        older=query.address(PART, events=page + 1) if found.more else "",
        page=page,
    )


def _days(entries: tuple[TimelineEntry, ...], on: Reading, places: Places) -> list[Day]:
    by_day = groupby(entries, key=lambda entry: on.day(entry.at))
    return [Day(name, [_event(one, on, places) for one in events]) for name, events in by_day]


def _event(entry: TimelineEntry, on: Reading, places: Places) -> EventView:
    # Times within a sentence name their day only where it is not the event's own.
    that_day = replace(on, now=entry.at)
    said = event_said(entry, that_day)
    named = places.tells_apart(entry)
    return EventView(
        icon=said.icon,
        tone=said.tone,
        words=said.words,
        note=_noted(said.note, entry, that_day),
        when=on.of_day(entry.at),
        key_label=entry.key_label if named else "",
        key_href=reverse("key", args=[places.slug, entry.key_id]) if named else "",
    )


def _noted(note: SafeString, entry: TimelineEntry, on: Reading) -> SafeString:
    if entry.details.get(WRITTEN_AHEAD) or clock.is_ahead(entry.noticed_at):
        ahead = say(_("Written while the clock was ahead."))
        return format_html("{} {}", note, ahead) if note else ahead
    if entry.noticed_at - entry.at <= _AT_ONCE:
        return note
    noticed = say(_("Noticed at {at}."), at=on.stamp(entry.noticed_at))
    return format_html("{} {}", note, noticed) if note else noticed


def _shows(chosen: str) -> list[Choice]:
    words = {
        "syncs": _("Syncs"),
        "schedule": _("Schedule"),
        "tools": _("Tools"),
        "failures": _("Failed checks"),
        "states": _("States"),
        "people": _("People"),
    }
    return [Choice(word, words.get(word, word), word == chosen) for word in GROUPS]


def _keys(keys: Mapping[int, str], found: TimelinePage) -> list[Choice]:
    """The keys to choose from; one that is not watched any more where it is the chosen one."""
    chosen = found.filters.key_id
    labels = dict(keys) | {one.key_id: one.key_label for one in found.entries if chosen}
    if not 1 < len(labels) <= KEYS_OFFERED:
        return []
    return [Choice(str(pk), label, pk == chosen) for pk, label in labels.items()]
