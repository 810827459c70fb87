"""The problem panel: what happened, since when, what it affects, who can fix it, one button."""

from dataclasses import dataclass

from django.utils.safestring import SafeString

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import NEW_SECRET_STATES, HealthState
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.components import ActionButton, StatePill, next_step_button, state_pill
from freddy_admin.wording.failures import failure_sentences, failure_wording
from freddy_admin.wording.keys import affected_scope, owner_to_ask_about_problem
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.states import (
    HEALTH_RULE,
    STATE_WORDINGS,
    WARN,
    StateWording,
    health_rule_states,
)
from freddy_admin.wording.support_text import support_text
from freddy_admin.wording.times import UserTime


@dataclass(frozen=True, slots=True)
class ProblemPanel:
    """What to do, four answers, one button (`is_prominent` where it is needed), support text.

    `what_happened` is empty where the headline above the panel says it, `owner` where asking the
    person who looks after the key would not help.
    """

    tone: str
    icon: str
    advice: str
    what_happened: str
    since: SafeString
    affected_scope: str
    responsible_party: str
    action: ActionButton | None
    is_prominent: bool
    support_text: str
    owner: str = ""


def problem_panel(row: KeyRow, user_time: UserTime) -> ProblemPanel | None:
    """The panel, or None where nothing is wrong."""
    if row.state is HealthState.PAUSED:
        return None
    if row.error is not None:
        return _problem_from_error(row, user_time)
    if row.needs_action or row.state is HealthState.LATE or row.state_rule == 7:
        return _problem_from_state(row, user_time)
    return None


def _problem_from_error(row: KeyRow, user_time: UserTime) -> ProblemPanel:
    assert row.error is not None  # noqa: S101  for the type checker: the caller asked
    failure, state = failure_wording(row.error), STATE_WORDINGS[row.state]
    is_calm = not row.needs_action
    since = row.state_since if row.needs_action else row.failing_since or row.checked_at
    sentences = failure_sentences(row.error)
    # The headline above the panel says what a refusal means.
    shown = sentences[1:] if row.state in NEW_SECRET_STATES else sentences
    return ProblemPanel(
        tone=WARN if is_calm else state.tone,
        icon="alert-triangle" if is_calm else state.icon,
        advice=str(failure.advice),
        what_happened=render_html(shown, user_time),
        since=user_time.render_relative_and_clock(since) if since else SafeString(""),
        affected_scope=render_html(affected_scope(row), user_time),
        responsible_party=str(failure.responsible_party),
        owner=render_text(owner_to_ask_about_problem(row)),
        action=next_step_button(row),
        is_prominent=not is_calm,
        support_text=support_text(row),
    )


def _problem_from_state(row: KeyRow, user_time: UserTime) -> ProblemPanel:
    state = STATE_WORDINGS[row.state]
    return ProblemPanel(
        tone=state.tone,
        icon=state.icon,
        advice=_advice(row, state),
        what_happened="",
        since=user_time.render_relative_and_clock(row.state_since),
        affected_scope=str(state.scope),
        responsible_party=str(state.responsible_party),
        owner=render_text(owner_to_ask_about_problem(row)),
        action=next_step_button(row),
        is_prominent=row.needs_action,
        support_text=support_text(row),
    )


def _advice(row: KeyRow, state: StateWording) -> str:
    """What to do; in the passive for a user who may not start a sync."""
    if state.passive_advice and Permission.START_SYNC not in row.permissions:
        return str(state.passive_advice)
    return str(state.advice) or state.label


@dataclass(frozen=True, slots=True)
class HealthRuleLine:
    """One line of the rule; `is_match` marks the one that gave the state shown."""

    number: int
    pills: tuple[StatePill, ...]
    words: str
    is_match: bool


def health_rule_lines(matching_number: int) -> list[HealthRuleLine]:
    """All lines, read from the top: the first that fits wins."""
    return [
        HealthRuleLine(
            number,
            tuple(state_pill(state) for state in health_rule_states(number)),
            str(text),
            number == matching_number,
        )
        for number, text in HEALTH_RULE.items()
    ]
