"""The history in the address: its time window, and which events are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from freddy_admin.sync.history.timeline import EVENT_GROUPS, TimelineFilters
from freddy_admin.web.query_params import QueryParams, choice_param, number_param


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A window; `word` stands in the address, `share_text` says how much of it was on time."""

    word: str
    length: timedelta
    name: str | Promise
    short: str | Promise
    share_text: str | Promise


DAY_WINDOW = TimeWindow(
    word="day",
    length=timedelta(days=1),
    name=_("Last 24 hours"),
    short=_("24 hours"),
    share_text=_("{on_time} on time, measured {measured} of the day"),
)
WEEK_WINDOW = TimeWindow(
    word="week",
    length=timedelta(days=7),
    name=_("Last 7 days"),
    short=_("7 days"),
    share_text=_("{on_time} on time, measured {measured} of the week"),
)
MONTH_WINDOW = TimeWindow(
    word="month",
    length=timedelta(days=30),
    name=_("Last 30 days"),
    short=_("30 days"),
    share_text=_("{on_time} on time, measured {measured} of the 30 days"),
)
TIME_WINDOWS = (DAY_WINDOW, WEEK_WINDOW, MONTH_WINDOW)


def time_window_get(word: str) -> TimeWindow:
    """The window with this word; the month for any other."""
    return next((window for window in TIME_WINDOWS if window.word == word), MONTH_WINDOW)


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """The parameters of the history; `other_params` is the rest of the query string."""

    path: str
    other_params: str = ""
    is_key_page: bool = False  # the page is that of one key: `key_id` is no filter
    window: str = MONTH_WINDOW.word
    group: str = ""
    key_id: int | None = None
    page: int = 1

    @property
    def filters(self) -> TimelineFilters:
        """Which events are asked for."""
        return TimelineFilters(self.group, self.key_id, self.page)

    @property
    def is_narrowed(self) -> bool:
        """Whether less is asked for than all events, the newest first."""
        return self._params.is_narrowed(self)

    def build_url(self, part: str, **changes: str | int | None) -> str:
        """The URL of a part of this page (its anchor) with these changes."""
        query = urlencode(self._pairs(changes))
        return f"{self.path}?{query}#{part}" if query else f"{self.path}#{part}"

    def hidden_fields(self, *without: str) -> list[tuple[str, str]]:
        """Names and values for a form's hidden fields, but for those it asks for itself."""
        return [(name, value) for name, value in self._pairs({}) if name not in without]

    @property
    def _params(self) -> "QueryParams[HistoryQuery]":
        return KEY_HISTORY_PARAMS if self.is_key_page else HISTORY_PARAMS

    def _pairs(self, changes: Mapping[str, str | int | None]) -> list[tuple[str, str]]:
        return [*parse_qsl(self.other_params), *self._params.pairs(self, **changes)]


_WINDOW = choice_param(
    "over", [window.word for window in TIME_WINDOWS], default=MONTH_WINDOW.word, is_filter=False
)
_GROUP, _PAGE = choice_param("show", EVENT_GROUPS), number_param("events", 10_000, default=1)
HISTORY_PARAMS = QueryParams(
    HistoryQuery, window=_WINDOW, group=_GROUP, key_id=number_param("key"), page=_PAGE
)
KEY_HISTORY_PARAMS = QueryParams(HistoryQuery, window=_WINDOW, group=_GROUP, page=_PAGE)
