"""The row of a person's own views above the overview, and the offer to keep the present one."""

from dataclasses import dataclass

from django.urls import reverse

from freddy_admin.accounts.models import SavedView
from freddy_admin.sync.rows import Filters
from freddy_admin.web.filters import kept_address


@dataclass(frozen=True, slots=True)
class KeptView:
    """A link, and where its removal is sent."""

    name: str
    href: str
    removal: str
    current: bool


@dataclass(frozen=True, slots=True)
class SavedViewsRow:
    """`query` is the present address as it would be kept; `offers` where it is not yet."""

    kept: list[KeptView]
    query: str
    offers: bool


def saved_views_row(kept: list[SavedView], filters: Filters, path: str) -> SavedViewsRow:
    """What to show above the overview of these filters."""
    query = kept_address(filters)
    views = [
        KeptView(
            name=view.name,
            href=f"{path}?{view.query}",
            removal=reverse("view_remove", args=[view.pk]),
            # Keys that report the same are no view: nobody keeps what the next sync changes.
            current=view.query == query and not filters.same,
        )
        for view in kept
    ]
    offers = bool(query) and not filters.same and not any(view.current for view in views)
    return SavedViewsRow(kept=views, query=query, offers=offers)
