"""What a person looks at: one list of one key of the organisation, or nothing where there is none.

Looking is what has an old list fetched anew.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.http import HttpRequest

from freddy_admin.core import clock
from freddy_admin.organisations.access import Access
from freddy_admin.sync.lists.reads import ListingKey, listing_keys
from freddy_admin.sync.lists.rows import ListingState
from freddy_admin.sync.lists.services import listing_ask, listing_state
from freddy_admin.sync.models import ListingKind
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.selectors import key_not_found
from freddy_admin.web.list_query import ListQuery, list_query
from freddy_admin.web.presenters.times import Reading, reading
from freddy_admin.web.views.organisations import asked_at


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks at what, and when; `key` is None where the organisation has none in use."""

    access: Access
    query: ListQuery
    keys: list[ApiKey]
    key: ApiKey | None
    state: ListingState
    on: Reading
    asked: datetime | None  # when this person pressed *Check now*


def list_look(request: HttpRequest, access: Access, kind: ListingKind) -> Look:
    """The key that the address names, else the first that works; raises NotFound for others'."""
    now, query = clock.now(), list_query(request.GET)
    keys = listing_keys(organisation=access.organisation)
    key = _chosen(keys, query.key)
    state = ListingState(kind)
    if key is not None:
        find = listing_state if request.method == "HEAD" else partial(listing_ask, now=now)
        state = find(organisation=access.organisation, key=key, kind=kind)
    return Look(
        access=access,
        query=query,
        keys=[one.key for one in keys],
        key=key,
        state=state,
        on=reading(now),
        asked=asked_at(request),
    )


def _chosen(keys: list[ListingKey], wanted: int | None) -> ApiKey | None:
    if wanted is not None:
        named = next((one.key for one in keys if one.key.pk == wanted), None)
        if named is None:
            raise key_not_found()
        return named
    working = [one.key for one in keys if one.works]
    return next(iter(working or [one.key for one in keys]), None)
