"""Times are shown in the reader's zone, and the next reader never inherits it."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from freddy_admin.accounts.middleware import TimeZoneMiddleware
from freddy_admin.accounts.models import User


def zone_seen(user: Any, *, login_required: bool = True) -> str:
    request, seen = HttpRequest(), []
    request.user = user
    view: Any = SimpleNamespace(login_required=login_required)

    def answer(_: HttpRequest) -> HttpResponse:
        middleware.process_view(request, view, (), {})
        seen.append(timezone.get_current_timezone_name())
        return HttpResponse()

    middleware = TimeZoneMiddleware(answer)
    middleware(request)
    assert timezone.get_current_timezone_name() == "UTC"
    return seen[0]


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
def test_the_chosen_zone_is_used_and_a_bad_one_is_utc(chosen: str, shown: str) -> None:
    assert zone_seen(User(time_zone=chosen)) == shown


def test_visitors_read_utc() -> None:
    assert zone_seen(AnonymousUser()) == "UTC"


def test_pages_without_sign_in_never_look_for_a_person() -> None:
    assert zone_seen(User(time_zone="Europe/Zurich"), login_required=False) == "UTC"


def test_a_crash_forgets_the_zone_too() -> None:
    def crash(_: HttpRequest) -> HttpResponse:
        timezone.activate("Asia/Tokyo")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        TimeZoneMiddleware(crash)(HttpRequest())
    assert timezone.get_current_timezone_name() == "UTC"
