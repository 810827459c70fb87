"""One key in full: its headline, its figures, its problem and what can be done."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.secret_format import masked_secret
from freddy_admin.vault.selectors import candidate_find
from freddy_admin.web.presenters.headline import KeyHeadline, key_headline
from freddy_admin.web.presenters.health_rule_text import (
    HealthRuleLine,
    grace_rule_text,
    health_rule_lines,
)
from freddy_admin.web.presenters.history.history_section import HistorySection
from freddy_admin.web.presenters.key_actions import (
    ActionButton,
    check_now_button,
    key_page_url,
    next_step_button,
    start_sync_button,
)
from freddy_admin.web.presenters.key_candidate_card import CandidateCard, candidate_card
from freddy_admin.web.presenters.key_expiry import KeyExpiryNotice, format_day, key_expiry_notice
from freddy_admin.web.presenters.key_rows import key_row_digest, tool_counts_cell, values_digest
from freddy_admin.web.presenters.problem_panel import ProblemPanel, problem_panel
from freddy_admin.web.presenters.state_pill import StatePill, state_pill
from freddy_admin.web.presenters.syncs.operation_status import OperationStatus
from freddy_admin.web.presenters.user_time import (
    EITHER,
    UserTime,
    format_duration,
    format_interval,
)


@dataclass(frozen=True, slots=True)
class KeyFact:
    """A figure with its name; `warning` is empty where the figure is consistent."""

    name: str
    value: SafeString | str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class CheckRequestNotice:
    """What became of the check this person asked for."""

    tone: str
    words: SafeString


@dataclass(frozen=True, slots=True)
class KeyCard:
    """Everything the page shows of one key."""

    anchor: str
    digest: str
    label: str
    href: str
    pill: StatePill
    headline: KeyHeadline
    last_check_line: SafeString
    figures: list[KeyFact]
    figures_note: str
    facts: list[KeyFact]
    warning: str
    expiry: KeyExpiryNotice | None
    problem: ProblemPanel | None
    check: ActionButton | None
    hides_check_button: bool
    sync: ActionButton | None
    main_action: ActionButton | None
    can_manage: bool
    links: dict[str, str]
    is_paused: bool
    candidate: CandidateCard | None
    rule: list[HealthRuleLine]
    grace_text: str
    pending: bool
    check_outcome: CheckRequestNotice | None
    announcement: str
    key_id: int
    history: HistorySection | None = None
    operation: OperationStatus | None = None


def key_card(
    row: KeyRow, key: ApiKey, user_time: UserTime, *, check_requested_at: datetime | None = None
) -> KeyCard:
    """The card for one person and one moment; *Check now* was pressed at `check_requested_at`."""
    can_manage = Permission.MANAGE_KEYS in row.permissions
    candidate = candidate_find(key=key)
    pill = state_pill(row.state)
    problem = problem_panel(row, user_time)
    check_outcome = (
        _check_request_notice(row, user_time, check_requested_at) if check_requested_at else None
    )
    return KeyCard(
        anchor=f"key-{row.key_id}",
        digest=_key_card_digest(row, key, user_time, check_outcome),
        label=row.key_label,
        href=key_page_url(row, "key"),
        pill=pill,
        headline=key_headline(row, user_time),
        last_check_line=_last_check_line(row, user_time),
        figures=_figure_facts(row, user_time),
        figures_note=_figures_note_text(row),
        facts=_key_facts(row, key, user_time),
        warning=_wrong_organisation_warning(row),
        expiry=key_expiry_notice(row),
        problem=problem,
        check=check_now_button(row),
        # The problem panel has one button; a second one of the same kind would be noise.
        hides_check_button=bool(
            problem and problem.action and problem.action.href.endswith("/check/")
        ),
        sync=_button_unless_in_problem_panel(start_sync_button(row), problem),
        main_action=problem.action if problem else _next_step_button_unless_check(row),
        can_manage=can_manage,
        links={name: key_page_url(row, f"key_{name}") for name in _KEY_PAGE_NAMES},
        is_paused=row.paused_at is not None,
        candidate=candidate_card(key, candidate, user_time, permissions=row.permissions, row=row)
        if candidate
        else None,
        rule=health_rule_lines(row.state_rule),
        grace_text=grace_rule_text(),
        pending=row.is_check_pending or row.is_sync_running,
        check_outcome=check_outcome,
        announcement=_("%(label)s: checked. %(state)s.")
        % {"label": row.key_label, "state": pill.word},
        key_id=row.key_id,
    )


_KEY_PAGE_NAMES = ("replace", "edit", "pause", "resume", "revoke", "check")


def _key_card_digest(
    row: KeyRow, key: ApiKey, user_time: UserTime, check_outcome: CheckRequestNotice | None
) -> str:
    """Changes when anything shown does, also where only a moment has passed."""
    candidate = candidate_find(key=key)
    moments = (row.due_at, row.overdue_at, row.hold_until, row.next_check_at)
    return values_digest(
        key_row_digest(row),
        row.next_check_at,
        row.hold_until,
        [moment is not None and moment <= user_time.now for moment in moments],
        candidate and (candidate.version, candidate.state),
        (key.owner_id, key.organization_id, key.grace_minutes, key.secret_set_at),
        [tag.name for tag in key.tags.all()],
        check_outcome and check_outcome.tone,
    )


def _button_unless_in_problem_panel(
    action: ActionButton | None, problem: ProblemPanel | None
) -> ActionButton | None:
    """The action; None where the problem panel offers it already."""
    problem_action = problem.action if problem else None
    return None if action and problem_action and problem_action.href == action.href else action


def has_identical_figures(rows: list[KeyRow]) -> bool:
    """Whether several keys report the very same figures: most likely one shared catalogue."""
    figures = [row.figures for row in rows if row.figures is not None]
    return len(figures) > 1 and len(set(figures)) == 1


def _next_step_button_unless_check(row: KeyRow) -> ActionButton | None:
    action = next_step_button(row)
    return action if action and not action.href.endswith("/check/") else None


def _last_check_line(row: KeyRow, user_time: UserTime) -> SafeString:
    if row.checked_at is None:
        last_check_line = SafeString(_("We have not looked yet"))  # nosec B703
    else:
        last_check_line = format_html(
            _("We looked {ago}"), ago=user_time.render_ago(row.checked_at)
        )
    if row.paused_at is not None:
        return last_check_line
    if row.is_check_pending:
        return format_html(_("{last_check_line} · checking now"), last_check_line=last_check_line)
    if row.hold_until is not None and row.hold_until > user_time.now:
        return format_html(
            _("{last_check_line} · Aitronos asked us to wait, next try {at}"),
            last_check_line=last_check_line,
            at=user_time.render_clock(max(row.hold_until, row.next_check_at)),
        )
    return format_html(
        _("{last_check_line} · next look {until}"),
        last_check_line=last_check_line,
        until=user_time.render_until(row.next_check_at),
    )


def _figure_facts(row: KeyRow, user_time: UserTime) -> list[KeyFact]:
    figures = row.figures
    if figures is None:
        return []
    last_sync_at, next_sync_at = figures.last_sync_at, figures.next_sync_at
    hours = figures.sync_interval_hours
    has_too_many_enabled = figures.enabled_tools > figures.total_tools
    is_next_before_last = bool(last_sync_at and next_sync_at and next_sync_at < last_sync_at)
    return [
        KeyFact(
            _("Last synced"),
            user_time.render_relative_and_clock(last_sync_at, EITHER)
            if last_sync_at
            else _("never"),
        ),
        KeyFact(
            _("Next sync"),
            user_time.render_relative_and_clock(next_sync_at, EITHER)
            if next_sync_at
            else _("not named"),
            _inconsistency_label(is_next_before_last),
        ),
        KeyFact(_("Interval"), format_interval(hours) if hours else _("none")),
        KeyFact(
            _("Tools on / total"), tool_counts_cell(row), _inconsistency_label(has_too_many_enabled)
        ),
        KeyFact(_("Incremental sync"), _("on") if figures.incremental_sync_enabled else _("off")),
    ]


def _inconsistency_label(is_inconsistent: bool) -> str:
    return _("inconsistent") if is_inconsistent else ""


def _figures_note_text(row: KeyRow) -> str:
    if row.figures is None:
        return ""
    if row.figures_are_former:
        return _("From before the change: no answer has come since.")
    if row.figures.is_inconsistent:
        return _("Shown as Aitronos sent them; the marked figures contradict each other.")
    return ""


def _key_facts(row: KeyRow, key: ApiKey, user_time: UserTime) -> list[KeyFact]:
    grace = format_duration(row.grace.total_seconds())
    grace_sentence = (
        _("%(span)s, its own") if row.grace_minutes is not None else _("%(span)s, by the rule")
    )
    facts = [
        KeyFact(_("API key"), format_html("<code>{}</code>", masked_secret(key))),
        KeyFact(_("Owner"), row.owner_name or _("nobody yet")),
        KeyFact(_("Tags"), ", ".join(tag.name for tag in key.tags.all()) or _("none")),
        KeyFact(_("Grace"), grace_sentence % {"span": grace}),
        KeyFact(_("Organisation id at Aitronos"), _organization_id_text(row)),
        KeyFact(_("Expires"), format_day(row.expires_on) if row.expires_on else _("no date given")),
    ]
    if key.secret_set_at is not None:
        facts.append(KeyFact(_("Key stored"), user_time.render_ago(key.secret_set_at)))
    return facts


def _organization_id_text(row: KeyRow) -> str:
    if row.organization_id:
        return row.organization_id
    if row.reported_organization_id:
        return _("%(id)s (as Aitronos reports)") % {"id": row.reported_organization_id}
    return _("not given")


def _wrong_organisation_warning(row: KeyRow) -> str:
    entered_id, reported_id = row.organization_id, row.reported_organization_id
    if entered_id and reported_id and entered_id != reported_id:
        return _(
            "Aitronos answers for another organisation (%(reported)s) than the one entered here "
            "(%(entered)s). The key may belong to somebody else: compare before you rely on it."
        ) % {"reported": reported_id, "entered": entered_id}
    return ""


def _check_request_notice(
    row: KeyRow, user_time: UserTime, check_requested_at: datetime
) -> CheckRequestNotice | None:
    if user_time.now - check_requested_at > timedelta(minutes=10):
        return None
    if row.checked_at is not None and row.checked_at >= check_requested_at:
        word = str(row.state.label)
        return CheckRequestNotice(
            tone=state_pill(row.state).tone,
            words=format_html(
                _("Checked at {at}, after you asked: {state}."),
                at=user_time.render_clock(row.checked_at),
                state=word,
            ),
        )
    if row.state is HealthState.PAUSED:
        return None
    if user_time.now - check_requested_at > timedelta(seconds=45):
        words = SafeString(_("The check has not ended yet. The worker may be busy or stopped."))  # nosec B703
        return CheckRequestNotice(tone="warn", words=words)
    return CheckRequestNotice(
        tone="quiet",
        words=format_html(
            _("Checking, as you asked {ago}…"), ago=user_time.render_ago(check_requested_at)
        ),
    )
