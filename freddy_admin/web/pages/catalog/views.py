"""The catalog of a key at Aitronos: auth configs and connectors; fetching it, switching one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.aitronos.types import Connector
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.core.errors import InvalidInput
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.catalog.selectors import catalog_items_get
from freddy_admin.sync.catalog.services import catalog_fetch_request
from freddy_admin.sync.checks.requests import CheckRequestOutcome
from freddy_admin.sync.models import CatalogKind
from freddy_admin.sync.operations.services import switch_operation_create, tool_key_clean
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.selectors import api_key_get, key_not_found
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    organisation_permission_required,
)
from freddy_admin.web.forms import add_form_errors
from freddy_admin.web.htmx import not_modified, seen_part_digests, values_digest
from freddy_admin.web.pages.catalog.connector_toggles import (
    connector_toggle_path_if_allowed,
    connector_toggle_rows,
    switching_tool_keys,
    toggle_operations,
    toggles_digest,
)
from freddy_admin.web.pages.catalog.forms import ConnectorToggleForm
from freddy_admin.web.pages.catalog.presenter import (
    CatalogContext,
    catalog_header,
    catalog_list,
    get_catalog_context_and_request_refresh,
)
from freddy_admin.wording.key_pages import fetch_not_repeated
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import get_user_time


@organisation_permission_required(Permission.VIEW)
def auth_config_list_view(request: HttpRequest, access: Access) -> HttpResponse:
    """The auth configs of one key: how its connectors sign in."""
    return _catalog_list_response(request, access, CatalogKind.AUTH_CONFIGS)


@organisation_permission_required(Permission.VIEW)
def connector_list_view(request: HttpRequest, access: Access) -> HttpResponse:
    """The connectors that Aitronos lists for one key, and those that were switched here."""
    return _catalog_list_response(request, access, CatalogKind.CONNECTORS)


def _catalog_list_response(request: HttpRequest, access: Access, kind: CatalogKind) -> HttpResponse:
    context = get_catalog_context_and_request_refresh(request, access, kind)
    key, user_time = context.key, context.user_time
    if key is None:
        return _no_key_response(request, context)
    header = catalog_header(context, key)
    operations = toggle_operations(access, key) if kind == CatalogKind.CONNECTORS else []
    digest = values_digest(header["digest"], toggles_digest(operations, user_time))
    if (seen_part_digests(request) or {}).get("all") == digest:
        return not_modified()
    items = catalog_items_get(
        organisation=access.organisation, key=key, kind=kind, state=context.state
    )
    listed = {item.tool_key for item in items if isinstance(item, Connector)}
    parts = {
        "header": header,
        "catalog": catalog_list(context, items),
        "digest": digest,
        "switching_tool_keys": switching_tool_keys(operations),
        "toggle_path": connector_toggle_path_if_allowed(access, key),
        "toggle_rows": connector_toggle_rows(
            operations, user_time, listed=listed, permissions=access.permissions
        ),
    }
    return _catalog_response(request, context, parts)


def _catalog_response(
    request: HttpRequest, context: CatalogContext, parts: dict[str, Any]
) -> HttpResponse:
    template_context = {
        "organisation": context.access.organisation,
        "kind": context.state.kind.value,
        "keys": context.keys,
        "shown_key": context.key,
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


@organisation_permission_required(Permission.SWITCH_CONNECTORS, FORM_METHODS)
@reauthentication_required()
def connector_toggle_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Ask whether to switch a connector, then request it; its progress is seen beside the list."""
    organisation = access.organisation
    key = api_key_get(organisation=organisation, key_id=key_id)
    if key.status != KeyLifecycle.ACTIVE:
        raise key_not_found()
    back_url = f"{reverse('connectors', args=[organisation.slug])}?key={key.pk}"
    try:
        tool_key = tool_key_clean(request.GET.get("tool", ""))
    except InvalidInput as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(back_url)
    enable = request.GET.get("on", "1") != "0"
    form = ConnectorToggleForm(
        request.POST if request.method == "POST" else None, organisation_name=organisation.name
    )
    name = _connector_name(access, key, tool_key)
    if form.is_valid():
        with add_form_errors(form):
            switch_operation_create(
                organisation=organisation,
                actor=actor_from_request(request),
                key_id=key.pk,
                tool_key=tool_key,
                tool_name=name,
                enable=enable,
            )
            return HttpResponseRedirect(back_url)
    template_context = {
        "form": form,
        "organisation": organisation,
        "key": key,
        "tool_key": tool_key,
        "enable": enable,
        "name": name,
        "back_url": back_url,
    }
    return render(request, "catalog/connector_toggle.html", template_context)


def _connector_name(access: Access, key: ApiKey, tool_key: str) -> str:
    """The connector's name in the catalog, or when it was last switched; else its tool key."""
    items = catalog_items_get(
        organisation=access.organisation, key=key, kind=CatalogKind.CONNECTORS
    )
    names = [
        item.display_name
        for item in items
        if isinstance(item, Connector) and item.tool_key == tool_key
    ]
    names += [
        operation.tool_name
        for operation in toggle_operations(access, key)
        if operation.tool_key == tool_key
    ]
    return next(filter(None, names), tool_key)
