"""The timeline of an organisation or of one key: by day, newest first, each event a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.history.timeline import EVENT_GROUPS, TimelineEntry, TimelinePage
from freddy_admin.web.components import SelectOption
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.history.filters import HistoryQuery
from freddy_admin.wording.events import event_wording
from freddy_admin.wording.sentences import render_html
from freddy_admin.wording.times import UserTime

TIMELINE_ANCHOR = "timeline"
# Above this a list of all keys is no help: each key's own page has its timeline.
KEY_OPTIONS_LIMIT = 100


@dataclass(frozen=True, slots=True)
class TimelineEventRow:
    """One line; `key_label` only where the page shows several keys."""

    icon: str
    tone: str
    words: SafeString
    note: SafeString
    time: SafeString
    key_label: str
    key_href: str


@dataclass(frozen=True, slots=True)
class TimelineKeys:
    """The organisation of a timeline, and the labels of its keys by their ids."""

    slug: str
    keys: Mapping[int, str]
    shows_key_label: bool

    def needs_key_label(self, entry: TimelineEntry) -> bool:
        """Whether the row has to name its key."""
        has_other_key = len(self.keys) > 1 or entry.key_id not in self.keys
        return self.shows_key_label and has_other_key and entry.key_id is not None


@dataclass(frozen=True, slots=True)
class TimelineDay:
    """The events of one day, in the user's zone."""

    name: str
    events: list[TimelineEventRow]


@dataclass(frozen=True, slots=True)
class TimelineSection:
    """One page of the timeline; `kind_options` and `keys` are its filters."""

    anchor: str
    digest: str
    days: list[TimelineDay]
    kind_options: list[SelectOption]
    keys: list[SelectOption]
    path: str
    hidden_fields: list[tuple[str, str]]
    narrowed: bool
    clear_url: str
    newer: str
    older: str
    page: int


def timeline_section(
    timeline_page: TimelinePage,
    query: HistoryQuery,
    user_time: UserTime,
    *,
    slug: str,
    keys: Mapping[int, str],
) -> TimelineSection:
    """One page of events; `keys` are the labels of those the page is about, by their ids."""
    page, today = timeline_page.filters.page, user_time.now.astimezone(user_time.zone).date()
    key_options = [] if query.is_key_page else _key_options(keys, timeline_page)
    form_fields = ("show", "key", "events") if key_options else ("show", "events")
    return TimelineSection(
        anchor=TIMELINE_ANCHOR,
        digest=values_digest(timeline_page, today, *key_options),
        days=_timeline_days(
            timeline_page.entries,
            user_time,
            TimelineKeys(slug, keys, shows_key_label=not query.is_key_page),
        ),
        kind_options=_event_kind_options(timeline_page.filters.group),
        keys=key_options,
        path=f"{query.path}#{TIMELINE_ANCHOR}",
        hidden_fields=query.hidden_fields(*form_fields),
        narrowed=query.is_narrowed,
        clear_url=query.build_url(TIMELINE_ANCHOR, show="", key="", events=1),
        newer=query.build_url(TIMELINE_ANCHOR, events=page - 1) if page > 1 else "",
        older=query.build_url(TIMELINE_ANCHOR, events=page + 1) if timeline_page.has_older else "",
        page=page,
    )


def _timeline_days(
    entries: tuple[TimelineEntry, ...], user_time: UserTime, timeline_keys: TimelineKeys
) -> list[TimelineDay]:
    by_day = groupby(entries, key=lambda entry: user_time.format_day_heading(entry.at))
    return [
        TimelineDay(
            name,
            [_timeline_event_row(event_entry, user_time, timeline_keys) for event_entry in events],
        )
        for name, events in by_day
    ]


def _timeline_event_row(
    entry: TimelineEntry, user_time: UserTime, timeline_keys: TimelineKeys
) -> TimelineEventRow:
    # Times within a sentence name their day only where it is not the event's own.
    that_day = replace(user_time, now=entry.at)
    wording = event_wording(entry)
    shows_key_label = timeline_keys.needs_key_label(entry)
    return TimelineEventRow(
        icon=wording.icon,
        tone=wording.tone,
        words=render_html(wording.words, that_day),
        note=render_html(wording.notes, that_day),
        time=user_time.render_time_of_day(entry.at),
        key_label=entry.key_label if shows_key_label else "",
        key_href=reverse("key", args=[timeline_keys.slug, entry.key_id]) if shows_key_label else "",
    )


def _event_kind_options(selected_group: str) -> list[SelectOption]:
    words = {
        "syncs": _("Syncs"),
        "schedule": _("Schedule"),
        "tools": _("Tools"),
        "failures": _("Failed checks"),
        "states": _("States"),
        "people": _("People"),
    }
    return [
        SelectOption(group, words.get(group, group), group == selected_group)
        for group in EVENT_GROUPS
    ]


def _key_options(keys: Mapping[int, str], timeline_page: TimelinePage) -> list[SelectOption]:
    """The keys to choose from; one that is not watched any more where it is the chosen one."""
    selected_key_id = timeline_page.filters.key_id
    labels = dict(keys) | {
        entry.key_id: entry.key_label for entry in timeline_page.entries if selected_key_id
    }
    if not 1 < len(labels) <= KEY_OPTIONS_LIMIT:
        return []
    return [SelectOption(str(pk), label, pk == selected_key_id) for pk, label in labels.items()]
