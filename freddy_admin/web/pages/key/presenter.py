"""A key's own page: its card, or its candidate, and its timeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from freddy_admin.organisations.access import Access
from freddy_admin.sync.history.timeline import KeyHistory
from freddy_admin.sync.models import RemoteOperation
from freddy_admin.sync.status.rows import KeyRow, own_move_count
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.selectors import candidate_find
from freddy_admin.web.components import banner_context
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.history.filters import HistoryQuery
from freddy_admin.web.pages.history.presenter import TIMELINE_ANCHOR, history_section
from freddy_admin.web.pages.key.candidate import candidate_context, candidate_digest
from freddy_admin.web.pages.key.card import key_card, key_card_digest
from freddy_admin.wording.refused_alike import refused_notices
from freddy_admin.wording.times import UserTime

_TEST_PASSED_SHOWN_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class KeyPage:
    """A key's own page, for one person and one moment.

    It shows a card for a key in use, a candidate for one under test, neither for a revoked one.
    """

    access: Access
    key: ApiKey
    row: KeyRow | None
    timeline: Mapping[str, Any] | None
    user_time: UserTime
    requested_at: datetime | None

    def digests(self) -> dict[str, str]:
        """Anchor → digest of the timeline, and "all" for everything else."""
        key, candidate = self.key, candidate_find(key=self.key)
        digest = values_digest(
            self.row
            and key_card_digest(self.row, key, self.user_time, requested_at=self.requested_at),
            candidate and candidate_digest(key, candidate, self.access.permissions),
            (key.status, key.version, key.label),
            self._is_test_just_passed(),
            self.timeline is not None,
        )
        timeline = {TIMELINE_ANCHOR: self.timeline["digest"]} if self.timeline else {}
        return {"all": digest} | timeline

    def context(
        self,
        query: HistoryQuery,
        operations: Mapping[int, RemoteOperation],
        histories: Mapping[int, KeyHistory],
    ) -> dict[str, Any]:
        """The whole page."""
        key, row, user_time = self.key, self.row, self.user_time
        candidate, permissions = candidate_find(key=key), self.access.permissions
        return {
            "organisation": self.access.organisation,
            "key": key,
            "needs_you": own_move_count([row] if row else []),
            "banners": [
                banner_context(notice, user_time)
                for notice in refused_notices([row] if row else [], user_time.now)
            ],
            "card": row
            and key_card(
                row,
                key,
                user_time,
                requested_at=self.requested_at,
                operation=operations.get(key.pk),
            )
            | {"history": history_section(histories[key.pk], query, user_time)},
            "candidate": candidate
            and candidate_context(key, candidate, user_time, permissions=permissions, row=row),
            "revoked_ago": user_time.render_ago(key.revoked_at)
            if key.status == KeyLifecycle.REVOKED and key.revoked_at
            else "",
            "is_test_just_passed": self._is_test_just_passed(),
            "timeline": self.timeline,
        }

    def _is_test_just_passed(self) -> bool:
        """Whether the test of this key has passed within the last minutes."""
        row, stored_at = self.row, self.key.secret_set_at
        if candidate_find(key=self.key) or row is None or row.error or stored_at is None:
            return False
        is_recent = self.user_time.now - stored_at < _TEST_PASSED_SHOWN_FOR
        return is_recent and row.observed_at is not None and not row.figures_are_former
