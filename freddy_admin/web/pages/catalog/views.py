"""The catalog of a key at Aitronos: auth configs and connectors; and asking for it anew."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.core import clock
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.catalog.services import catalog_contents_get, catalog_fetch_request
from freddy_admin.sync.catalog.types import CatalogContents
from freddy_admin.sync.checks.requests import CheckRequestOutcome
from freddy_admin.sync.models import CatalogKind
from freddy_admin.sync.operations.services import switch_operation_list
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.access import WRITE_METHODS, organisation_permission_required
from freddy_admin.web.htmx import not_modified, seen_part_digests, values_digest
from freddy_admin.web.pages.catalog.connectors import (
    auth_config_rows,
    connector_rows,
    connector_toggle_path_if_allowed,
)
from freddy_admin.web.pages.catalog.filters import (
    CatalogContext,
    get_catalog_context_and_request_refresh,
)
from freddy_admin.web.pages.catalog.presenter import catalog_header, catalog_page
from freddy_admin.web.pages.connector_toggle.presenter import (
    OPERATIONS_SEARCHED_LIMIT,
    connector_toggle_rows,
    connector_toggles_from_operations,
)
from freddy_admin.wording.keys import fetch_not_repeated
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import get_user_time


@organisation_permission_required(Permission.VIEW)
def auth_config_list_view(request: HttpRequest, access: Access) -> HttpResponse:
    """The auth configs of one key: how its connectors sign in."""
    context = get_catalog_context_and_request_refresh(request, access, CatalogKind.AUTH_CONFIGS)
    if context.key is None:
        return _no_key_response(request, context)
    header = catalog_header(context, context.key)
    if (seen_part_digests(request) or {}).get("all") == header.digest:
        return not_modified()
    rows = auth_config_rows(_read_catalog(context, context.key).auth_configs, context.user_time)
    parts = {"header": header, "catalog": catalog_page(context, rows), "digest": header.digest}
    return _catalog_response(request, context, parts)


@organisation_permission_required(Permission.VIEW)
def connector_list_view(request: HttpRequest, access: Access) -> HttpResponse:
    """The connectors that Aitronos lists for one key, and those that were switched here."""
    context = get_catalog_context_and_request_refresh(request, access, CatalogKind.CONNECTORS)
    if context.key is None:
        return _no_key_response(request, context)
    header = catalog_header(context, context.key)
    operations = switch_operation_list(
        organisation=access.organisation, key_id=context.key.pk, limit=OPERATIONS_SEARCHED_LIMIT
    )
    toggles = connector_toggles_from_operations(operations, context.user_time)
    digest = values_digest(header.digest, toggles.digest)
    if (seen_part_digests(request) or {}).get("all") == digest:
        return not_modified()
    connectors = _read_catalog(context, context.key).connectors
    rows = connector_rows(context, context.key, connectors, switching_tool_keys=toggles.tool_keys)
    toggle_path = connector_toggle_path_if_allowed(context, context.key)
    listed_tool_keys = {connector.tool_key for connector in connectors}
    permissions = context.access.permissions
    toggle_rows = connector_toggle_rows(
        toggles,
        context.user_time,
        path=toggle_path,
        listed=listed_tool_keys,
        permissions=permissions,
    )
    parts = {"header": header, "catalog": catalog_page(context, rows), "digest": digest}
    return _catalog_response(
        request, context, parts | {"toggle_rows": toggle_rows, "toggle_path": toggle_path}
    )


@organisation_permission_required(Permission.CHECK, WRITE_METHODS)
def catalog_fetch_request_view(
    request: HttpRequest, access: Access, key_id: int, kind: str
) -> HttpResponse:
    """Ask the worker to fetch one list; redirects to the page where it will appear."""
    requested_at = clock.now()
    result = catalog_fetch_request(
        organisation=access.organisation,
        actor=actor_from_request(request),
        key_id=key_id,
        kind=kind,
    )
    list_url = f"{reverse(kind, args=[access.organisation.slug])}?key={key_id}"
    if result.outcome in {CheckRequestOutcome.ASKED, CheckRequestOutcome.JOINED}:
        return HttpResponseRedirect(f"{list_url}&asked={int(requested_at.timestamp() * 1000)}")
    messages.info(
        request, render_text(fetch_not_repeated(result.held_until), get_user_time(clock.now()))
    )
    return HttpResponseRedirect(list_url)


def _read_catalog(context: CatalogContext, key: ApiKey) -> CatalogContents:
    organisation, kind = context.access.organisation, context.state.kind
    return catalog_contents_get(organisation=organisation, key=key, kind=kind, state=context.state)


def _catalog_response(
    request: HttpRequest, context: CatalogContext, parts: dict[str, object]
) -> HttpResponse:
    template_context = {
        "organisation": context.access.organisation,
        "kind": context.state.kind.value,
        "tab_key": context.query.key,
        "is_fetching": context.state.observed_at is None
        and context.state.is_pending(context.user_time.now),
        "is_fetched": context.state.observed_at is not None,
    }
    template = "catalog/page.html" if seen_part_digests(request) is None else "catalog/_live.html"
    return render(request, template, template_context | parts)


def _no_key_response(request: HttpRequest, context: CatalogContext) -> HttpResponse:
    can_manage = context.access.allows(Permission.MANAGE_KEYS)
    digest = values_digest(context.access.organisation.name, can_manage)
    if (seen_part_digests(request) or {}).get("all") == digest:
        return not_modified()
    return _catalog_response(request, context, {"digest": digest, "can_manage": can_manage})
