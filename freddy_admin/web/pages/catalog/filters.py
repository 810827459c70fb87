"""Which part of a catalog the address asks for: the key, the search, a category, the page."""

from dataclasses import dataclass
from typing import Any

from freddy_admin.web.query_params import QueryParams, number_param, page_param, text_param


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
        return CATALOG_PARAMS.is_narrowed(self)

    def build_url(self, path: str, **changes: Any) -> str:
        """The URL of this query with changes; any change leads back to the first page."""
        return CATALOG_PARAMS.build_url(self, path, **changes)


CATALOG_PARAMS = QueryParams(
    CatalogQuery,
    key=number_param("key", is_filter=False),
    q=text_param("q"),
    category=text_param("category"),
    page=page_param(largest=1_000),
)
