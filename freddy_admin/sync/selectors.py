"""What pages, exports and the JSON API read. Nothing here calls the API."""
from collections.abc import Iterator
from datetime import datetime

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.rows import Filters, KeyRow, Overview

PAGE_SIZE = 50
SORTS = ("state", "organisation", "last", "next", "tools", "checked")


def overview_page(*, user: User, filters: Filters, now: datetime) -> Overview:
    """One page of the keys this person may see; a constant number of queries (at most 4)."""
    raise NotImplementedError


def overview_rows(*, user: User, filters: Filters, now: datetime) -> Iterator[KeyRow]:
    """All pages of the same, for exports and the JSON API."""
    raise NotImplementedError


def organisation_rows(*, user: User, organisation: Organisation, now: datetime) -> list[KeyRow]:
    """The active keys of one organisation, worst first."""
    raise NotImplementedError
