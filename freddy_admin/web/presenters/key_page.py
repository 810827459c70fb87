"""The page of one key, ready for its template."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.selectors import candidate_find
from freddy_admin.web.presenters.key_candidate_card import CandidateCard, candidate_card
from freddy_admin.web.presenters.key_card import KeyCard, key_card
from freddy_admin.web.presenters.key_rows import values_digest
from freddy_admin.web.presenters.timeline.timeline_section import TimelineSection
from freddy_admin.wording.times import UserTime


@dataclass(frozen=True, slots=True)
class KeyPageContext:
    """A card for a key in use, a candidate for one under test, neither for a revoked one."""

    label: str
    needs_you: int
    card: KeyCard | None
    candidate: CandidateCard | None
    revoked_ago: str
    is_test_just_passed: bool
    can_manage: bool
    digests: dict[str, str]
    timeline: TimelineSection | None = None


def key_page_context(
    access: Access,
    key: ApiKey,
    row: KeyRow | None,
    user_time: UserTime,
    *,
    check_requested_at: datetime | None,
) -> KeyPageContext:
    """The page for one person and one moment."""
    can_manage = access.allows(Permission.MANAGE_KEYS)
    key_candidate = candidate_find(key=key)
    card = key_card(row, key, user_time, check_requested_at=check_requested_at) if row else None
    candidate = (
        candidate_card(key, key_candidate, user_time, permissions=access.permissions, row=row)
        if key_candidate
        else None
    )
    is_revoked = key.status == KeyLifecycle.REVOKED and key.revoked_at is not None
    is_test_just_passed = _is_test_just_passed(key, row, key_candidate is not None, user_time)
    digests = {
        "all": values_digest(
            card and card.digest,
            candidate and candidate.digest,
            key.status,
            key.version,
            key.label,
            is_test_just_passed,
        )
    }
    return KeyPageContext(
        label=key.label,
        needs_you=int(row is not None and row.needs_attention),
        card=card,
        candidate=candidate,
        revoked_ago=user_time.render_ago(key.revoked_at) if is_revoked and key.revoked_at else "",
        is_test_just_passed=is_test_just_passed,
        can_manage=can_manage,
        digests=digests,
    )


def _is_test_just_passed(
    key: ApiKey, row: KeyRow | None, has_candidate: bool, user_time: UserTime
) -> bool:
    """Whether the test of this key has passed within the last minutes."""
    if has_candidate or row is None or row.error is not None or key.secret_set_at is None:
        return False
    is_recent = user_time.now - key.secret_set_at < timedelta(minutes=10)
    return is_recent and row.observed_at is not None and not row.figures_are_former
