"""The header of a catalog page: its key, its age, what went wrong, what can be done."""

from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.catalog.types import CatalogState
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.catalog_context import CatalogContext
from freddy_admin.web.presenters.catalog.catalog_problem import catalog_problem_panel
from freddy_admin.web.presenters.key_actions import ActionButton
from freddy_admin.web.presenters.key_card import KeyNotice
from freddy_admin.web.presenters.key_rows import values_digest
from freddy_admin.web.presenters.problem_panel import ProblemPanel
from freddy_admin.web.presenters.select_option import SelectOption
from freddy_admin.wording.catalog import (
    fetch_announcement,
    last_fetch_line,
    list_note,
    requested_fetch_wording,
)
from freddy_admin.wording.sentences import render_html
from freddy_admin.wording.states import KeyAction
from freddy_admin.wording.times import UserTime

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
    check_outcome: KeyNotice | None
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
        last_check_line=render_html(
            last_fetch_line(
                state, now=user_time.now, is_worker_slow=not _polls_fast(state, user_time)
            ),
            user_time,
        ),
        check=_fetch_now_button(context, key),
        note=str(list_note(state, is_paused=key.paused_at is not None)),
        check_outcome=check_outcome,
        problem=problem,
        polls_fast=polls_fast,
        announcement=str(fetch_announcement(state)),
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


def _fetch_now_button(context: CatalogContext, key: ApiKey) -> ActionButton | None:
    if not context.access.allows(Permission.CHECK) or key.paused_at is not None:
        return None
    is_busy = context.state.is_pending(context.user_time.now)
    href = reverse(
        "catalog_check", args=[context.access.organisation.slug, key.pk, context.state.kind.value]
    )
    action = KeyAction.CHECK_NOW
    label = _("Checking…") if is_busy else str(action.label)
    return ActionButton(label, href, action.icon, uses_post=True, is_busy=is_busy)


def _fetch_request_notice(context: CatalogContext) -> KeyNotice | None:
    """What became of the fetch this person requested."""
    requested_at, user_time = context.check_requested_at, context.user_time
    if requested_at is None or user_time.now - requested_at > CHECK_OUTCOME_SHOWN_FOR:
        return None
    tone, sentence = requested_fetch_wording(
        context.state, requested_at=requested_at, now=user_time.now
    )
    return KeyNotice(tone, render_html(sentence, user_time))
