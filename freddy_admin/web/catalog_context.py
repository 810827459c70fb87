"""What the pages of a catalog share: the organisation, one of its keys, and the catalog's state.

Opening such a page is what has an old catalog fetched anew.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.http import HttpRequest

from freddy_admin.core import clock
from freddy_admin.organisations.access import Access
from freddy_admin.sync.catalog.selectors import CatalogKey, catalog_key_list
from freddy_admin.sync.catalog.services import catalog_request_refresh, catalog_state_get
from freddy_admin.sync.catalog.types import CatalogState
from freddy_admin.sync.models import CatalogKind
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.selectors import key_not_found
from freddy_admin.web.catalog_query import CatalogQuery, parse_catalog_query
from freddy_admin.web.views.organisations import check_requested_since
from freddy_admin.wording.times import UserTime, get_user_time


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
