"""Each state has one row that says what it is, whose move it is and what helps."""

from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.wording.next_steps import key_action, key_next_move
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.states import (
    BAD,
    HEALTH_RULE,
    STATE_WORDINGS,
    KeyAction,
    health_rule_states,
    key_headline,
    overdue_announcement,
)
from freddy_admin.wording.times import UserTime
from tests.wording.key_rows import HOUR, NOW, check_error, key_row, sync_figures

USER_TIME = UserTime(NOW, UTC)
UNSYNCED = sync_figures(last_sync_at=None, next_sync_at=None, sync_interval_hours=0)
SYNCED_LONG_AGO = sync_figures(last_sync_at=NOW - 5 * HOUR, next_sync_at=NOW - 4 * HOUR)


def test_each_state_has_one_row() -> None:
    assert set(STATE_WORDINGS) == set(HealthState)
    for state, wording in STATE_WORDINGS.items():
        assert wording.state is state
        assert wording.label == str(state.label)
        assert wording.tone
        assert wording.icon


def test_states_stand_worst_first() -> None:
    assert list(STATE_WORDINGS) == list(HealthState)


def test_each_line_of_the_rule_gives_a_state_and_each_state_has_a_line() -> None:
    for line, sentence in HEALTH_RULE.items():
        assert health_rule_states(line)
        assert str(sentence).endswith(".")
    for wording in STATE_WORDINGS.values():
        assert wording.rule_lines
        assert set(wording.rule_lines) <= set(HEALTH_RULE)


@pytest.mark.parametrize("state", HealthState)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"figures": None, "observed_at": None, "next_check_at": NOW},
        {"figures": UNSYNCED, "figures_are_former": True},
        {"figures": SYNCED_LONG_AGO, "paused_at": NOW - HOUR, "paused_by": "Ann"},
        {"state_rule": 7, "error": check_error("key_refused", code="API_KEY_PAUSED")},
    ],
)
def test_each_state_has_a_headline_without_a_hole(state: HealthState, more: dict[str, Any]) -> None:
    row = key_row(state, **more)
    text = render_text(key_headline(row), USER_TIME)
    assert text.endswith(".")
    assert "{" not in text
    assert "None" not in text
    assert render_html(key_headline(row), USER_TIME).endswith((".", "</time>."))


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (key_row(), "Synced 30 min ago. Next sync expected by 12:30."),
        (
            key_row(HealthState.OVERDUE, figures=SYNCED_LONG_AGO),
            "Synced 5 h ago. The sync expected by 08:00 is missing.",
        ),
        (
            key_row(HealthState.PAUSED, paused_at=NOW - HOUR, paused_by="Ann"),
            "Paused 1 h ago by Ann. Nothing is checked until somebody resumes it.",
        ),
        (
            key_row(HealthState.PAUSED, paused_at=NOW - 2 * HOUR),
            "Paused 2 h ago by somebody. Nothing is checked until somebody resumes it.",
        ),
        (
            key_row(HealthState.NOT_CHECKED),
            "Not checked yet. The first check comes in 1 min.",
        ),
    ],
)
def test_headline_tells_times_and_people(row: KeyRow, text: str) -> None:
    assert render_text(key_headline(row), USER_TIME) == text


@pytest.mark.parametrize(
    ("state", "action", "permission"),
    [
        (HealthState.KEY_UNREADABLE, KeyAction.PASTE_KEY_AGAIN, Permission.MANAGE_KEYS),
        (HealthState.KEY_REJECTED, KeyAction.REPLACE_KEY, Permission.MANAGE_KEYS),
        (HealthState.KEY_NOT_PERMITTED, KeyAction.REPLACE_KEY, Permission.MANAGE_KEYS),
        (HealthState.OVERDUE, KeyAction.START_SYNC, Permission.START_SYNC),
        (HealthState.NEVER_SYNCED, KeyAction.START_SYNC, Permission.START_SYNC),
        (HealthState.LATE, KeyAction.CHECK_NOW, Permission.CHECK),
        (HealthState.UNKNOWN, KeyAction.CHECK_NOW, Permission.CHECK),
        (HealthState.NO_SCHEDULE, KeyAction.CHECK_NOW, Permission.CHECK),
        (HealthState.NOT_CHECKED, KeyAction.CHECK_NOW, Permission.CHECK),
        (HealthState.WAITING, KeyAction.CHECK_NOW, Permission.CHECK),
        (HealthState.UP_TO_DATE, None, None),
        (HealthState.PAUSED, KeyAction.RESUME, Permission.MANAGE_KEYS),
    ],
)
def test_action_of_each_state_and_who_may_take_it(
    state: HealthState, action: KeyAction | None, permission: Permission | None
) -> None:
    found = key_action(key_row(state))
    assert found is action
    assert (found and found.permission) is permission


@pytest.mark.parametrize(
    ("code", "words", "next_move", "action"),
    [
        (
            "INSUFFICIENT_PERMISSIONS",
            "This key has no admin right.",
            "A manager pastes a key that an owner or admin has made.",
            KeyAction.REPLACE_KEY,
        ),
        *(
            (
                code,
                "This key is valid, but it does not belong to this organisation at Aitronos.",
                "A manager pastes a key that was made in the right organisation at Aitronos.",
                KeyAction.REPLACE_KEY,
            )
            for code in ("ORGANIZATION_ACCESS_DENIED", "NO_ORGANIZATION_MEMBERSHIP")
        ),
        (
            "AMBIGUOUS_ORGANIZATION",
            "This key belongs to several organisations, so Aitronos cannot tell which one",
            "A manager pastes a key that belongs to one organisation.",
            KeyAction.REPLACE_KEY,
        ),
        (
            "OPERATION_NOT_ALLOWED",
            "Aitronos allows this to nobody at present.",
            "Nothing for you to do: we keep trying.",
            KeyAction.CHECK_NOW,
        ),
        (
            "A_NEW_CODE",
            "Aitronos does not let this key read the sync status. It says: “Ask your admin.”",
            "A manager follows what Aitronos says.",
            KeyAction.CHECK_NOW,
        ),
    ],
)
def test_code_of_a_refusal_decides_whose_move_it_is_and_whether_a_new_key_helps(
    code: str, words: str, next_move: str, action: KeyAction
) -> None:
    error = check_error("key_not_permitted", code=code, message="Ask your admin.")
    row = key_row(HealthState.KEY_NOT_PERMITTED, error=error)
    assert str(key_headline(row)).startswith(words)
    assert str(key_next_move(row)) == next_move
    assert key_action(row) is action
    assert str(key_headline(row)).count("Ask your admin.") == (code == "A_NEW_CODE")


def test_refusal_stays_said_after_a_check_that_ended_in_another_way() -> None:
    row = key_row(
        HealthState.KEY_NOT_PERMITTED,
        error=check_error("server_error"),
        refusal="403 ORGANIZATION_ACCESS_DENIED",
    )
    assert str(key_headline(row)).endswith("does not belong to this organisation at Aitronos.")
    assert str(key_next_move(row)).endswith("made in the right organisation at Aitronos.")
    assert key_action(row) is KeyAction.REPLACE_KEY
    unknown = replace(row, refusal="403 A_NEW_CODE")
    assert str(key_headline(unknown)).endswith("and names nothing but A_NEW_CODE.")
    assert key_action(unknown) is KeyAction.CHECK_NOW
    expired = replace(row, state=HealthState.KEY_REJECTED, refusal="401 API_KEY_EXPIRED")
    assert str(key_headline(expired)) == "The key has expired."


def test_refusal_of_which_nothing_is_kept_claims_no_reason() -> None:
    row = key_row(HealthState.KEY_NOT_PERMITTED, error=check_error("server_error"))
    assert str(key_headline(row)) == "Aitronos does not let this key read the sync status."
    rejected = replace(row, state=HealthState.KEY_REJECTED)
    assert str(key_headline(rejected)) == "Aitronos does not accept this API key."


def test_master_key_that_does_not_fit_is_for_those_who_run_the_panel() -> None:
    row = key_row(HealthState.UNKNOWN, error=check_error("master_key_misfit"))
    assert str(key_next_move(row)) == "This is for the people who run this panel, not for you."
    assert key_action(row) is None


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (key_row(), "Without a new sync we will call it overdue at 12:45."),
        (key_row(HealthState.OVERDUE), ""),
        (key_row(figures=UNSYNCED), ""),
        (
            key_row(HealthState.LATE, figures=SYNCED_LONG_AGO),
            "Our next look decides whether it is overdue.",
        ),
        (
            key_row(
                HealthState.WAITING,
                figures=sync_figures(last_sync_at=None),
                first_next_sync_at=NOW + HOUR,
            ),
            "Without one we will call it never synced at 13:15.",
        ),
    ],
)
def test_row_announces_when_it_will_be_called_overdue(row: KeyRow, text: str) -> None:
    assert render_text(overdue_announcement(row), USER_TIME) == text


def test_nobody_acts_where_a_state_needs_nobody() -> None:
    quiet = [state for state in HealthState if not key_next_move(key_row(state))]
    assert set(quiet) == {
        HealthState.NOT_CHECKED,
        HealthState.WAITING,
        HealthState.UP_TO_DATE,
        HealthState.PAUSED,
    }
    assert all(STATE_WORDINGS[state].tone != BAD for state in quiet)
