"""The header of a catalog page: its key, its age, what went wrong, what can be done."""

from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.catalog.types import CatalogState
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.catalog_context import CatalogContext
from freddy_admin.web.presenters.catalog.catalog_problem import catalog_problem_panel
from freddy_admin.web.presenters.failure_wording import failure_wording
from freddy_admin.web.presenters.key_actions import ActionButton
from freddy_admin.web.presenters.key_card import CheckRequestNotice
from freddy_admin.web.presenters.key_rows import values_digest
from freddy_admin.web.presenters.problem_panel import ProblemPanel
from freddy_admin.web.presenters.select_option import SelectOption
from freddy_admin.web.presenters.state_pill import GOOD, QUIET, WARN
from freddy_admin.web.presenters.user_time import UserTime

CHECK_OUTCOME_SHOWN_FOR = timedelta(minutes=10)
# After so long without an end the worker is busy or stopped: asking often brings nothing.
FAST_POLL_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class CatalogHeader:
    """Ready for its template; `polls_fast` while a fetch is about to end."""

    anchor: str
    label: str
    keys: list[SelectOption]
    last_check_line: SafeString
    check: ActionButton | None
    note: str
    check_outcome: CheckRequestNotice | None
    problem: ProblemPanel | None
    polls_fast: bool
    announcement: str
    digest: str


def catalog_header(context: CatalogContext, key: ApiKey) -> CatalogHeader:
    """The header for one person and one moment."""
    state, user_time = context.state, context.user_time
    check_outcome = _fetch_request_notice(context) if context.check_requested_at else None
    problem = catalog_problem_panel(context, key)
    polls_fast = key.paused_at is None and _polls_fast(state, user_time)
    digest = values_digest(
        (context.access.organisation.name, context.access.permissions, key.paused_at),
        [(listed_key.pk, listed_key.label) for listed_key in context.keys],
        (key.pk, key.version, state.observed_at, state.checked_at, state.is_from_previous_key),
        (state.is_pending(user_time.now), state.is_held(user_time.now), polls_fast, state.error),
        check_outcome and check_outcome.tone,
    )
    return CatalogHeader(
        anchor="list",
        label=key.label,
        keys=_key_options(context, key),
        last_check_line=_last_fetch_line(state, user_time),
        check=_fetch_now_button(context, key),
        note=_paused_or_former_key_note(state, key),
        check_outcome=check_outcome,
        problem=problem,
        polls_fast=polls_fast,
        announcement=_("The list could not be fetched.")
        if state.error
        else _("The list was fetched."),
        digest=digest,
    )


def _key_options(context: CatalogContext, key: ApiKey) -> list[SelectOption]:
    """The keys to choose from; empty where there is only one."""
    if len(context.keys) < 2:
        return []
    return [
        SelectOption(str(listed_key.pk), listed_key.label, listed_key.pk == key.pk)
        for listed_key in context.keys
    ]


def _polls_fast(state: CatalogState, user_time: UserTime) -> bool:
    if not state.is_pending(user_time.now):
        return False
    pending_since = state.requested_at or state.refresh_requested_at
    return pending_since is None or user_time.now - pending_since < FAST_POLL_FOR


def _last_fetch_line(state: CatalogState, user_time: UserTime) -> SafeString:
    parts = [format_html("{}", _("No list yet"))]
    if state.observed_at is not None:
        parts = [format_html(_("As of {ago}"), ago=user_time.render_ago(state.observed_at))]
    if state.checked_at is not None:
        parts.append(format_html(_("we looked {ago}"), ago=user_time.render_ago(state.checked_at)))
    if state.is_pending(user_time.now):
        pending_text = (
            _("asking Aitronos now")
            if _polls_fast(state, user_time)
            else _("waiting for the worker")
        )
        parts.append(format_html("{}", pending_text))
    elif state.hold_until is not None and state.is_held(user_time.now):
        hold_end = user_time.render_clock(state.hold_until)
        parts.append(format_html(_("Aitronos asked us to wait until {at}"), at=hold_end))
    return format_html_join(" · ", "{}", ((part,) for part in parts))


def _fetch_now_button(context: CatalogContext, key: ApiKey) -> ActionButton | None:
    if not context.access.allows(Permission.CHECK) or key.paused_at is not None:
        return None
    is_busy = context.state.is_pending(context.user_time.now)
    href = reverse(
        "catalog_check", args=[context.access.organisation.slug, key.pk, context.state.kind.value]
    )
    label = _("Checking…") if is_busy else _("Check now")
    return ActionButton(label, href, "refresh", uses_post=True, is_busy=is_busy)


def _paused_or_former_key_note(state: CatalogState, key: ApiKey) -> str:
    if key.paused_at is not None:
        return _("This key is paused: its lists are not fetched until somebody resumes it.")
    if state.is_from_previous_key:
        return _("This list came with the former key; the present one has not brought one yet.")
    return ""


def _fetch_request_notice(context: CatalogContext) -> CheckRequestNotice | None:
    """What became of the fetch this person requested."""
    state = context.state
    user_time = context.user_time
    check_requested_at = context.check_requested_at
    if check_requested_at is None or user_time.now - check_requested_at > CHECK_OUTCOME_SHOWN_FOR:
        return None
    if state.checked_at is not None and state.checked_at >= check_requested_at:
        at = user_time.render_clock(state.checked_at)
        if state.error is None:
            return CheckRequestNotice(
                GOOD, format_html(_("Fetched at {at}, after you asked."), at=at)
            )
        brief_reason = failure_wording(state.error).brief
        words = format_html(_("Tried at {at}, after you asked: {why}."), at=at, why=brief_reason)
        return CheckRequestNotice(WARN, words)
    if user_time.now - check_requested_at > timedelta(seconds=45):
        slow = _("The call has not ended yet. The worker may be busy or stopped.")
        return CheckRequestNotice(WARN, format_html("{}", slow))
    return CheckRequestNotice(
        QUIET,
        format_html(
            _("Asking Aitronos, as you asked {ago}…"), ago=user_time.render_ago(check_requested_at)
        ),
    )
