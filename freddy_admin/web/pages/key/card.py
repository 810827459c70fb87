"""One key in full: headline, figures, what is wrong, what can be done, and a new key's test."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from freddy_admin.organisations.access import NO_PERMISSIONS, actor_display_name
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import NEW_SECRET_STATES, HealthState
from freddy_admin.sync.models import RemoteOperation
from freddy_admin.sync.models.operations import UNFINISHED_STATES
from freddy_admin.sync.status.rows import CheckError, KeyRow
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.selectors import candidate_find, masked_secret, undecided_state
from freddy_admin.web.components import (
    ActionButton,
    check_now_button,
    key_row_digest,
    next_step_button,
    start_sync_button,
    state_pill,
    tool_counts_cell,
)
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.key.candidate import candidate_context
from freddy_admin.wording import environments
from freddy_admin.wording import next_steps as moves
from freddy_admin.wording.failures import failure_sentences, failure_wording
from freddy_admin.wording.key_pages import (
    affected_scope,
    check_request_sentence,
    is_check_request_slow,
    key_expiry_sentences,
    last_and_next_check,
    wrong_organisation_warning,
)
from freddy_admin.wording.keys import (
    CATALOGUE_ONLY,
    figures_sentences,
    key_expiry_tone,
    stretched_check_note,
)
from freddy_admin.wording.next_steps import support_text
from freddy_admin.wording.operations import requested_sync_wording
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.states import (
    GRACE_RULE,
    HEALTH_RULE,
    QUIET,
    STATE_WORDINGS,
    WARN,
    health_rule_states,
    key_headline,
    overdue_announcement,
)
from freddy_admin.wording.times import (
    EITHER,
    UserTime,
    format_day,
    format_duration,
    format_interval,
)

_OPERATION_SHOWN_AFTER_END_FOR = timedelta(hours=1)


def key_card(
    row: KeyRow,
    key: ApiKey,
    user_time: UserTime,
    *,
    requested_at: datetime | None,
    operation: RemoteOperation | None,
) -> dict[str, Any]:
    """The card for one person and one moment, for `key/_card.html`.

    *Check now* was pressed at `requested_at`; `operation` is the latest sync that was requested.
    Where the history is shown, it is added as `history`.
    """
    candidate = candidate_find(key=key)
    row = replace(row, candidate_state=undecided_state(candidate))
    problem = problem_panel(row, user_time)
    next_step = None if problem else next_step_button(row)
    return {
        "row": row,
        "label": row.key_label,
        "anchor": key_card_anchor(row),
        "digest": key_card_digest(row, key, user_time, requested_at=requested_at),
        "pill": state_pill(row.state),
        "headline": render_html(key_headline(row), user_time),
        "overdue_announcement": render_html(overdue_announcement(row), user_time),
        "last_check_line": render_html(last_and_next_check(row, user_time.now), user_time),
        "check_period_note": render_text(stretched_check_note(row)),
        "figures": _figure_facts(row, user_time),
        "figures_note": render_html(figures_sentences(row), user_time),
        "facts": _key_facts(row, key, user_time),
        "warning": render_text(wrong_organisation_warning(row)),
        "expiry": render_html(key_expiry_sentences(row), user_time),
        "expiry_tone": key_expiry_tone(row),
        "problem": problem,
        "check": _unless_in_problem_panel(check_now_button(row), problem),
        "sync": _unless_in_problem_panel(start_sync_button(row), problem),
        "next_step": None if next_step and next_step.href.endswith("/check/") else next_step,
        "can_manage": Permission.MANAGE_KEYS in row.permissions,
        "candidate": candidate
        and candidate_context(key, candidate, user_time, permissions=row.permissions, row=row),
        "rule": _health_rule_lines(row),
        "rule_notes": (GRACE_RULE, CATALOGUE_ONLY),
        "pending": row.is_check_pending or row.is_sync_running,
        "check_outcome": _check_outcome(row, user_time, requested_at),
        "operation": operation_status(
            operation, user_time, late=row.is_operation_late, permissions=row.permissions
        )
        if operation and _is_operation_shown(row, operation, user_time.now)
        else None,
    }


def key_card_anchor(row: KeyRow) -> str:
    """The name of the card in a page."""
    return f"key-{row.key_id}"


def key_card_digest(
    row: KeyRow, key: ApiKey, user_time: UserTime, *, requested_at: datetime | None
) -> str:
    """Changes when anything shown does, also where only a moment has passed."""
    candidate = candidate_find(key=key)
    check_outcome = _check_outcome(row, user_time, requested_at)
    moments = (row.due_at, row.overdue_at, row.hold_until, row.next_check_at)
    return values_digest(
        key_row_digest(row),
        (row.updated_at, row.checked_at),
        row.next_check_at,
        row.hold_until,
        [moment is not None and moment <= user_time.now for moment in moments],
        candidate and (candidate.version, candidate.state, candidate.tested_at),
        candidate and candidate.retries_hourly,
        (key.owner_id, key.organization_id, key.grace_minutes, key.secret_set_at),
        [tag.name for tag in key.tags.all()],
        check_outcome and check_outcome["tone"],
    )


def _unless_in_problem_panel(
    action: ActionButton | None, problem: dict[str, Any] | None
) -> ActionButton | None:
    """The action; None where the problem panel offers it already: twice would be noise."""
    offered = problem["action"] if problem else None
    return None if action and offered and offered.href == action.href else action


def _figure_facts(row: KeyRow, user_time: UserTime) -> list[tuple[str, SafeString | str, bool]]:
    """Name, value, and whether it contradicts another figure; empty without figures."""
    figures = row.figures
    if figures is None:
        return []
    last, next_, hours = figures.last_sync_at, figures.next_sync_at, figures.sync_interval_hours
    return [
        (_("Last synced"), _render_time(last, user_time, _("never")), False),
        (
            _("Next sync"),
            _render_time(next_, user_time, _("not named")),
            bool(last and next_ and next_ < last),
        ),
        (_("Interval"), format_interval(hours) if hours else _("none"), False),
        (_("Tools on / total"), tool_counts_cell(row), figures.enabled_tools > figures.total_tools),
        (
            _("Incremental sync"),
            pgettext("incremental sync", "on")
            if figures.incremental_sync_enabled
            else pgettext("incremental sync", "off"),
            False,
        ),
    ]


def _render_time(at: datetime | None, user_time: UserTime, otherwise: str) -> SafeString | str:
    return user_time.render_relative_and_clock(at, EITHER) if at else otherwise


def _key_facts(row: KeyRow, key: ApiKey, user_time: UserTime) -> list[tuple[str, str]]:
    """Name and value."""
    grace = format_duration(row.grace.total_seconds())
    text = _("%(span)s, by the rule") if row.grace_minutes is None else _("%(span)s, its own")
    facts = [
        (_("API key"), format_html("<code>{}</code>", masked_secret(key))),
        *environments.environment_facts(row.environment),
        (_("Owner"), row.owner_name or _("nobody yet")),
        (_("Tags"), ", ".join(tag.name for tag in key.tags.all()) or _("none")),
        (_("Grace"), text % {"span": grace}),
        (_("Organisation id at Aitronos"), _organization_id_text(row)),
        (_("Expires"), format_day(row.expires_on) if row.expires_on else _("no date given")),
    ]
    if key.secret_set_at is not None:
        facts.append((_("Key stored"), user_time.render_ago(key.secret_set_at)))
    return facts


def _organization_id_text(row: KeyRow) -> str:
    if row.organization_id or not row.reported_organization_id:
        return row.organization_id or _("not given")
    return _("%(id)s (as Aitronos reports)") % {"id": row.reported_organization_id}


def _check_outcome(
    row: KeyRow, user_time: UserTime, requested_at: datetime | None
) -> dict[str, str] | None:
    """What became of the check that this person asked for; None once it is old."""
    if requested_at is None:
        return None
    now = user_time.now
    words = render_html(check_request_sentence(row, requested_at, now), user_time)
    tone = WARN if is_check_request_slow(row, requested_at, now) else QUIET
    if row.checked_at is not None and row.checked_at >= requested_at:
        tone = STATE_WORDINGS[row.state].tone
    return {"tone": tone, "words": words} if words else None


def problem_panel(row: KeyRow, user_time: UserTime) -> dict[str, Any] | None:
    """What to do, four answers and one button, for `key/_problem_panel.html`.

    None where nothing is wrong. `what_happened` is empty where the headline above the panel says
    it, `owner` where asking the person who looks after the key would not help.
    """
    needs_explanation = row.needs_action or row.state is HealthState.LATE or row.state_rule == 7
    if row.state is HealthState.PAUSED or not (row.error or needs_explanation):
        return None
    state = STATE_WORDINGS[row.state]
    advice = state.advice or state.label
    if state.passive_advice and Permission.START_SYNC not in row.permissions:
        advice = state.passive_advice
    panel = {
        "tone": state.tone,
        "icon": state.icon,
        "advice": advice,
        "what_happened": "",
        "since": user_time.render_relative_and_clock(row.state_since),
        "affected_scope": state.scope,
        "responsible_party": moves.responsible_party(row, state.responsible_party),
        "owner": render_text(moves.owner_to_ask_about_problem(row)),
        "action": next_step_button(row),
        "is_prominent": row.needs_action,
        "support_text": support_text(row),
    }
    return panel | (_failure_answers(row, row.error, user_time) if row.error else {})


def _failure_answers(row: KeyRow, error: CheckError, user_time: UserTime) -> dict[str, Any]:
    """What the panel says of a failed check, in place of what it says of the state."""
    failure, sentences = failure_wording(error), failure_sentences(error)
    # The headline above the panel says what a refusal means.
    shown = sentences[1:] if row.state in NEW_SECRET_STATES else sentences
    hint = environments.other_environments_hint(error.kind, error.code, row.environment)
    since = row.state_since if row.needs_action else row.failing_since or row.checked_at
    calm = {} if row.needs_action else {"tone": WARN, "icon": "alert-triangle"}
    return calm | {
        "advice": moves.problem_advice(row, failure.advice),
        "what_happened": render_html((*shown, hint), user_time),
        "since": since and user_time.render_relative_and_clock(since),
        "affected_scope": render_html(affected_scope(row), user_time),
        "responsible_party": moves.responsible_party(row, failure.responsible_party),
    }


def _health_rule_lines(row: KeyRow) -> list[tuple[list[Any], Any, bool]]:
    """The pills of each line's states, its words, and whether it is the one that fits now."""
    return [
        ([state_pill(state) for state in health_rule_states(line)], text, line == row.state_rule)
        for line, text in HEALTH_RULE.items()
    ]


def _is_operation_shown(row: KeyRow, operation: RemoteOperation, now: datetime) -> bool:
    """While it is awaited, and for an hour after it ended."""
    if row.operation_requested_at == operation.requested_at:
        return True
    ended_at = operation.finished_at
    return ended_at is not None and now - ended_at < _OPERATION_SHOWN_AFTER_END_FOR


def operation_status(
    operation: RemoteOperation,
    user_time: UserTime,
    *,
    late: bool = False,
    permissions: Collection[Permission] = NO_PERMISSIONS,
) -> dict[str, Any]:
    """A requested sync, for `syncs/_operation.html`.

    `late` says that it should have been seen by now; `permissions` are what the reader may do in
    the organisation.
    """
    requested_by = actor_display_name(operation.requested_by, permissions)
    wording = requested_sync_wording(operation, requested_by=requested_by, late=late)
    return {
        "tone": wording.tone,
        "icon": wording.icon,
        "word": wording.label,
        "words": render_html(wording.words, user_time),
        "figures": render_html(wording.figures, user_time),
        "pending": operation.state in UNFINISHED_STATES,
    }
