"""The page of one organisation, ready for its template."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.rows import Filters, KeyRow
from freddy_admin.sync.states import WORST_FIRST
from freddy_admin.vault.models import ApiKey, KeyStatus
from freddy_admin.vault.selectors import candidate_of
from freddy_admin.web.filters import NEEDS, address, is_narrowed, state_values
from freddy_admin.web.presenters.agreement import DisagreementView, disagreement_view
from freddy_admin.web.presenters.candidates import CandidateView, candidate_view
from freddy_admin.web.presenters.choices import Choice
from freddy_admin.web.presenters.key_list import KeyList
from freddy_admin.web.presenters.panels import Panel, identical_figures, panel
from freddy_admin.web.presenters.rows import RowView, mark_of, row_views
from freddy_admin.web.presenters.timeline.view import TimelineView
from freddy_admin.web.presenters.times import Reading


@dataclass(frozen=True, slots=True)
class ListView:
    """The list of an organisation with many keys."""

    rows: list[RowView]
    path: str
    q: str
    states: list[Choice]
    found: str
    narrowed: bool
    earlier: str
    later: str
    pages: str


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """Everything the page shows; `many` where there are too many keys to show each in full."""

    needs_you: int
    panels: list[Panel]
    many: ListView | None
    drafts: list[CandidateView]
    identical: bool
    disagreement: DisagreementView | None
    manages: bool
    renames: bool
    single: bool
    marks: dict[str, str]
    timeline: TimelineView | None = None


def organisation_view(
    access: Access, found: KeyList, keys: Sequence[ApiKey], on: Reading, *, asked: datetime | None
) -> OrganisationView:
    """The page for one person and one moment; `keys` are those in full, and the drafts."""
    by_id = {key.pk: key for key in keys}
    manages = access.allows(Permission.MANAGE_KEYS)
    rows = [row for row in found.in_full if row.key_id in by_id]
    panels = [panel(row, by_id[row.key_id], on, asked=asked) for row in rows]
    drafts = [
        candidate_view(key, candidate, on, permissions=access.permissions)
        for key in keys
        if key.status == KeyStatus.DRAFT and (candidate := candidate_of(key=key))
    ]
    listed = _list(access, found, on) if found.is_long else None
    parts: list[CandidateView | Panel | RowView]
    parts = [*drafts, *panels, *(listed.rows if listed else [])]
    needs_you = sum(row.wants_somebody for row in found.rows)
    identical = identical_figures(found.rows)
    disagreement = disagreement_view(found.rows, on)
    states = [one.label for one in listed.states] if listed else []
    frame = mark_of(
        access.organisation.name,
        access.permissions,
        [part.anchor for part in parts],
        (needs_you, identical, disagreement, states, found.matching, found.pages),
    )
    return OrganisationView(
        needs_you=needs_you,
        panels=panels,
        many=listed,
        drafts=drafts,
        identical=identical,
        disagreement=disagreement,
        manages=manages,
        renames=access.allows(Permission.RENAME_ORGANISATION),
        single=len(found.rows) + len(drafts) == 1,
        marks={"frame": frame} | {part.anchor: part.mark for part in parts},
    )


def changed_parts(view: OrganisationView, seen: dict[str, str]) -> OrganisationView:
    """The same page with those parts alone that a browser does not show as they are."""

    def news(one: Panel | RowView | CandidateView | TimelineView) -> bool:
        return seen.get(one.anchor) != one.mark

    rows = [one for one in view.many.rows if news(one)] if view.many else []
    return replace(
        view,
        panels=[one for one in view.panels if news(one)],
        drafts=[one for one in view.drafts if news(one)],
        many=replace(view.many, rows=rows) if view.many else None,
        timeline=view.timeline if view.timeline and news(view.timeline) else None,
    )


def _list(access: Access, found: KeyList, on: Reading) -> ListView:
    filters, page = found.filters, found.filters.page
    path = reverse("organisation", args=[access.organisation.slug])
    return ListView(
        rows=row_views(found.shown, on),
        path=path,
        q=filters.q,
        states=_states(found.rows, filters),
        found=_found(found),
        narrowed=is_narrowed(filters),
        earlier=address(filters, path, page=page - 1) if page > 1 else "",
        later=address(filters, path, page=page + 1) if page < found.pages else "",
        pages=_("Page %(page)s of %(pages)s") % {"page": page, "pages": found.pages},
    )


def _states(rows: list[KeyRow], filters: Filters) -> list[Choice]:
    counts, chosen = Counter(row.state for row in rows), state_values(filters.states)
    needing = sum(row.wants_somebody for row in rows)
    choices = [Choice(NEEDS, _numbered(_("Needs you"), needing), NEEDS in chosen)]
    return choices + [
        Choice(state.value, _numbered(str(state.label), counts[state]), state.value in chosen)
        for state in WORST_FIRST
        if counts[state] or state.value in chosen
    ]


def _numbered(word: str, number: int) -> str:
    return f"{word} ({number:,})"


def _found(found: KeyList) -> str:
    total = len(found.rows)
    if is_narrowed(found.filters):
        return _("%(n)s of %(all)s keys") % {"n": f"{found.matching:,}", "all": f"{total:,}"}
    return ngettext("%(n)s key", "%(n)s keys", total) % {"n": f"{total:,}"}
