"""For load balancers and supervisors: is this process alive, and can it do its work?"""

import logging
from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from freddy_admin.core import clock
from freddy_admin.core.cache import cache_works
from freddy_admin.sync.platform import ALIVE_FOR, worker_seen_at

log = logging.getLogger(__name__)


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: this process answers. Asks neither database nor cache."""
    del request
    return JsonResponse({"status": "alive"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Ready: database, cache and a worker's sign of life; 503 names the parts that are down."""
    del request
    parts = {
        name: "ok" if _holds(name, works) else "down"
        for name, works in (
            ("database", _database_works),
            ("cache", cache_works),
            ("worker", _worker_alive),
        )
    }
    ready = set(parts.values()) == {"ok"}
    status = "ready" if ready else "not ready"
    answer = JsonResponse({"status": status, "parts": parts}, status=200 if ready else 503)
    # Load balancers ask every few seconds; Django would log each 503 as an error of ours.
    answer._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return answer


def _database_works() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _worker_alive() -> bool:
    seen = worker_seen_at()
    return seen is not None and clock.now() - seen <= clock.passing(ALIVE_FOR)


def _holds(name: str, works: Callable[[], bool]) -> bool:
    try:
        return works()
    except (DatabaseError, OSError) as error:
        # The type alone: a driver's text may hold an address or a user name.
        log.warning("Not ready: %s (%s).", name, type(error).__name__)
        return False
