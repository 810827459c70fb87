"""Which part of a catalog the address asks for: the key, the search, a category, the page."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

TEXT_LIMIT = 100
PAGE_LIMIT = 1_000
LARGEST_KEY_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CatalogQuery:
    """The parameters of the address; `key` is None where it names no key."""

    key: int | None = None
    q: str = ""
    category: str = ""
    page: int = 1

    @property
    def is_narrowed(self) -> bool:
        """Whether something is searched or filtered."""
        return bool(self.q or self.category)

    def build_url(self, path: str, **changes: Any) -> str:
        """The URL of this query with changes; any change leads back to the first page."""
        query = replace(self, **({"page": 1} | changes))
        query_params = {
            "key": str(query.key or ""),
            "q": query.q,
            "category": query.category,
            "page": "" if query.page == 1 else str(query.page),
        }
        query_string = urlencode({name: value for name, value in query_params.items() if value})
        return f"{path}?{query_string}" if query_string else path


def parse_catalog_query(values: QueryDict) -> CatalogQuery:
    """The query in the address; values that are not valid are ignored."""
    return CatalogQuery(
        key=_parse_positive_int(values.get("key", ""), LARGEST_KEY_ID),
        q=_clean_text(values.get("q", "")),
        category=_clean_text(values.get("category", "")),
        page=_parse_positive_int(values.get("page", ""), PAGE_LIMIT) or 1,
    )


def _clean_text(value: str) -> str:
    return "".join(character for character in value if character.isprintable()).strip()[:TEXT_LIMIT]


def _parse_positive_int(value: str, largest: int) -> int | None:
    if not value.isascii() or not value.isdigit() or len(value) > 19:
        return None
    return number if 0 < (number := int(value)) <= largest else None
