"""Times are shown in the user's zone, and the next user never inherits it."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from freddy_admin.accounts.middleware import TimeZoneMiddleware
from freddy_admin.accounts.models import User


def active_time_zone(user: Any, *, login_required: bool = True) -> str:
    request, zone_names = HttpRequest(), []
    request.user = user
    view: Any = SimpleNamespace(login_required=login_required)

    def get_response(_: HttpRequest) -> HttpResponse:
        middleware.process_view(request, view, (), {})
        zone_names.append(timezone.get_current_timezone_name())
        return HttpResponse()

    middleware = TimeZoneMiddleware(get_response)
    middleware(request)
    assert timezone.get_current_timezone_name() == "UTC"
    return zone_names[0]


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ("Europe/Zurich", "Europe/Zurich"),
        ("UTC", "UTC"),
        ("Mars/Olympus", "UTC"),
        ("", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("Europe", "UTC"),
        ("\x00", "UTC"),
    ],
)
def test_chosen_zone_is_used_and_an_invalid_one_is_utc(chosen: str, shown: str) -> None:
    assert active_time_zone(User(time_zone=chosen)) == shown


def test_visitors_see_utc() -> None:
    assert active_time_zone(AnonymousUser()) == "UTC"


def test_views_without_sign_in_never_look_up_a_person() -> None:
    assert active_time_zone(User(time_zone="Europe/Zurich"), login_required=False) == "UTC"


def test_crash_resets_the_zone_too() -> None:
    def crash(_: HttpRequest) -> HttpResponse:
        timezone.activate("Asia/Tokyo")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        TimeZoneMiddleware(crash)(HttpRequest())
    assert timezone.get_current_timezone_name() == "UTC"
