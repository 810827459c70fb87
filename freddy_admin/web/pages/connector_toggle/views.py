"""Switching one connector on or off, after a page that says whom it may affect."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.core.errors import InvalidInput
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.catalog.services import catalog_contents_get
from freddy_admin.sync.models import CatalogKind
from freddy_admin.sync.operations.services import switch_operation_create, switch_operation_list
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.selectors import api_key_get, key_not_found
from freddy_admin.web.access import FORM_METHODS, organisation_permission_required
from freddy_admin.web.forms import add_form_errors
from freddy_admin.web.pages.connector_toggle.forms import (
    ConnectorToggle,
    ConnectorToggleForm,
    parse_connector_toggle,
)
from freddy_admin.web.pages.connector_toggle.presenter import OPERATIONS_SEARCHED_LIMIT
from freddy_admin.web.reauthentication import reauthentication_required


@organisation_permission_required(Permission.SWITCH_CONNECTORS, FORM_METHODS)
@reauthentication_required()
def connector_toggle_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """The confirmation page, then the operation; its progress is seen beside the list."""
    organisation, key = access.organisation, _active_key_get(access, key_id)
    back_url = f"{reverse('connectors', args=[organisation.slug])}?key={key.pk}"
    try:
        switch = parse_connector_toggle(request.GET)
    except InvalidInput as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(back_url)
    form = ConnectorToggleForm(
        request.POST if request.method == "POST" else None, organisation_name=organisation.name
    )
    template_context = {
        "form": form,
        "organisation": organisation,
        "key": key,
        "switch": switch,
        "back_url": back_url,
    }
    template_context["name"] = _connector_name(access, key, switch)
    if form.is_valid():
        with add_form_errors(form):
            _request_toggle(request, access, template_context)
            return HttpResponseRedirect(back_url)
    return render(request, "catalog/connector_toggle.html", template_context)


def _request_toggle(request: HttpRequest, access: Access, template_context: dict[str, Any]) -> None:
    switch: ConnectorToggle = template_context["switch"]
    switch_operation_create(
        organisation=access.organisation,
        actor=actor_from_request(request),
        key_id=template_context["key"].pk,
        tool_key=switch.tool_key,
        tool_name=template_context["name"],
        enable=switch.enable,
    )


def _active_key_get(access: Access, key_id: int) -> ApiKey:
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    if key.status != KeyLifecycle.ACTIVE:
        raise key_not_found()
    return key


def _connector_name(access: Access, key: ApiKey, switch: ConnectorToggle) -> str:
    """The connector's name in the catalog, or when it was last switched; else its tool key."""
    organisation, kind = access.organisation, CatalogKind.CONNECTORS
    connectors = catalog_contents_get(organisation=organisation, key=key, kind=kind).connectors
    operations = switch_operation_list(
        organisation=organisation, key_id=key.pk, limit=OPERATIONS_SEARCHED_LIMIT
    )
    names = {item.tool_key: item.tool_name for item in reversed(operations)}
    names |= {item.tool_key: item.display_name for item in connectors if item.display_name}
    return names.get(switch.tool_key) or switch.tool_key
