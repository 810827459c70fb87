"""The rule that tells a pasted key of another organisation from a new one of the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.sync.differences import Difference, Reported, differences

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PRESENT = Reported(
    total_tools=42,
    last_sync_at=NOON - HOUR,
    interval_hours=4,
    organization_id="org_a",
    seen_at=NOON,
)
NEW = replace(PRESENT, seen_at=NOON + timedelta(minutes=5))


def test_the_same_report_takes_over() -> None:
    assert differences(PRESENT, NEW) == ()
    assert differences(PRESENT, NEW, entered="org_a") == ()


def test_without_a_present_report_only_what_was_entered_speaks() -> None:
    assert differences(None, replace(NEW, total_tools=1)) == ()
    assert differences(None, NEW, entered="org_a") == ()
    assert differences(None, NEW, entered="org_b") == (Difference.ENTERED,)


def test_another_organisation_is_told_where_both_name_one() -> None:
    other = replace(NEW, organization_id="org_b")
    assert differences(PRESENT, other) == (Difference.ORGANISATION,)
    assert differences(PRESENT, other, entered="org_a") == (
        Difference.ENTERED,
        Difference.ORGANISATION,
    )
    assert differences(replace(PRESENT, organization_id=""), other) == ()
    assert differences(PRESENT, replace(NEW, organization_id="")) == ()


def test_an_entered_id_that_the_present_key_does_not_answer_for_either_says_nothing_new() -> None:
    assert differences(PRESENT, NEW, entered="org_wrong") == ()


@pytest.mark.parametrize(
    ("present", "new", "differ"),
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
    present: int, new: int, differ: bool
) -> None:
    found = differences(replace(PRESENT, total_tools=present), replace(NEW, total_tools=new))
    assert found == ((Difference.TOOLS,) if differ else ())


@pytest.mark.parametrize(
    ("hours", "back", "differ"),
    [(4, 24 * HOUR, False), (4, 25 * HOUR, True), (24, 48 * HOUR, False), (24, 49 * HOUR, True)],
)
def test_a_last_sync_further_back_than_two_intervals_and_a_day_differs(
    hours: int, back: timedelta, differ: bool
) -> None:
    present = replace(PRESENT, interval_hours=hours)
    new = replace(NEW, last_sync_at=NOON - HOUR - back)
    assert differences(present, new) == ((Difference.LAST_SYNC,) if differ else ())


def test_a_later_sync_that_we_would_have_seen_differs() -> None:
    present = replace(PRESENT, last_sync_at=NOON - 30 * HOUR)
    assert differences(present, replace(NEW, last_sync_at=NOON - HOUR)) == (Difference.LAST_SYNC,)


def test_syncs_since_our_last_look_differ_from_nothing() -> None:
    friday = replace(PRESENT, seen_at=NOON, last_sync_at=NOON - HOUR)
    monday = replace(NEW, seen_at=NOON + 70 * HOUR, last_sync_at=NOON + 69 * HOUR)
    assert differences(friday, monday) == ()


def test_what_has_synced_never_becomes_what_never_has() -> None:
    never = replace(NEW, last_sync_at=None)
    assert differences(PRESENT, never) == (Difference.LAST_SYNC,)
    assert differences(replace(PRESENT, last_sync_at=None), NEW) == ()
    assert differences(replace(PRESENT, last_sync_at=None), never) == ()


def test_an_absurd_interval_breaks_nothing() -> None:
    absurd = replace(PRESENT, interval_hours=10**15)
    assert differences(absurd, replace(NEW, last_sync_at=NOON - 30 * HOUR)) == ()
