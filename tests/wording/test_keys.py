"""What is said of keys and groups of keys: whole sentences, in text and HTML, in any language."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.aggregates import SharedSyncGroup
from freddy_admin.sync.status.disagreements import Disagreement, DisagreementKind
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.wording.key_pages import contradiction, key_expiry_sentences, last_and_next_check
from freddy_admin.wording.keys import (
    STATE_COUNTS,
    figures_sentences,
    key_expiry_note,
    shared_sync,
    state_count,
)
from freddy_admin.wording.sentences import format_number, render_html, render_text
from freddy_admin.wording.times import UserTime, format_day
from tests.wording.key_rows import HOUR, key_row, sync_figures

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
USER_TIME = UserTime(now=NOON, zone=UTC)
ROW = KeyRow(
    now=NOON,
    key_id=1,
    key_label="Sales",
    key_version=1,
    organisation_id=1,
    organisation_name="A & B",
    organisation_slug="a-b",
    keys_in_organisation=1,
    owner_name="",
    owner_is_user=False,
    organization_id="",
    reported_organization_id="",
    paused_at=None,
    paused_by="",
    state=HealthState.UP_TO_DATE,
    state_since=NOON,
    state_rule=10,
    last_known_state=HealthState.UP_TO_DATE,
    figures=None,
    figures_are_former=False,
    observed_at=None,
    first_observed_at=None,
    first_next_sync_at=None,
    skipped_at=None,
    checked_at=None,
    failing_since=None,
    failures=0,
    refusals=0,
    error=None,
    unknown_at=None,
    next_check_at=NOON + timedelta(minutes=5),
    hold_until=None,
    requested_at=None,
    requested_by="",
    operation_requested_at=None,
    operation_requested_by="",
    operation_state="",
    is_checking=False,
    grace_minutes=None,
    expires_on=date(2026, 3, 8),
    updated_at=NOON,
)


def test_expiry_names_the_key_the_day_and_what_to_do() -> None:
    assert render_text(key_expiry_sentences(ROW)) == (
        "The key of A & B expires in 6 days: make a new one. By its date: 8 Mar 2026. "
        "Replace it before; until then the present one works."
    )
    assert "A &amp; B" in render_html(key_expiry_sentences(ROW), USER_TIME)


def test_expiry_names_the_label_among_several_keys() -> None:
    row = replace(ROW, keys_in_organisation=2, expires_on=date(2026, 3, 1))
    assert render_text(key_expiry_sentences(row)).startswith(
        "The key “Sales” of A & B expired yesterday: make a new one."
    )


@pytest.mark.parametrize(
    ("day", "note"),
    [
        (1, "key expired"),
        (2, "key expires today"),
        (3, "key expires tomorrow"),
        (4, "key expires in 2 days"),
    ],
)
def test_expiry_note_counts_days(day: int, note: str) -> None:
    assert render_text(key_expiry_note(replace(ROW, expires_on=date(2026, 3, day)))) == note


def test_check_times_are_one_sentence() -> None:
    row = replace(ROW, checked_at=NOON - timedelta(minutes=3))
    assert render_text(last_and_next_check(row, NOON), USER_TIME) == (
        "We looked 3 min ago · next look in 5 min"
    )
    assert render_text(last_and_next_check(ROW, NOON), USER_TIME) == (
        "We have not looked yet · next look in 5 min"
    )


def test_every_state_has_a_count() -> None:
    assert set(STATE_COUNTS) == set(HealthState)
    assert render_text(state_count(HealthState.UP_TO_DATE, 1234)) == "1,234 up to date"


def test_shared_sync_names_two_organisations_and_counts_the_others() -> None:
    group = SharedSyncGroup("digest", keys=1200, organisations=5, names=("Ash", "Yew"))
    assert render_text(shared_sync(group)) == (
        "These 1,200 keys report the same sync: Ash, Yew and 3 other organisations."
    )
    each = replace(group, keys=3, organisations=3)
    assert render_text(shared_sync(each)) == ("These 3 report the same sync: Ash, Yew and 1 other.")


def test_contradiction_lists_who_says_what() -> None:
    versions = ((1042, ("A", "B", "C", "D")), (7, ("E",)))
    sentence = contradiction(Disagreement(DisagreementKind.TOTAL_TOOLS, versions))
    assert render_text(sentence) == (
        "The number of tools is 1,042 according to “A”, “B”, “C” and 1 more key, but 7 according "
        "to “E”."
    )


def test_numbers_and_days_follow_the_language() -> None:
    with translation.override("de"):
        assert format_number(12345) == "12.345"
        assert format_day(date(2026, 5, 8)) == "8 Mai 2026"
    with translation.override("en"):
        assert format_number(12345) == "12,345"
        assert format_day(date(2026, 5, 8)) == "8 May 2026"


def test_a_next_sync_that_is_not_after_the_last_one_is_explained() -> None:
    last = NOON - HOUR / 2
    row = key_row(figures=sync_figures(last_sync_at=last, next_sync_at=last))
    assert render_text(figures_sentences(row), USER_TIME) == (
        "The next sync that Aitronos names is not after the last one, so it is expected one "
        "interval after the last one: by 12:30."
    )
    row = key_row(figures=sync_figures(last_sync_at=last, next_sync_at=last - HOUR))
    both = render_text(figures_sentences(row), USER_TIME)
    assert both.startswith("Shown as Aitronos sent them;")
    assert both.endswith("by 12:30.")
    assert not figures_sentences(key_row())
