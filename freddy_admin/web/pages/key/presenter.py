"""One key in full: its headline, its figures, its problem and what can be done."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.secret_format import masked_secret
from freddy_admin.vault.selectors import candidate_find
from freddy_admin.web.components import (
    ActionButton,
    StatePill,
    check_now_button,
    key_page_url,
    next_step_button,
    start_sync_button,
    state_pill,
)
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.history.presenter import HistorySection
from freddy_admin.web.pages.history.timeline import TimelineSection
from freddy_admin.web.pages.key.candidate import CandidateCard, candidate_card
from freddy_admin.web.pages.key.problem_panel import (
    HealthRuleLine,
    ProblemPanel,
    health_rule_lines,
    problem_panel,
)
from freddy_admin.web.pages.overview.rows import key_row_digest, tool_counts_cell
from freddy_admin.web.pages.sync_start.operation import OperationStatus
from freddy_admin.wording.keys import (
    check_request_sentence,
    figures_sentence,
    is_check_request_slow,
    key_expiry_sentences,
    key_expiry_tone,
    last_and_next_check,
    wrong_organisation_warning,
)
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.states import GRACE_RULE, QUIET, WARN, key_headline, overdue_announcement
from freddy_admin.wording.times import (
    EITHER,
    UserTime,
    format_day,
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
class KeyNotice:
    """A sentence and how loud it is."""

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
    headline: SafeString
    overdue_announcement: SafeString
    last_check_line: SafeString
    figures: list[KeyFact]
    figures_note: str
    facts: list[KeyFact]
    warning: str
    expiry: KeyNotice | None
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
    check_outcome: KeyNotice | None
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
        headline=render_html(key_headline(row), user_time),
        overdue_announcement=render_html(overdue_announcement(row), user_time),
        last_check_line=render_html(last_and_next_check(row, user_time.now), user_time),
        figures=_figure_facts(row, user_time),
        figures_note=render_text(figures_sentence(row)),
        facts=_key_facts(row, key, user_time),
        warning=render_text(wrong_organisation_warning(row)),
        expiry=_key_expiry_notice(row, user_time),
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
        grace_text=str(GRACE_RULE),
        pending=row.is_check_pending or row.is_sync_running,
        check_outcome=check_outcome,
        announcement=_("%(label)s: checked. %(state)s.")
        % {"label": row.key_label, "state": pill.word},
        key_id=row.key_id,
    )


_KEY_PAGE_NAMES = ("replace", "edit", "pause", "resume", "revoke", "check")


def _key_card_digest(
    row: KeyRow, key: ApiKey, user_time: UserTime, check_outcome: KeyNotice | None
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
        KeyFact(
            _("Incremental sync"),
            pgettext("incremental sync", "on")
            if figures.incremental_sync_enabled
            else pgettext("incremental sync", "off"),
        ),
    ]


def _inconsistency_label(is_inconsistent: bool) -> str:
    return _("inconsistent") if is_inconsistent else ""


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


def _key_expiry_notice(row: KeyRow, user_time: UserTime) -> KeyNotice | None:
    words = render_html(key_expiry_sentences(row), user_time)
    return KeyNotice(key_expiry_tone(row), words) if words else None


def _check_request_notice(
    row: KeyRow, user_time: UserTime, requested_at: datetime
) -> KeyNotice | None:
    now = user_time.now
    words = render_html(check_request_sentence(row, requested_at, now), user_time)
    if not words:
        return None
    if row.checked_at is not None and row.checked_at >= requested_at:
        return KeyNotice(state_pill(row.state).tone, words)
    return KeyNotice(WARN if is_check_request_slow(row, requested_at, now) else QUIET, words)


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
