"""The page of one organisation, ready for its template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.states import roll_up
from freddy_admin.vault.models import ApiKey, KeyStatus
from freddy_admin.vault.selectors import candidate_of
from freddy_admin.web.presenters.candidates import CandidateView, candidate_view
from freddy_admin.web.presenters.panels import Panel, identical_figures, panel
from freddy_admin.web.presenters.rows import RowView, mark_of, row_views
from freddy_admin.web.presenters.states import Pill, pill
from freddy_admin.web.presenters.times import Reading

# More keys than this are a list; each has a page of its own.
PANELS = 4


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """Everything the page shows."""

    pill: Pill | None
    needs_you: int
    panels: list[Panel]
    rows: list[RowView]
    drafts: list[CandidateView]
    identical: bool
    manages: bool
    renames: bool
    pending: bool
    marks: dict[str, str]


def organisation_view(
    access: Access,
    rows: list[KeyRow],
    keys: Sequence[ApiKey],
    on: Reading,
    *,
    asked: datetime | None,
) -> OrganisationView:
    """The page for one person and one moment."""
    by_id = {key.pk: key for key in keys}
    manages = access.allows(Permission.MANAGE_KEYS)
    worst = roll_up([row.state for row in rows])
    panels = [
        panel(row, by_id[row.key_id], on, asked=asked)
        for row in rows[:PANELS]
        if row.key_id in by_id
    ]
    drafts = [
        candidate_view(key, candidate, on, manages=manages)
        for key in keys
        if key.status == KeyStatus.DRAFT and (candidate := candidate_of(key=key))
    ]
    return OrganisationView(
        pill=pill(worst) if worst else None,
        needs_you=sum(row.needs_you for row in rows),
        panels=panels if len(rows) <= PANELS else panels[:1],
        rows=row_views(rows, on) if len(rows) > PANELS else [],
        drafts=drafts,
        identical=identical_figures(rows),
        manages=manages,
        renames=access.allows(Permission.RENAME_ORGANISATION),
        pending=any(row.check_pending for row in rows) or any(one.pending for one in drafts),
        marks={"all": _mark(access, rows, panels, drafts)},
    )


def _mark(
    access: Access, rows: list[KeyRow], panels: list[Panel], drafts: list[CandidateView]
) -> str:
    checks = [row.next_check_at for row in rows]
    parts = [one.mark for one in panels], [one.mark for one in drafts]
    return mark_of(access.organisation.name, [row.key_id for row in rows], checks, *parts)
