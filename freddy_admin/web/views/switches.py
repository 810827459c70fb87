"""Switching one connector on or off, after a page that says whom it may affect."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from freddy_admin.accounts.actors import actor_of
from freddy_admin.core.errors import InvalidInput
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.lists.services import listing_read
from freddy_admin.sync.models import ListingKind
from freddy_admin.sync.orders.placing import order_switch, switch_orders
from freddy_admin.vault.models import ApiKey, KeyStatus
from freddy_admin.vault.selectors import api_key_get, key_not_found
from freddy_admin.web.access import FORM, within_organisation
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.forms import told_beside_fields
from freddy_admin.web.presenters.lists.switches import LOOKED_THROUGH
from freddy_admin.web.switch_form import SwitchForm, Wish, switch_wish


@within_organisation(Permission.SWITCH_CONNECTORS, FORM)
@confirmed_recently()
def connector_switch(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """The confirmation, then the order; its progress is seen beside the list."""
    here, key = access.organisation, _key(access, key_id)
    back = f"{reverse('connectors', args=[here.slug])}?key={key.pk}"
    try:
        wish = switch_wish(request.GET)
    except InvalidInput as refused:
        messages.error(request, refused.message)
        return HttpResponseRedirect(back)
    form = SwitchForm(
        request.POST if request.method == "POST" else None, organisation_name=here.name
    )
    page = {"form": form, "organisation": here, "key": key, "wish": wish, "back": back}
    page["name"] = _name(access, key, wish)
    if form.is_valid():
        with told_beside_fields(form):
            _order(request, access, page)
            return HttpResponseRedirect(back)
    return render(request, "lists/switch.html", page)


def _order(request: HttpRequest, access: Access, page: dict[str, Any]) -> None:
    wish: Wish = page["wish"]
    order_switch(
        organisation=access.organisation,
        actor=actor_of(request),
        key_id=page["key"].pk,
        tool_key=wish.tool_key,
        tool_name=page["name"],
        enable=wish.enable,
    )


def _key(access: Access, key_id: int) -> ApiKey:
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    if key.status != KeyStatus.ACTIVE:
        raise key_not_found()
    return key


def _name(access: Access, key: ApiKey, wish: Wish) -> str:
    """As people know it: from the list, or from when it was switched before; else its key."""
    here, kind = access.organisation, ListingKind.CONNECTORS
    listed = listing_read(organisation=here, key=key, kind=kind).connectors
    orders = switch_orders(organisation=here, key_id=key.pk, limit=LOOKED_THROUGH)
    names = {one.tool_key: one.tool_name for one in reversed(orders)}
    names |= {one.tool_key: one.display_name for one in listed if one.display_name}
    return names.get(wish.tool_key) or wish.tool_key
