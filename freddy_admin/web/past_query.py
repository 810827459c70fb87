"""What the address asks of the past: how far the chart goes back, and which events are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from django.http import QueryDict

from freddy_admin.sync.history.timeline import GROUPS, TimelineFilters
from freddy_admin.web.presenters.history.windows import MONTH, window_named

LAST_PAGE = 10_000
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PastQuery:
    """`kept` is what else stands in the address and is to stay there."""

    path: str
    kept: str
    over: str
    filters: TimelineFilters
    of_one_key: bool = False  # the page is that of a key: its id is no choice

    @property
    def is_narrowed(self) -> bool:
        """Whether less is asked for than everything from now on back."""
        chosen = self.filters.key_id is not None and not self.of_one_key
        return bool(self.filters.show or chosen or self.filters.page > 1)

    def address(self, part: str, **changes: str | int) -> str:
        """The address of a part of this page with these changes."""
        pairs = [*parse_qsl(self.kept), *self._pairs(changes)]
        query = f"?{urlencode(pairs)}" if pairs else ""
        return f"{self.path}{query}#{part}"

    def carried(self, *without: str) -> list[tuple[str, str]]:
        """Names and values that a form sends along, but for those it asks for itself."""
        pairs = [*parse_qsl(self.kept), *self._pairs({})]
        return [(name, value) for name, value in pairs if name not in without]

    def _pairs(self, changes: Mapping[str, str | int]) -> list[tuple[str, str]]:
        values: dict[str, str | int | None] = {
            "over": self.over,
            "show": self.filters.show,
            "key": None if self.of_one_key else self.filters.key_id,
            "events": self.filters.page,
        }
        values |= changes
        usual = {"over": MONTH.word, "events": 1}
        return [
            (name, str(value))
            for name, value in values.items()
            if value and value != usual.get(name)
        ]


def past_query(
    asked: QueryDict, path: str, *, key_id: int | None = None, kept: str = ""
) -> PastQuery:
    """What is asked for; values that are not offered are ignored. `key_id`: that key alone."""
    show = asked.get("show", "")
    filters = TimelineFilters(
        show=show if show in GROUPS else "",
        key_id=key_id or _number(asked.get("key", ""), _LARGEST_ID),
        page=_number(asked.get("events", ""), LAST_PAGE) or 1,
    )
    over = window_named(asked.get("over", "")).word
    return PastQuery(path, kept, over, filters, of_one_key=key_id is not None)


def _number(value: str, most: int) -> int | None:
    if not value.isascii() or not value.isdigit() or len(value) > 19:
        return None
    return number if 0 < (number := int(value)) <= most else None
