"""What people read when something is wrong: with their request, with the panel, with the worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.db import transaction
from django.test import Client, RequestFactory

from freddy_admin.accounts.auth.backends import TooManySignIns
from freddy_admin.core.rate_limits import TooManyRequests
from freddy_admin.core.write_failures import WriteFailure
from freddy_admin.sync.models import ApiHealth, CheckOutcome, SyncStatus, WorkerHeartbeat
from freddy_admin.web.pages.error.views import database_unavailable_response, server_error_view
from tests.golden.golden_fleet import HOST, Fleet
from tests.golden.page_rendering import RenderedText, render_response, response_text

PROFILE = {"name": "Ada", "time_zone": "UTC", "theme": "system"}


def render_error_pages(fleet: Fleet) -> Iterator[RenderedText]:
    """The pages of errors, of limits, of a worker that is away and of an API that is."""
    yield from _render_errors(fleet)
    for name, fault_context in (("worker away", _without_worker), ("API away", _without_api)):
        with fault_context():
            for path in ("/", "/system/"):
                page = render_response(fleet.browser("admin"), path)
                yield RenderedText("bad-days", f"GET {path}, {name}", "admin", page)


def _render_errors(fleet: Fleet) -> Iterator[RenderedText]:
    api_request, page_request = (RequestFactory().get(path) for path in ("/api/v1/statuses", "/"))
    for role, request in (("program", api_request), ("browser", page_request)):
        yield RenderedText("errors", "broken", role, response_text(server_error_view(request)))
        for failure in WriteFailure:
            text = response_text(database_unavailable_response(request, failure))
            yield RenderedText("errors", f"database: {failure.value}", role, text)
    foreign_client = Client(raise_request_exception=False, HTTP_HOST="elsewhere.example")
    yield RenderedText(
        "errors", "GET / by another host", "signed out", render_response(foreign_client, "/")
    )
    forged_client = Client(enforce_csrf_checks=True, HTTP_HOST=HOST)
    forged_client.force_login(fleet.people["admin"])
    yield RenderedText(
        "errors",
        "POST without the form's mark",
        "admin",
        render_response(forged_client, "/profile/", method="post"),
    )
    yield RenderedText("errors", "POST of 3 MB", "admin", _send_large_request(fleet))
    for name, error in (("too often", TooManyRequests(90)), ("sign-ins", TooManySignIns())):
        with patch("freddy_admin.web.pages.profile.views.profile_update", side_effect=error):
            text = render_response(fleet.browser("admin"), "/profile/", method="post", sent=PROFILE)
            yield RenderedText("errors", f"POST, {name}", "admin", text)


def _send_large_request(fleet: Fleet) -> str:
    return response_text(fleet.browser("admin").post("/profile/", {"name": "x" * 3_000_000}))


@contextmanager
def _without_worker() -> Iterator[None]:
    with transaction.atomic():
        WorkerHeartbeat.objects.all().delete()
        yield
        transaction.set_rollback(True)


@contextmanager
def _without_api() -> Iterator[None]:
    with transaction.atomic():
        rows = SyncStatus.objects.all()
        rows.update(outcome=CheckOutcome.FAILED, error_kind="read_timeout", failures=2)
        rows.update(checked_at=rows.latest("updated_at").updated_at)
        ApiHealth.objects.update(reachable=False)
        yield
        transaction.set_rollback(True)
