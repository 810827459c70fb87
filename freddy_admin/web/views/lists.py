"""What Aitronos lists for a key: auth configs and connectors; and asking for a list anew."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.core import clock
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.freshness import Answer, CheckRequest
from freddy_admin.sync.lists.rows import ListingView
from freddy_admin.sync.lists.services import listing_read, listing_request
from freddy_admin.sync.models import ListingKind
from freddy_admin.sync.orders.placing import switch_orders
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.access import WRITE, within_organisation
from freddy_admin.web.list_look import Look, list_look
from freddy_admin.web.live import nothing_new, seen_marks
from freddy_admin.web.presenters.lists.auth_configs import auth_config_rows
from freddy_admin.web.presenters.lists.connectors import connector_rows, switch_path
from freddy_admin.web.presenters.lists.frame import list_frame
from freddy_admin.web.presenters.lists.rows import list_view
from freddy_admin.web.presenters.lists.switches import LOOKED_THROUGH, switch_views, switched
from freddy_admin.web.presenters.rows import mark_of
from freddy_admin.web.presenters.times import reading


@within_organisation(Permission.VIEW)
def auth_configs(request: HttpRequest, access: Access) -> HttpResponse:
    """How the connectors of one key sign in."""
    look = list_look(request, access, ListingKind.AUTH_CONFIGS)
    if look.key is None:
        return _without_key(request, look)
    frame = list_frame(look, look.key)
    if (seen_marks(request) or {}).get("all") == frame.mark:
        return nothing_new()
    rows = auth_config_rows(_read(look, look.key).auth_configs, look.on)
    page = {"frame": frame, "list": list_view(look, rows), "mark": frame.mark}
    return _page(request, look, page)


@within_organisation(Permission.VIEW)
def connectors(request: HttpRequest, access: Access) -> HttpResponse:
    """The connectors that are listed for one key, and those switched here."""
    look = list_look(request, access, ListingKind.CONNECTORS)
    if look.key is None:
        return _without_key(request, look)
    frame = list_frame(look, look.key)
    orders = switch_orders(
        organisation=access.organisation, key_id=look.key.pk, limit=LOOKED_THROUGH
    )
    done = switched(orders, look.on)
    mark = mark_of(frame.mark, done.mark)
    if (seen_marks(request) or {}).get("all") == mark:
        return nothing_new()
    found = _read(look, look.key).connectors
    rows = connector_rows(look, look.key, found, switching=done.tool_keys)
    path, listed = switch_path(look, look.key), {one.tool_key for one in found}
    permissions = look.access.permissions
    record = switch_views(done, look.on, path=path, listed=listed, permissions=permissions)
    page = {"frame": frame, "list": list_view(look, rows), "mark": mark}
    return _page(request, look, page | {"record": record, "switch_path": path})


@within_organisation(Permission.CHECK, WRITE)
def listing_check(request: HttpRequest, access: Access, key_id: int, kind: str) -> HttpResponse:
    """Ask for one list; the page where it will appear comes next."""
    asked = clock.now()
    answer = listing_request(
        organisation=access.organisation, actor=actor_of(request), key_id=key_id, kind=kind
    )
    page = f"{reverse(kind, args=[access.organisation.slug])}?key={key_id}"
    if answer.answer in {Answer.ASKED, Answer.JOINED}:
        return HttpResponseRedirect(f"{page}&asked={int(asked.timestamp() * 1000)}")
    messages.info(request, _sentence(answer))
    return HttpResponseRedirect(page)


def _read(look: Look, key: ApiKey) -> ListingView:
    here, kind = look.access.organisation, look.state.kind
    return listing_read(organisation=here, key=key, kind=kind, state=look.state)


def _page(request: HttpRequest, look: Look, parts: dict[str, object]) -> HttpResponse:
    page = {
        "organisation": look.access.organisation,
        "kind": look.state.kind.value,
        "tab_key": look.query.key,
        "fetching": look.state.observed_at is None and look.state.pending(look.on.now),
        "fetched": look.state.observed_at is not None,
    }
    whole = seen_marks(request) is None
    return render(request, "lists/page.html" if whole else "lists/_live.html", page | parts)


def _without_key(request: HttpRequest, look: Look) -> HttpResponse:
    manages = look.access.allows(Permission.MANAGE_KEYS)
    mark = mark_of(look.access.organisation.name, manages)
    if (seen_marks(request) or {}).get("all") == mark:
        return nothing_new()
    return _page(request, look, {"mark": mark, "manages": manages})


def _sentence(answer: CheckRequest) -> str:
    if answer.held_until is not None:
        at = reading(clock.now()).clock(answer.held_until)
        return _("Aitronos asked us to wait until %(at)s. The list can be fetched after that.") % {
            "at": at
        }
    return _("This list was fetched a moment ago: that result is shown here.")
