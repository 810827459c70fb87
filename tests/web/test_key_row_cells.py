"""The cells of a key's row say what their heads promise, also where a time is on the wrong side."""

import re
from datetime import UTC, timedelta

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.web.components import key_row_digests, render_key_rows
from freddy_admin.wording.times import UserTime
from tests.wording.key_rows import HOUR, NOW, key_row, sync_figures

LISTED = {
    "key_label": "Main",
    "key_version": 1,
    "organisation_name": "Alder",
    "keys_in_organisation": 1,
    "owner_name": "",
    "organization_id": "",
    "environment": "default",
}


def cell_text(row: KeyRow, cell: str) -> str:
    html = render_key_rows([row], UserTime(NOW, UTC), key_row_digests([row]))
    found = re.search(rf'<td data-label="[^"]*" class="c-{cell}">(.*?)</td>', html)
    assert found
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", found[1])).strip()


def row_due(ago: timedelta, state: HealthState) -> KeyRow:
    figures = sync_figures(last_sync_at=NOW - ago - HOUR, next_sync_at=NOW - ago)
    return key_row(state, figures=figures, **LISTED)


def test_a_sync_that_is_overdue_is_missed_and_not_expected() -> None:
    assert cell_text(row_due(48 * HOUR, HealthState.OVERDUE), "due") == "missed 2 days ago"


def test_a_sync_that_is_late_or_not_known_was_due() -> None:
    assert cell_text(row_due(HOUR / 6, HealthState.LATE), "due") == "was due 10 min ago"
    assert cell_text(row_due(3 * HOUR, HealthState.UNKNOWN), "due") == "was due 3 h ago"


def test_a_sync_to_come_is_expected() -> None:
    assert cell_text(row_due(-HOUR / 2, HealthState.UP_TO_DATE), "due") == "in 30 min"


def test_a_row_is_drawn_anew_when_its_sync_falls_due() -> None:
    before = row_due(timedelta(seconds=-1), HealthState.UP_TO_DATE)
    figures = before.figures
    after = key_row(figures=figures, **LISTED | {"now": NOW + timedelta(seconds=2)})
    assert key_row_digests([before]) != key_row_digests([after])


def test_a_last_sync_in_the_future_is_said_to_be_one() -> None:
    figures = sync_figures(last_sync_at=NOW + 3 * HOUR, next_sync_at=NOW + 4 * HOUR)
    row = key_row(HealthState.UNKNOWN, figures=figures, **LISTED)
    assert cell_text(row, "last") == "in 3 h lies in the future"


def test_a_last_sync_within_the_tolerance_of_clocks_is_just_now() -> None:
    figures = sync_figures(last_sync_at=NOW + timedelta(minutes=3), next_sync_at=NOW + HOUR)
    assert cell_text(key_row(figures=figures, **LISTED), "last") == "just now"
