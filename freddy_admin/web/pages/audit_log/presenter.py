"""The audit log's lines in words."""

from dataclasses import replace
from operator import itemgetter
from typing import Any

from django.urls import reverse

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.selectors import AuditPage, AuditScope, audit_cursor_after_event
from freddy_admin.organisations.access import addresses_mask
from freddy_admin.web.pages.audit_log.filters import AuditQuery
from freddy_admin.wording.audit import AUDIT_ACTIONS, audit_action, audit_details
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import UserTime

PAGE_SIZE = 50


def audit_log_context(
    page: AuditPage, query: AuditQuery, user_time: UserTime, scope: AuditScope
) -> dict[str, Any]:
    """The page for one moment."""
    path, search_floor = reverse("audit"), page.search_floor
    newer, older = _adjacent_page_urls(page, query)
    return {
        "query": query,
        "scope": scope,
        "rows": [
            _audit_event_row(mask_event_emails_for_scope(event, scope), user_time)
            for event in page.events
        ],
        "tags": sorted(
            ((tag, str(words)) for tag, words in AUDIT_ACTIONS.items()), key=itemgetter(1)
        ),
        "newer": newer,
        "older": older,
        "search_further_url": query.build_url(path, cursor=search_floor) if search_floor else "",
        "searched_back_to": user_time.format_exact(search_floor.at) if search_floor else "",
        "csv_url": query.build_url(reverse("audit_csv")),
    }


def mask_event_emails_for_scope(event: AuditEvent, scope: AuditScope) -> AuditEvent:
    """The event without other people's e-mail addresses, unless the scope manages it.

    The event is changed in memory and must not be saved, which the log would refuse.
    """
    if not scope.is_unrestricted and event.organisation_id not in scope.managed_organisation_ids:
        for name in ("actor_name", "subject", "details"):
            setattr(event, name, addresses_mask(getattr(event, name), except_address=scope.email))
    return event


def _adjacent_page_urls(page: AuditPage, query: AuditQuery) -> tuple[str, str]:
    """Addresses of the pages before and behind this one; empty where there is none."""
    path, events, cursor = reverse("audit"), page.events, query.cursor
    if not events:
        return (path if query.cursor and not query.is_narrowed else ""), ""
    is_backward = cursor is not None and cursor.newer
    first_cursor = replace(audit_cursor_after_event(events[0]), newer=True)
    last_cursor = audit_cursor_after_event(events[-1])
    newer = (
        query.build_url(path, cursor=first_cursor)
        if (page.has_more if is_backward else cursor)
        else ""
    )
    older = query.build_url(path, cursor=last_cursor) if is_backward or page.has_more else ""
    return newer, older


def _audit_event_row(event: AuditEvent, user_time: UserTime) -> dict[str, Any]:
    request_query = AuditQuery(request=event.request_id)
    return {
        "event": event,
        "time": user_time.render_relative_cell(event.at),
        "exact": user_time.format_exact(event.at),
        "action": str(audit_action(event)),
        "subject": "" if event.subject in event.actor_name else event.subject,
        "request_url": request_query.build_url(reverse("audit")),
        "details": [render_text(line, user_time) for line in audit_details(event)],
        "icon": _ICON_BY_TAG_PREFIX.get(event.tag.partition("_")[0], "info-circle"),
    }


_ICON_BY_TAG_PREFIX = {
    "access": "shield-lock",
    "admin": "shield-lock",
    "check": "refresh",
    "confirmation": "lock",
    "connector": "tools",
    "exported": "download",
    "invitation": "users",
    "key": "key",
    "keys": "key",
    "master": "shield-lock",
    "member": "users",
    "organisation": "building",
    "password": "password",
    "person": "user",
    "second": "lock",
    "sessions": "lock",
    "sign": "lock",
    "signed": "lock",
    "single": "lock",
    "sync": "refresh",
    "token": "password",
}
