"""The panel's own condition, for those who run it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from freddy_admin.core import clock
from freddy_admin.sync.platform import platform_status
from freddy_admin.web.access import by_platform_admin
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
