"""The panel's own condition, for those who run it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.core import clock
from freddy_admin.sync.clocks import clock_confirm
from freddy_admin.sync.platform import platform_status
from freddy_admin.web.access import WRITE, by_platform_admin
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.live import nothing_new, seen_marks
from freddy_admin.web.presenters.system import system_view
from freddy_admin.web.presenters.times import reading


@by_platform_admin()
def system(request: HttpRequest) -> HttpResponse:
    """Worker, API, database, cache, master keys, a rotation at work, version."""
    now, seen = clock.now(), seen_marks(request)
    view = system_view(platform_status(now=now), reading(now))
    if seen is not None and seen.get("system") == view.mark:
        return nothing_new()
    template = "system/page.html" if seen is None else "system/_live.html"
    return render(request, template, {"view": view})


@by_platform_admin(WRITE)
@confirmed_recently(back="system")
def clock_confirm_view(request: HttpRequest) -> HttpResponse:
    """Somebody looked at the clock and found it right: deletion goes on."""
    clock_confirm(actor=actor_of(request))
    messages.success(request, _("The time is confirmed. What is old is deleted again."))
    return redirect("system")
