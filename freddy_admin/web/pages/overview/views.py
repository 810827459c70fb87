"""The overview, its export and its saved views: whether every sync is running."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import SavedView, User
from freddy_admin.accounts.saved_views import saved_view_delete, saved_view_save
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.core.errors import PublicError
from freddy_admin.organisations.access import can_create_organisations
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.checks.policy import status_request_refresh
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.platform_status import api_healths_list
from freddy_admin.sync.status.export import (
    TRUE_TEXTS,
    StatusBatch,
    StatusRow,
    status_batches,
    statuses_select,
)
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.sync.status.rows import CheckError, KeyRow
from freddy_admin.sync.status.selectors import (
    Overview,
    overview_page,
    overview_with_filter_options,
)
from freddy_admin.sync.status.view_version import (
    ShownVersion,
    is_worker_silent,
    next_change_by_clock,
)
from freddy_admin.web.access import WRITE_METHODS, signed_in_user, signed_in_user_required
from freddy_admin.web.components import key_row_anchor, key_row_digests, render_checked
from freddy_admin.web.csv_responses import csv_response, export_audit_event_record
from freddy_admin.web.htmx import (
    VERSION_HEADER,
    LiveView,
    add_packed_row_digests,
    live_view,
    not_modified,
    render_parts,
    seen_part_digests,
    values_digest,
)
from freddy_admin.web.pages.overview.filters import OVERVIEW_PARAMS
from freddy_admin.web.pages.overview.presenter import overview_page_context
from freddy_admin.wording.failures import failure_wording
from freddy_admin.wording.notices import (
    NoticeWording,
    master_key_notice,
    message_fault_notices,
    outage_notice,
    silent_worker_notice,
)
from freddy_admin.wording.panel_copy import copied_panel_notice
from freddy_admin.wording.platform_api import api_conditions, unreachable_places
from freddy_admin.wording.refused_alike import refused_notice
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import get_user_time

_MAX_REFUSED_NOTICES = 3
_CHECKS_STORED_WITHIN = timedelta(seconds=60)


@signed_in_user_required()
def overview_show_view(request: HttpRequest) -> HttpResponse:
    """The first page of a signed-in person; to the page's own polls it sends what changed."""
    now, person = clock.now(), signed_in_user(request)
    filters = OVERVIEW_PARAMS.parse(request.GET)
    live = live_view(request, "overview", filters, user=person, now=now)
    if live.is_current:
        return not_modified()
    overview = overview_page(user=person, filters=filters, now=now)
    if request.method != "HEAD":
        status_request_refresh(rows=overview.rows, now=now)
    seen_digests, notices = seen_part_digests(request), _overview_notices(overview, person)
    digests = _overview_digests(overview, notices, key_row_digests(overview.rows))
    is_part = seen_digests is not None and seen_digests.get("frame") == digests["frame"]
    if is_part:
        return _live_update(request, overview, live, notices, digests)
    overview = overview_with_filter_options(user=person, overview=overview)
    context = overview_page_context(overview, get_user_time(now), notices=notices, digests=digests)
    context |= _offered_actions(person, overview.rows)
    context["version"] = live.version(valid_until=next_change_by_clock(overview.rows, now))
    if seen_digests is not None:
        response = render(request, "overview/_live.html", context)
        response[VERSION_HEADER] = context["version"]
        return response
    # The saved views stand above the live part: no poll needs them.
    context |= saved_views_context(person.saved_views_by_name(), overview.filters)
    return render(request, "overview/page.html", context)


def _live_update(
    request: HttpRequest,
    overview: Overview,
    live: LiveView,
    notices: list[NoticeWording],
    digests: dict[str, str],
) -> HttpResponse:
    """The parts that changed, for a browser that shows this list; 204 where none did.

    Checks that changed nothing else are told once a minute, all in one answer.
    """
    seen_digests, user_time = seen_part_digests(request) or {}, get_user_time(overview.now)
    anchors = [key_row_anchor(row) for row in overview.rows]
    add_packed_row_digests(seen_digests, {anchor: digests[anchor] for anchor in anchors})
    # The line on the latest check stands in the head.
    with_checks = live.are_checks_due or digests["head"] != seen_digests.get("head")
    valid_until = next_change_by_clock(overview.rows, overview.now)
    version = live.version(valid_until=valid_until, with_checks=with_checks)
    if not with_checks:
        digests |= {"checked": seen_digests.get("checked", "")}
    if digests.items() <= seen_digests.items():
        return not_modified(version)
    context = overview_page_context(
        overview, user_time, notices=notices, digests=digests, seen_digests=seen_digests
    )
    if digests["checked"] != seen_digests.get("checked"):
        same_rows = [
            row
            for row in overview.rows
            if seen_digests.get(anchor := key_row_anchor(row)) == digests[anchor]
            and _is_check_untold(row, live.shown)
        ]
        context["checked_cells"] = [
            (row.key_id, SafeString(render_checked(row, user_time)))  # nosec B703  it is escaped
            for row in same_rows
        ]
    return render_parts(render(request, "overview/_live_update.html", context), version)


def _is_check_untold(row: KeyRow, shown: ShownVersion | None) -> bool:
    """Whether the browser may not have been told of the latest check, stored after its end."""
    if shown is None or row.checked_at is None:
        return True
    return row.checked_at > shown.checks_at - _CHECKS_STORED_WITHIN


def _overview_notices(overview: Overview, person: User) -> list[NoticeWording]:
    """What concerns all keys at one moment, the worst first; usually nothing."""
    notices = []
    if overview.master_key_fault or any(row.has_master_key_failure for row in overview.rows):
        notices.append(master_key_notice(is_for_all_keys=_no_key_opens(overview)))
    if overview.copied_from:
        notices.append(copied_panel_notice(overview.copied_from))
    if overview.outage is not None:
        # Read in an outage alone.
        healths = api_healths_list()
        condition, places = api_conditions(healths), unreachable_places(healths)
        notices.append(outage_notice(overview.outage, condition=condition, places=places))
    notices += [
        refused_notice(group, overview.rows, overview.now)
        for group in overview.refused_groups[:_MAX_REFUSED_NOTICES]
    ]
    if _is_worker_silent(overview):
        notices.append(
            silent_worker_notice(overview.latest_worker_heartbeat_at, overview.checked_at)
        )
    elif overview.message_fault and not overview.copied_from:
        notices += message_fault_notices(
            overview.message_fault, is_platform_admin=person.is_platform_admin
        )
    return notices


def _is_worker_silent(overview: Overview) -> bool:
    """No sign of life of any worker for more than two check periods, although there is work."""
    return overview.total > 0 and is_worker_silent(
        overview.latest_worker_heartbeat_at, overview.now
    )


def _no_key_opens(overview: Overview) -> bool:
    """Whether no key in view was opened: any other checked state means that one was."""
    unopened_states = {HealthState.UNKNOWN, HealthState.NOT_CHECKED, HealthState.PAUSED}
    return set(overview.all_counts) <= unopened_states and all(
        row.has_master_key_failure
        for row in overview.rows
        if row.checked_at and row.state is not HealthState.PAUSED
    )


def _overview_digests(
    overview: Overview, notices: list[NoticeWording], rows: dict[str, str]
) -> dict[str, str]:
    """A digest per part of the page; a browser that shows them all gets no content."""
    order = [row.key_id for row in overview.rows]
    return {
        "frame": values_digest(
            order, overview.pages, overview.matching, overview.empty_organisations
        ),
        "head": values_digest(
            list(overview.all_counts.items()),
            list(overview.counts.items()),
            [notice.kind for notice in notices],
            [
                (group.figures_digest, group.keys, group.names)
                for group in overview.shared_sync_groups
            ],
            overview.more_shared_sync_groups,
            (overview.urgent, overview.urgent_matching, overview.expiring),
            (overview.waiting, overview.waiting_matching, overview.alike_matching),
        ),
        "needs": values_digest(
            [rows[key_row_anchor(row)] for row in overview.rows if row.needs_attention],
            overview.refused_groups,
            (overview.own_move_count_matching, overview.others_move_count_matching),
            overview.decisions,
        ),
        "checked": values_digest(
            overview.checked_at, overview.next_check_at, [row.checked_at for row in overview.rows]
        ),
    } | rows


def _offered_actions(person: User, rows: list[KeyRow]) -> dict[str, bool]:
    """Which buttons this person gets: adding, starting syncs, importing."""
    held_permissions = {permission for row in rows for permission in row.permissions}
    may_add = can_create_organisations(user=person)
    return {
        "may_add": may_add,
        "may_start": Permission.START_SYNC in held_permissions,
        "may_import": may_add or Permission.MANAGE_KEYS in held_permissions,
    }


OVERVIEW_CSV_COLUMNS = (
    "organisation",
    "organisation_slug",
    "key",
    "key_id",
    "state",
    "state_since",
    "last_sync_at",
    "next_sync_at",
    "enabled_tools",
    "total_tools",
    "sync_interval_hours",
    "checked_at",
    "observed_at",
    "owner",
    "error",
    "key_expires_on",
    "incremental_sync_enabled",
    "tags",
    "organization_id",
    "error_code",
    "error_http_status",
    "error_message",
    "trace_id",
    "request_id",
    "environment",
)
_INCREMENTAL_WORDS = ("false", "true")


@signed_in_user_required()
def overview_export_view(request: HttpRequest) -> StreamingHttpResponse:
    """A CSV of all rows this person sees that the filters leave; times in UTC."""
    now, filters = clock.now(), OVERVIEW_PARAMS.parse(request.GET)
    person = signed_in_user(request)
    selection = statuses_select(user=person, filters=filters, now=now)
    export_audit_event_record(request, _("overview, CSV"))
    batches = status_batches(user=person, key_ids=selection.key_ids, now=now)
    rows = (_overview_csv_cells(row, batch) for batch in batches for row in batch.rows)
    return csv_response("overview", OVERVIEW_CSV_COLUMNS, rows)


def _overview_csv_cells(row: StatusRow, batch: StatusBatch) -> list[object]:
    error = batch.errors.get(row.key_id)
    figures: list[object] = [None] * 6
    if row.observed_at:
        figures = [
            row.last_sync_at,
            row.next_sync_at,
            row.enabled_tools,
            row.total_tools,
            row.sync_interval_hours,
            _INCREMENTAL_WORDS[row.incremental_sync_enabled in TRUE_TEXTS],
        ]
    return [
        row.organisation_name,
        row.organisation_slug,
        row.key_label,
        row.key_id,
        row.state,
        row.state_since,
        *figures[:5],
        row.checked_at,
        row.observed_at,
        batch.owner_names.get(row.key_id),
        error.kind if error else None,
        row.expires_on,
        figures[5],
        "|".join(batch.tags.get(row.key_id, ())),
        row.entered_organization_id or row.reported_organization_id,
        *_error_csv_cells(error),
        row.environment,
    ]


def _error_csv_cells(error: CheckError | None) -> list[object]:
    if error is None:
        return [None] * 5
    message = error.message or render_text(failure_wording(error).words)
    return [error.code, error.http_status, message, error.trace_id, error.request_id]


def saved_view_query(filters: OverviewFilters) -> str:
    """What a saved view holds: search, filters and sort, written anew and without a “?”.

    Without the page, and without `same`: which keys report the same passes with the next sync.
    """
    return OVERVIEW_PARAMS.build_url(filters, figures_digest="").removeprefix("?")


def saved_views_context(saved_views: list[SavedView], filters: OverviewFilters) -> dict[str, Any]:
    """The saved views above the list, and whether what is shown may be saved as another one.

    Keys that report the same are no view: nobody keeps what the next sync changes.
    """
    query = saved_view_query(filters)
    current = [view for view in saved_views if view.query == query and not filters.figures_digest]
    return {
        "saved_views": saved_views,
        "current_views": current,
        "saved_view_query": query,
        "can_save_view": bool(query) and not filters.figures_digest and not current,
    }


@signed_in_user_required(WRITE_METHODS)
def saved_view_create_view(request: HttpRequest) -> HttpResponse:
    """Save the filters of the overview under a name, as the panel's own URLs write them."""
    query = _clean_saved_view_query(request.POST.get("query", ""))
    try:
        name = request.POST.get("name", "")
        saved_view = saved_view_save(
            actor=actor_from_request(request), user=signed_in_user(request), name=name, query=query
        )
    except PublicError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The view “%(name)s” is kept.") % {"name": saved_view.name})
    return _redirect_to_overview(query)


@signed_in_user_required(WRITE_METHODS)
def saved_view_delete_view(request: HttpRequest, view_id: int) -> HttpResponse:
    """Delete a saved view; the overview keeps its present filters."""
    name = saved_view_delete(
        actor=actor_from_request(request), user=signed_in_user(request), view_id=view_id
    )
    messages.success(request, _("The view “%(name)s” was removed.") % {"name": name})
    return _redirect_to_overview(_clean_saved_view_query(request.POST.get("query", "")))


def _clean_saved_view_query(query: str) -> str:
    """The query of a saved view from one that a browser sent: parsed and written anew."""
    return saved_view_query(OVERVIEW_PARAMS.parse(QueryDict(query)))


def _redirect_to_overview(query: str) -> HttpResponse:
    return redirect(reverse("overview") + (f"?{query}" if query else ""))
