"""503 while the database takes no writes: one sentence, and when to try again."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse

from freddy_admin.core.write_failures import (
    WriteFailure,
    WriteFailureRecorder,
    write_failure_probe,
)
from freddy_admin.web.pages.error.views import database_unavailable_response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DATABASE_FREE_PATH = "/healthz"


class DatabaseFaultMiddleware:
    """503 for requests that write, and for a page that failed on a write; pages stay readable.

    A write that was refused may come out as anything: a limit that could not be counted as "too
    many attempts", a session that could not be saved as one that is gone. So the statements
    themselves are watched, and sign-in and forms end before they begin.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, or 503 where the database refused a write."""
        is_safe = request.method in SAFE_METHODS or request.path_info == _DATABASE_FREE_PATH
        if not is_safe and (fault := write_failure_probe()):
            return _close_connection_and_render_unavailable(request, fault)
        recorder = WriteFailureRecorder()
        with connection.execute_wrapper(recorder):
            response = self.get_response(request)
        if recorder.failure is None or (is_safe and not _is_status_of_fault(response.status_code)):
            return response
        return _close_connection_and_render_unavailable(request, recorder.failure)


def _is_status_of_fault(status: int) -> bool:
    return status == 429 or status >= 500


def _close_connection_and_render_unavailable(
    request: HttpRequest, fault: WriteFailure
) -> HttpResponse:
    if not connection.in_atomic_block:
        # A server that became a follower keeps its connections: the next one may find the leader.
        connection.close()
    return database_unavailable_response(request, fault)
