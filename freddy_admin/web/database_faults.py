"""What a person is told while the database takes no writes: one sentence, and when to try again."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse

from freddy_admin.core.database_writes import WriteFault, WriteWatch, write_fault_now
from freddy_admin.web.views.errors import database_unavailable

READING = frozenset({"GET", "HEAD", "OPTIONS"})
_ASKS_NO_DATABASE = "/healthz"


class DatabaseFaultMiddleware:
    """503 for whatever would be written, and for a page that broke on it; pages stay readable.

    A write that was refused may come out as anything: a limit that could not be counted as "too
    many attempts", a session that could not be saved as one that is gone. So the statements
    themselves are watched, and sign-in and forms end before they begin.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on what can be answered."""
        reading = request.method in READING or request.path_info == _ASKS_NO_DATABASE
        if not reading and (fault := write_fault_now()):
            return _unavailable(request, fault)
        watch = WriteWatch()
        with connection.execute_wrapper(watch):
            answer = self.get_response(request)
        if watch.fault is None or (reading and not _may_come_of_it(answer.status_code)):
            return answer
        return _unavailable(request, watch.fault)


def _may_come_of_it(status: int) -> bool:
    return status == 429 or status >= 500


def _unavailable(request: HttpRequest, fault: WriteFault) -> HttpResponse:
    if not connection.in_atomic_block:
        # A server that became a follower keeps its connections: the next one may find the leader.
        connection.close()
    return database_unavailable(request, fault)
