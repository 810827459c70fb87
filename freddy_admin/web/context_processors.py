"""The context of the app shell around every page; costs no query."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.web.htmx import current_time_ms
from freddy_admin.wording.times import browser_time_units_json


def shell_context(request: HttpRequest) -> dict[str, Any]:
    """Theme, time zone, version and the menu of this user."""
    user = getattr(request, "user", None)
    frame: dict[str, Any] = {
        "signed_in": False,
        "theme": "system",
        "time_zone": timezone.get_current_timezone_name(),
        "version": settings.VERSION,
        "now_ms": current_time_ms(),
        "speed": f"{clock.real_seconds_to_panel_duration(1).total_seconds():g}",
        "words": browser_time_units_json(),
        "sends_calls": settings.AITRONOS_CALLS,
    }
    if isinstance(user, User):
        frame |= _user_context(user, request.path)
    return {"shell": frame}


def _user_context(user: User, path: str) -> dict[str, Any]:
    return {
        "signed_in": True,
        "theme": user.theme,
        "person": str(user),
        "email": user.email,
        "initial": str(user)[:1].upper(),
        "menu": _menu_items(user, path),
    }


def _menu_items(user: User, path: str) -> list[dict[str, Any]]:
    items = [
        (reverse("overview"), _("Overview"), "layout-list"),
        (reverse("incident_list"), _("Alerts"), "bell"),
        (reverse("audit"), _("Audit"), "history"),
    ]
    if user.is_platform_admin:
        items.append((reverse("people"), _("People"), "users"))
        items.append((reverse("system"), _("System"), "server-cog"))
    return [
        {
            "href": href,
            "label": label,
            "icon": icon,
            "current": path == href or _is_below(path, href),
        }
        for href, label, icon in items
    ]


def _is_below(path: str, href: str) -> bool:
    """Whether the page is one of those behind the item; the overview has none."""
    if href == reverse("incident_list") and "/incidents/" in path:
        return True  # of an organisation, whose own address it is below
    return href != reverse("overview") and path.startswith(href)
