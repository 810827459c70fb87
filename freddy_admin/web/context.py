"""What the frame around every page needs; costs no query."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.web.live import now_ms
from freddy_admin.web.presenters.times import browser_words


def shell(request: HttpRequest) -> dict[str, Any]:
    """Look, time zone, version and what this person's menu offers."""
    user = getattr(request, "user", None)
    frame: dict[str, Any] = {
        "signed_in": False,
        "theme": "system",
        "time_zone": timezone.get_current_timezone_name(),
        "version": settings.VERSION,
        "now_ms": now_ms(),
        "speed": f"{clock.passing(1).total_seconds():g}",
        "words": browser_words(),
    }
    if isinstance(user, User):
        frame |= _person(user, request.path)
    return {"shell": frame}


def _person(user: User, path: str) -> dict[str, Any]:
    return {
        "signed_in": True,
        "theme": user.theme,
        "person": str(user),
        "email": user.email,
        "initial": str(user)[:1].upper(),
        "menu": _menu(user, path),
    }


def _menu(user: User, path: str) -> list[dict[str, Any]]:
    items = [
        (reverse("overview"), _("Overview"), "layout-list"),
        (reverse("audit"), _("Audit"), "history"),
    ]
    if user.is_platform_admin:
        items.append((reverse("people"), _("People"), "users"))
        items.append((reverse("system"), _("System"), "server-cog"))
    return [
        {"href": href, "label": label, "icon": icon, "current": path == href}
        for href, label, icon in items
    ]
