"""The row of a person's own views above the overview, and the offer to keep the present one."""

from dataclasses import dataclass

from django.urls import reverse

from freddy_admin.accounts.models import SavedView
from freddy_admin.sync.status.types import OverviewFilters
from freddy_admin.web.overview_query import saved_view_query_from_filters


@dataclass(frozen=True, slots=True)
class SavedViewLink:
    """The link of a saved view, and where its deletion is sent."""

    name: str
    href: str
    delete_url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class SavedViewBar:
    """`query` is the present address as it would be saved; `can_save` where it is not yet."""

    saved_views: list[SavedViewLink]
    query: str
    can_save: bool


def saved_view_bar(
    saved_views: list[SavedView], filters: OverviewFilters, path: str
) -> SavedViewBar:
    """What to show above the overview of these filters."""
    query = saved_view_query_from_filters(filters)
    links = [
        SavedViewLink(
            name=view.name,
            href=f"{path}?{view.query}",
            delete_url=reverse("saved_view_delete", args=[view.pk]),
            # Keys that report the same are no view: nobody keeps what the next sync changes.
            is_current=view.query == query and not filters.figures_digest,
        )
        for view in saved_views
    ]
    can_save = (
        bool(query) and not filters.figures_digest and not any(view.is_current for view in links)
    )
    return SavedViewBar(saved_views=links, query=query, can_save=can_save)
