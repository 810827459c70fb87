"""Which part of a list is looked at, in the address: the key, the search, a category, the page."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

LONGEST = 100
PAGE_LIMIT = 1_000
KEY_LIMIT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What the address asks for; `key` is None where it names no key."""

    key: int | None = None
    q: str = ""
    category: str = ""
    page: int = 1

    @property
    def narrowed(self) -> bool:
        """Whether something is searched or filtered."""
        return bool(self.q or self.category)

    def address(self, path: str, **changes: Any) -> str:
        """The same with changes; any change leads back to the first page."""
        wanted = replace(self, **({"page": 1} | changes))
        pairs = {
            "key": str(wanted.key or ""),
            "q": wanted.q,
            "category": wanted.category,
            "page": "" if wanted.page == 1 else str(wanted.page),
        }
        query = urlencode({name: value for name, value in pairs.items() if value})
        return f"{path}?{query}" if query else path


def list_query(values: QueryDict) -> ListQuery:
    """What was asked for; what no list can be asked for is ignored."""
    return ListQuery(
        key=_number(values.get("key", ""), KEY_LIMIT),
        q=_text(values.get("q", "")),
        category=_text(values.get("category", "")),
        page=_number(values.get("page", ""), PAGE_LIMIT) or 1,
    )


def _text(value: str) -> str:
    return "".join(sign for sign in value if sign.isprintable()).strip()[:LONGEST]


def _number(value: str, most: int) -> int | None:
    if not value.isascii() or not value.isdigit() or len(value) > 19:
        return None
    return number if 0 < (number := int(value)) <= most else None
