"""The page of one key, ready for its template."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.rows import KeyRow
from freddy_admin.vault.models import ApiKey, KeyStatus
from freddy_admin.vault.selectors import candidate_of
from freddy_admin.web.presenters.candidates import CandidateView, candidate_view
from freddy_admin.web.presenters.panels import Panel, panel
from freddy_admin.web.presenters.rows import mark_of
from freddy_admin.web.presenters.timeline.view import TimelineView
from freddy_admin.web.presenters.times import Reading


@dataclass(frozen=True, slots=True)
class KeyView:
    """A panel for a key in use, a candidate for one under test, neither for a revoked one."""

    label: str
    needs_you: int
    panel: Panel | None
    candidate: CandidateView | None
    revoked: str
    works: bool
    manages: bool
    marks: dict[str, str]
    timeline: TimelineView | None = None


def key_view(
    access: Access, key: ApiKey, row: KeyRow | None, on: Reading, *, asked: datetime | None
) -> KeyView:
    """The page for one person and one moment."""
    manages = access.allows(Permission.MANAGE_KEYS)
    found = candidate_of(key=key)
    shown = panel(row, key, on, asked=asked) if row else None
    candidate = (
        candidate_view(key, found, on, permissions=access.permissions, row=row) if found else None
    )
    revoked = key.status == KeyStatus.REVOKED and key.revoked_at is not None
    works = _just_tested(key, row, found is not None, on)
    marks = {
        "all": mark_of(
            shown and shown.mark,
            candidate and candidate.mark,
            key.status,
            key.version,
            key.label,
            works,
        )
    }
    return KeyView(
        label=key.label,
        needs_you=int(row is not None and row.wants_somebody),
        panel=shown,
        candidate=candidate,
        revoked=on.ago(key.revoked_at) if revoked and key.revoked_at else "",
        works=works,
        manages=manages,
        marks=marks,
    )


def _just_tested(key: ApiKey, row: KeyRow | None, waiting: bool, on: Reading) -> bool:
    """Whether the test of this key has just ended well: that is said once, for a few minutes."""
    if waiting or row is None or row.error is not None or key.secret_set_at is None:
        return False
    fresh = on.now - key.secret_set_at < timedelta(minutes=10)
    return fresh and row.observed_at is not None and not row.figures_are_former
