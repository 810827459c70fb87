"""Which part of a catalog the address asks for: the key, the search, a category, the page."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict

from freddy_admin.core import clock
from freddy_admin.organisations.access import Access
from freddy_admin.sync.catalog.selectors import CatalogKey, catalog_key_list
from freddy_admin.sync.catalog.services import catalog_request_refresh, catalog_state_get
from freddy_admin.sync.catalog.types import CatalogState
from freddy_admin.sync.models import CatalogKind
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.selectors import key_not_found
from freddy_admin.web.htmx import check_requested_since
from freddy_admin.wording.times import UserTime, get_user_time

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


@dataclass(frozen=True, slots=True)
class CatalogContext:
    """The request for one catalog; `key` is None where the organisation has none in use."""

    access: Access
    query: CatalogQuery
    keys: list[ApiKey]
    key: ApiKey | None
    state: CatalogState
    user_time: UserTime
    check_requested_at: datetime | None  # when this user pressed *Check now*


def get_catalog_context_and_request_refresh(
    request: HttpRequest, access: Access, kind: CatalogKind
) -> CatalogContext:
    """The context for the key in the address, else for the first that works.

    Raises NotFound for a key that is not in use in this organisation.
    """
    now, query = clock.now(), parse_catalog_query(request.GET)
    keys = catalog_key_list(organisation=access.organisation)
    key = _select_key(keys, query.key)
    state = CatalogState(kind)
    if key is not None:
        get_state = (
            catalog_state_get
            if request.method == "HEAD"
            else partial(catalog_request_refresh, now=now)
        )
        state = get_state(organisation=access.organisation, key=key, kind=kind)
    return CatalogContext(
        access=access,
        query=query,
        keys=[catalog_key.key for catalog_key in keys],
        key=key,
        state=state,
        user_time=get_user_time(now),
        check_requested_at=check_requested_since(request),
    )


def _select_key(keys: list[CatalogKey], key_id: int | None) -> ApiKey | None:
    if key_id is not None:
        key = next((catalog_key.key for catalog_key in keys if catalog_key.key.pk == key_id), None)
        if key is None:
            raise key_not_found()
        return key
    working = [catalog_key.key for catalog_key in keys if catalog_key.is_working]
    return next(iter(working or [catalog_key.key for catalog_key in keys]), None)
