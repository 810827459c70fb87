"""The problem panel of a catalog: why it could not be fetched, and who can fix it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind as Kind
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.catalog.types import CatalogState
from freddy_admin.sync.checks.results import LocalFailureKind as Own
from freddy_admin.sync.status.types import CheckError
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.components import ActionButton, SelectOption
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.catalog.filters import CatalogContext, CatalogQuery
from freddy_admin.web.pages.key.presenter import KeyNotice
from freddy_admin.web.pages.key.problem_panel import ProblemPanel
from freddy_admin.wording.catalog import (
    fetch_announcement,
    fetch_failure_scope,
    fetch_failure_sentences,
    item_count,
    last_fetch_line,
    list_note,
    requested_fetch_wording,
    truncation_note,
)
from freddy_admin.wording.failures import failure_wording
from freddy_admin.wording.sentences import format_number, render_html, render_text
from freddy_admin.wording.states import KeyAction
from freddy_admin.wording.support_text import catalog_support_text
from freddy_admin.wording.times import UserTime

_KEY_FAILURE_KINDS = frozenset(
    {Kind.KEY_REFUSED, Kind.KEY_NOT_PERMITTED, Kind.INVALID_SECRET, Own.KEY_UNREADABLE}
)


def catalog_problem_panel(context: CatalogContext, key: ApiKey) -> ProblemPanel | None:
    """The panel; None where the latest fetch went well, and while the key is paused."""
    error = context.state.error
    if error is None or key.paused_at is not None:
        return None
    failure = failure_wording(error)
    return ProblemPanel(
        tone="warn",
        icon="alert-triangle",
        advice=str(failure.advice),
        what_happened=render_text(fetch_failure_sentences(error)),
        since=SafeString(""),
        affected_scope=render_html(fetch_failure_scope(context.state), context.user_time),
        responsible_party=str(failure.responsible_party),
        action=_replace_key_button(context, key, error),
        is_prominent=False,
        support_text=catalog_support_text(
            context.state,
            key=key,
            organisation_name=context.access.organisation.name,
            error=error,
            now=context.user_time.now,
        ),
    )


def _replace_key_button(
    context: CatalogContext, key: ApiKey, error: CheckError
) -> ActionButton | None:
    if error.kind not in _KEY_FAILURE_KINDS or not context.access.allows(Permission.MANAGE_KEYS):
        return None
    href = reverse("key_replace", args=[context.access.organisation.slug, key.pk])
    return ActionButton(str(KeyAction.REPLACE_KEY.label), href, KeyAction.REPLACE_KEY.icon)


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


PAGE_SIZE = 50


class CatalogRow(Protocol):
    """A row of a catalog, as search and the category filter read it."""

    @property
    def text(self) -> str:
        """All that is shown of the row, as one text to search in."""

    @property
    def category(self) -> str:
        """The category of the row; empty where it has none."""


Row = TypeVar("Row", bound=CatalogRow)


@dataclass(frozen=True, slots=True)
class CatalogPage(Generic[Row]):
    """Ready for its template; `key` is as the address names it, so that a search stays with it."""

    rows: list[Row]
    path: str
    clear_url: str
    key: str
    q: str
    categories: list[SelectOption]
    row_count_text: str
    narrowed: bool
    truncation_note: str
    previous_href: str
    next_href: str
    pages: str
    is_empty: bool  # nothing is listed, whatever is searched


def catalog_page(context: CatalogContext, rows: Sequence[Row]) -> CatalogPage[Row]:
    """The page the address asks for."""
    query, kind = context.query, context.state.kind
    matching_rows = _filter_rows(rows, query)
    pages = max(1, -(-len(matching_rows) // PAGE_SIZE))
    page = min(query.page, pages)
    path = reverse(kind.value, args=[context.access.organisation.slug])
    return CatalogPage(
        rows=matching_rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        path=path,
        clear_url=CatalogQuery(key=query.key).build_url(path),
        key=str(query.key or ""),
        q=query.q,
        categories=_category_options(rows, query),
        row_count_text=str(
            item_count(kind, len(rows), matching=len(matching_rows) if query.is_narrowed else None)
        ),
        narrowed=query.is_narrowed,
        truncation_note=str(truncation_note(context.state.total, len(rows))),
        previous_href=query.build_url(path, page=page - 1) if page > 1 else "",
        next_href=query.build_url(path, page=page + 1) if page < pages else "",
        pages=_("Page %(page)s of %(pages)s")
        % {"page": format_number(page), "pages": format_number(pages)},
        is_empty=not rows,
    )


def _filter_rows(rows: Sequence[Row], query: CatalogQuery) -> list[Row]:
    words = query.q.casefold().split()
    inside = [row for row in rows if query.category in {"", row.category}]
    if not words:
        return inside
    return [row for row in inside if all(word in row.text.casefold() for word in words)]


def _category_options(rows: Sequence[Row], query: CatalogQuery) -> list[SelectOption]:
    names = {one.category for one in rows if one.category} | ({query.category} - {""})
    in_order = sorted(names, key=lambda name: (name.casefold(), name))
    return [SelectOption(name, name, name == query.category) for name in in_order]
