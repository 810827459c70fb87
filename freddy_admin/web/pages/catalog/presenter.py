"""The catalog of a key, ready for its templates: its header, and the part that is asked for."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind as Kind
from freddy_admin.aitronos.json_parsing import parse_iso_datetime
from freddy_admin.aitronos.types import AuthConfig, Connector
from freddy_admin.core import clock
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.catalog.selectors import catalog_key_list, catalog_state_get
from freddy_admin.sync.catalog.services import catalog_request_refresh
from freddy_admin.sync.catalog.types import CatalogItem, CatalogState
from freddy_admin.sync.checks.results import LocalFailureKind as Own
from freddy_admin.sync.models import CatalogKind
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.selectors import key_not_found
from freddy_admin.web.components import ActionButton
from freddy_admin.web.htmx import check_requested_since, values_digest
from freddy_admin.web.pages.catalog.filters import CATALOG_PARAMS, CatalogQuery
from freddy_admin.wording.catalog import (
    fetch_announcement,
    fetch_failure_scope,
    fetch_failure_sentences,
    item_count,
    last_fetch_line,
    list_note,
    repeated_toolkits_note,
    requested_fetch_wording,
    truncation_note,
)
from freddy_admin.wording.failures import failure_wording
from freddy_admin.wording.next_steps import catalog_support_text
from freddy_admin.wording.sentences import format_number, render_html, render_text
from freddy_admin.wording.states import KeyAction
from freddy_admin.wording.times import UserTime, get_user_time

PAGE_SIZE = 50
CHECK_OUTCOME_SHOWN_FOR = timedelta(minutes=10)
# After so long without an end the worker is busy or stopped: asking often brings nothing.
FAST_POLL_FOR = timedelta(seconds=60)
_KEY_FAILURE_KINDS = frozenset(
    {Kind.KEY_REFUSED, Kind.KEY_NOT_PERMITTED, Kind.INVALID_SECRET, Own.KEY_UNREADABLE}
)


@dataclass(frozen=True, slots=True)
class CatalogContext:
    """The request for one catalog; `key` is None where the organisation has none in use."""

    access: Access
    query: CatalogQuery
    keys: list[ApiKey]
    key: ApiKey | None
    state: CatalogState
    user_time: UserTime
    check_requested_at: datetime | None  # when this user pressed *Check now*


def get_catalog_context_and_request_refresh(
    request: HttpRequest, access: Access, kind: CatalogKind
) -> CatalogContext:
    """The context for the key in the address, else for the first that works.

    Raises NotFound for a key that is not in use in this organisation.
    """
    now, query = clock.now(), CATALOG_PARAMS.parse(request.GET)
    keys = catalog_key_list(organisation=access.organisation)
    key = _select_key(keys, query.key)
    state = CatalogState(kind)
    if key is not None:
        get_state = (
            catalog_state_get
            if request.method == "HEAD"
            else partial(catalog_request_refresh, now=now)
        )
        state = get_state(organisation=access.organisation, key=key, kind=kind)
    return CatalogContext(
        access=access,
        query=query,
        keys=[key for key, _is_working in keys],
        key=key,
        state=state,
        user_time=get_user_time(now),
        check_requested_at=check_requested_since(request),
    )


def _select_key(keys: Sequence[tuple[ApiKey, bool]], key_id: int | None) -> ApiKey | None:
    if key_id is not None:
        chosen = next((key for key, _is_working in keys if key.pk == key_id), None)
        if chosen is None:
            raise key_not_found()
        return chosen
    working = next((key for key, is_working in keys if is_working), None)
    return working or (keys[0][0] if keys else None)


def catalog_header(context: CatalogContext, key: ApiKey) -> dict[str, Any]:
    """What stands above the list: its age, what is under way, what is wrong."""
    state, user_time = context.state, context.user_time
    check_outcome = _fetch_request_notice(context)
    is_fetch_expected_soon = _is_fetch_expected_soon(state, user_time.now)
    polls_fast = key.paused_at is None and is_fetch_expected_soon
    return {
        "anchor": "list",
        "label": key.label,
        "last_check_line": render_html(
            last_fetch_line(state, now=user_time.now, is_worker_slow=not is_fetch_expected_soon),
            user_time,
        ),
        "check": _fetch_now_button(context, key),
        "note": list_note(state, is_paused=key.paused_at is not None),
        "check_outcome": check_outcome,
        "problem": _problem_panel(context, key),
        "polls_fast": polls_fast,
        "announcement": fetch_announcement(state),
        "digest": values_digest(
            (context.access.organisation.name, context.access.permissions, key.paused_at),
            [(listed_key.pk, listed_key.label) for listed_key in context.keys],
            (key.pk, key.version, state.observed_at, state.checked_at, state.is_from_previous_key),
            (state.is_pending(user_time.now), state.is_held(user_time.now), polls_fast),
            (state.error, check_outcome and check_outcome["tone"]),
        ),
    }


def _is_fetch_expected_soon(state: CatalogState, now: datetime) -> bool:
    if not state.is_pending(now):
        return False
    pending_since = state.requested_at or state.refresh_requested_at
    return pending_since is None or now - pending_since < FAST_POLL_FOR


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


def _fetch_request_notice(context: CatalogContext) -> dict[str, str] | None:
    """What became of the fetch this person requested."""
    requested_at, user_time = context.check_requested_at, context.user_time
    if requested_at is None or user_time.now - requested_at > CHECK_OUTCOME_SHOWN_FOR:
        return None
    tone, sentence = requested_fetch_wording(
        context.state, requested_at=requested_at, now=user_time.now
    )
    return {"tone": tone, "words": render_html(sentence, user_time)}


def _problem_panel(context: CatalogContext, key: ApiKey) -> dict[str, Any] | None:
    """Why the catalog could not be fetched, and who can fix it.

    None where the latest fetch went well, and while the key is paused.
    """
    error, organisation = context.state.error, context.access.organisation
    if error is None or key.paused_at is not None:
        return None
    failure, replace_key = failure_wording(error), KeyAction.REPLACE_KEY
    action = None
    if error.kind in _KEY_FAILURE_KINDS and context.access.allows(replace_key.permission):
        href = reverse(replace_key.url_name, args=[organisation.slug, key.pk])
        action = ActionButton(str(replace_key.label), href, replace_key.icon)
    return {
        "tone": "warn",
        "icon": "alert-triangle",
        "advice": failure.advice,
        "what_happened": render_text(fetch_failure_sentences(error)),
        "affected_scope": render_html(fetch_failure_scope(context.state), context.user_time),
        "responsible_party": failure.responsible_party,
        "action": action,
        "support_text": catalog_support_text(
            context.state,
            key=key,
            organisation_name=organisation.name,
            error=error,
            now=context.user_time.now,
        ),
    }


def catalog_list(context: CatalogContext, items: Sequence[CatalogItem]) -> dict[str, Any]:
    """The part of the list that the address asks for, with its search and its pages."""
    query, kind = context.query, context.state.kind
    matching = _matching_items(items, query, context.user_time)
    pages = max(1, -(-len(matching) // PAGE_SIZE))
    page = min(query.page, pages)
    path = reverse(kind.value, args=[context.access.organisation.slug])
    repeated_toolkits = _repeated_toolkits(items)
    return {
        "repeated_toolkits_note": render_text(
            repeated_toolkits_note(list(repeated_toolkits.values()))
        ),
        "rows": [
            _row(item, repeated_toolkits, context.user_time)
            for item in matching[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        ],
        "query": query,
        "categories": _categories(items, query),
        "path": path,
        "clear_url": CatalogQuery(key=query.key).build_url(path),
        "item_count": item_count(
            kind, len(items), matching=len(matching) if query.is_narrowed else None
        ),
        "truncation_note": truncation_note(context.state.total, len(items)),
        "previous_href": query.build_url(path, page=page - 1) if page > 1 else "",
        "next_href": query.build_url(path, page=page + 1) if page < pages else "",
        "pages": _("Page %(page)s of %(pages)s")
        % {"page": format_number(page), "pages": format_number(pages)},
        "is_empty": not items,  # nothing is listed, whatever is searched
    }


def _row(
    item: CatalogItem, repeated_toolkits: Collection[str], user_time: UserTime
) -> Connector | tuple[AuthConfig, str, bool]:
    """A connector as it is; an auth config with when it was created, and whether it is flagged.

    A time is shown as one of the reader's; any other text of Aitronos as it is.
    """
    if isinstance(item, Connector):
        return item
    at = parse_iso_datetime(item.created_at)
    created = user_time.render_clock(at) if at else item.created_at
    return item, created, item.toolkit.casefold() in repeated_toolkits


def _repeated_toolkits(items: Sequence[CatalogItem]) -> dict[str, str]:
    """The toolkits with several auth configs: as they are named, by their folded names."""
    toolkits = [item.toolkit for item in items if isinstance(item, AuthConfig) and item.toolkit]
    counts = Counter(toolkit.casefold() for toolkit in toolkits)
    names = dict[str, str]()
    for toolkit in toolkits:
        names.setdefault(toolkit.casefold(), toolkit)
    return {name: names[name] for name in sorted(names) if counts[name] > 1}


def _matching_items(
    items: Sequence[CatalogItem], query: CatalogQuery, user_time: UserTime
) -> list[CatalogItem]:
    words = set(query.q.casefold().split())

    def has_all_words(item: CatalogItem) -> bool:
        # Made once per item: a search of fifty words costs what one word does.
        text = _searched_text(item, user_time) if words else ""
        return all(word in text for word in words)

    return [
        item for item in items if query.category in {"", _category(item)} and has_all_words(item)
    ]


def _category(item: CatalogItem) -> str:
    return item.category if isinstance(item, Connector) else ""


def _searched_text(item: CatalogItem, user_time: UserTime) -> str:
    """All that the page shows of the item, case-folded."""
    if isinstance(item, AuthConfig):
        at, created = parse_iso_datetime(item.created_at), item.created_at
        if at:
            created = f"{user_time.format_clock(at)}\n{user_time.format_exact(at)}"
        texts = [item.toolkit, item.type, item.id, created]
    else:
        texts = [
            item.display_name,
            item.tool_key,
            item.description,
            item.category,
            item.release_channel,
            {True: _("Connected"), False: _("Not connected"), None: "—"}[item.is_connected],
        ]
    return "\n".join(texts).casefold()


def _categories(items: Sequence[CatalogItem], query: CatalogQuery) -> list[str]:
    names = {query.category, *map(_category, items)} - {""}
    return sorted(names, key=lambda name: (name.casefold(), name))
