"""For load balancers and supervisors: is this process alive, and can it do its work?"""

import logging
from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from freddy_admin.core import clock
from freddy_admin.core.cache import cache_works
from freddy_admin.core.database_writes import write_fault_now
from freddy_admin.sync.platform import ALIVE_FOR, worker_seen_at

log = logging.getLogger(__name__)

OK, DOWN = "ok", "down"


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: this process answers. Asks neither database nor cache."""
    del request
    return JsonResponse({"status": "alive"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether pages can be served: 503 without a usable database alone.

    The body names every part: `database` (ok, read-only, full, down), `cache` and `worker` (ok,
    down). A web process serves pages without cache and worker, and from a database that can only
    be read: taken out of a balancer for those, it would help nobody.
    """
    del request
    parts = readiness()
    usable = parts["database"] != DOWN
    limited = usable and set(parts.values()) != {OK}
    status = "limited" if limited else "ready" if usable else "not ready"
    answer = JsonResponse({"status": status, "parts": parts}, status=200 if usable else 503)
    # Load balancers ask every few seconds; Django would log each 503 as an error of ours.
    answer._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return answer


def readiness() -> dict[str, str]:
    """The state of each part, by its name."""
    return {
        "database": _database_state(),
        "cache": OK if cache_works() else DOWN,
        "worker": OK if _holds("worker", _worker_alive) else DOWN,
    }


def _database_state() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
        fault = write_fault_now(writing=True)
    except (DatabaseError, OSError) as error:
        # The type alone: a driver's text may hold an address or a user name.
        log.warning("Not ready: database (%s).", type(error).__name__)
        return DOWN
    return fault.value if fault else OK


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
