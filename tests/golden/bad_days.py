"""What people read when something is wrong: with their request, with the panel, with the worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.db import transaction
from django.test import Client, RequestFactory

from freddy_admin.accounts.signing_in.hashing import TooManySignIns
from freddy_admin.core.database_writes import WriteFault
from freddy_admin.core.limits import TooManyRequests
from freddy_admin.sync.models import ApiHealth, KeySync, Outcome, WorkerBeat
from freddy_admin.web.views.errors import database_unavailable, server_error
from tests.golden.fleet import HOST, Fleet
from tests.golden.rendering import Shown, answer_text, asked

PROFILE = {"name": "Ada", "time_zone": "UTC", "theme": "system"}


def bad_days_shown(fleet: Fleet) -> Iterator[Shown]:
    """The pages of errors, of limits, of a worker that is away and of an API that is."""
    yield from _errors(fleet)
    for name, happening in (("worker away", _worker_away), ("API away", _api_away)):
        with happening():
            for path in ("/", "/system/"):
                page = asked(fleet.browser("admin"), path)
                yield Shown("bad-days", f"GET {path}, {name}", "admin", page)


def _errors(fleet: Fleet) -> Iterator[Shown]:
    program, page = (RequestFactory().get(path) for path in ("/api/v1/statuses", "/"))
    for who, request in (("program", program), ("browser", page)):
        yield Shown("errors", "broken", who, answer_text(server_error(request)))
        for fault in WriteFault:
            text = answer_text(database_unavailable(request, fault))
            yield Shown("errors", f"database: {fault.value}", who, text)
    foreign = Client(raise_request_exception=False, HTTP_HOST="elsewhere.example")
    yield Shown("errors", "GET / by another host", "signed out", asked(foreign, "/"))
    forged = Client(enforce_csrf_checks=True, HTTP_HOST=HOST)
    forged.force_login(fleet.people["admin"])
    yield Shown(
        "errors", "POST without the form's mark", "admin", asked(forged, "/profile/", method="post")
    )
    yield Shown("errors", "POST of 3 MB", "admin", _large(fleet))
    for name, error in (("too often", TooManyRequests(90)), ("sign-ins", TooManySignIns())):
        with patch("freddy_admin.web.views.profile.profile_update", side_effect=error):
            text = asked(fleet.browser("admin"), "/profile/", method="post", sent=PROFILE)
            yield Shown("errors", f"POST, {name}", "admin", text)


def _large(fleet: Fleet) -> str:
    return answer_text(fleet.browser("admin").post("/profile/", {"name": "x" * 3_000_000}))


@contextmanager
def _worker_away() -> Iterator[None]:
    with transaction.atomic():
        WorkerBeat.objects.all().delete()
        yield
        transaction.set_rollback(True)


@contextmanager
def _api_away() -> Iterator[None]:
    with transaction.atomic():
        rows = KeySync.objects.all()
        rows.update(outcome=Outcome.FAILED, error_kind="read_timeout", failures=2)
        rows.update(checked_at=rows.latest("updated_at").updated_at)
        ApiHealth.objects.update(reachable=False)
        yield
        transaction.set_rollback(True)
