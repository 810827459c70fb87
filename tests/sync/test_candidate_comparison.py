"""The rule that tells a pasted key of another organisation from a new one of the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.sync.candidates.comparison import (
    CandidateDifference,
    ReportedFigures,
    candidate_differences,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CURRENT = ReportedFigures(
    total_tools=42,
    last_sync_at=NOON - HOUR,
    interval_hours=4,
    organization_id="org_a",
    reported_at=NOON,
)
NEW = replace(CURRENT, reported_at=NOON + timedelta(minutes=5))


def test_an_equal_report_shows_no_difference() -> None:
    assert candidate_differences(CURRENT, NEW) == ()
    assert candidate_differences(CURRENT, NEW, entered_organization_id="org_a") == ()


def test_only_the_entered_id_counts_without_a_current_report() -> None:
    assert candidate_differences(None, replace(NEW, total_tools=1)) == ()
    assert candidate_differences(None, NEW, entered_organization_id="org_a") == ()
    assert candidate_differences(None, NEW, entered_organization_id="org_b") == (
        CandidateDifference.ENTERED,
    )


def test_another_organisation_differs_where_both_reports_name_one() -> None:
    foreign = replace(NEW, organization_id="org_b")
    assert candidate_differences(CURRENT, foreign) == (CandidateDifference.ORGANISATION,)
    assert candidate_differences(CURRENT, foreign, entered_organization_id="org_a") == (
        CandidateDifference.ENTERED,
        CandidateDifference.ORGANISATION,
    )
    assert candidate_differences(replace(CURRENT, organization_id=""), foreign) == ()
    assert candidate_differences(CURRENT, replace(NEW, organization_id="")) == ()


def test_an_entered_id_that_the_current_secret_contradicts_too_is_ignored() -> None:
    assert candidate_differences(CURRENT, NEW, entered_organization_id="org_wrong") == ()


@pytest.mark.parametrize(
    ("current", "new", "differ"),
    [
        (42, 21, False),
        (42, 20, True),
        (21, 42, False),
        (20, 42, True),
        (0, 1, True),
        (0, 0, False),
    ],
)
def test_tools_differ_by_more_than_half_of_the_larger_number(
    current: int, new: int, differ: bool
) -> None:
    differences = candidate_differences(
        replace(CURRENT, total_tools=current), replace(NEW, total_tools=new)
    )
    assert differences == ((CandidateDifference.TOOLS,) if differ else ())


@pytest.mark.parametrize(
    ("hours", "back", "differ"),
    [(4, 24 * HOUR, False), (4, 25 * HOUR, True), (24, 48 * HOUR, False), (24, 49 * HOUR, True)],
)
def test_a_last_sync_further_back_than_two_intervals_and_a_day_differs(
    hours: int, back: timedelta, differ: bool
) -> None:
    current = replace(CURRENT, interval_hours=hours)
    new = replace(NEW, last_sync_at=NOON - HOUR - back)
    assert candidate_differences(current, new) == (
        (CandidateDifference.LAST_SYNC,) if differ else ()
    )


def test_a_later_sync_from_before_the_current_report_differs() -> None:
    current = replace(CURRENT, last_sync_at=NOON - 30 * HOUR)
    assert candidate_differences(current, replace(NEW, last_sync_at=NOON - HOUR)) == (
        CandidateDifference.LAST_SYNC,
    )


def test_syncs_since_the_current_report_are_no_difference() -> None:
    friday = replace(CURRENT, reported_at=NOON, last_sync_at=NOON - HOUR)
    monday = replace(NEW, reported_at=NOON + 70 * HOUR, last_sync_at=NOON + 69 * HOUR)
    assert candidate_differences(friday, monday) == ()


def test_a_report_without_a_sync_differs_from_one_with_a_sync() -> None:
    without_sync = replace(NEW, last_sync_at=None)
    assert candidate_differences(CURRENT, without_sync) == (CandidateDifference.LAST_SYNC,)
    assert candidate_differences(replace(CURRENT, last_sync_at=None), NEW) == ()
    assert candidate_differences(replace(CURRENT, last_sync_at=None), without_sync) == ()


def test_an_absurd_interval_raises_no_error() -> None:
    absurd = replace(CURRENT, interval_hours=10**15)
    assert candidate_differences(absurd, replace(NEW, last_sync_at=NOON - 30 * HOUR)) == ()
