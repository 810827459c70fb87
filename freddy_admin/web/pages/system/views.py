"""The panel's own condition, for platform admins."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.alerts.condition import alerts_condition_get
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.sync.clock_monitor import clock_confirm
from freddy_admin.sync.panel_copy import panel_confirm
from freddy_admin.sync.platform_status import platform_status
from freddy_admin.web.access import WRITE_METHODS, platform_admin_required
from freddy_admin.web.htmx import not_modified, seen_part_digests
from freddy_admin.web.pages.system.presenter import system_page_context
from freddy_admin.wording.times import get_user_time


@platform_admin_required()
def system_status_view(request: HttpRequest) -> HttpResponse:
    """Worker, queues, API, database, cache, mail, alerts, master keys, a key rotation, version."""
    now, seen_digests = clock.now(), seen_part_digests(request)
    template_context = system_page_context(
        platform_status(now=now), alerts_condition_get(now=now), get_user_time(now)
    )
    if seen_digests is not None and seen_digests.get("system") == template_context["digest"]:
        return not_modified()
    template = "system/page.html" if seen_digests is None else "system/_live.html"
    return render(request, template, template_context)


@platform_admin_required(WRITE_METHODS)
@reauthentication_required(return_view="system")
def clock_confirm_view(request: HttpRequest) -> HttpResponse:
    """Record that a platform admin confirmed the clock: pruning of old rows goes on."""
    clock_confirm(actor=actor_from_request(request))
    messages.success(request, _("The time is confirmed. What is old is deleted again."))
    return redirect("system")


@platform_admin_required(WRITE_METHODS)
@reauthentication_required(return_view="system")
def panel_confirm_view(request: HttpRequest) -> HttpResponse:
    """Record that a platform admin said that this is the panel: what was held back goes out."""
    panel_confirm(actor=actor_from_request(request))
    messages.success(request, _("This is the panel: syncs, switches and mails go out again."))
    return redirect("system")
