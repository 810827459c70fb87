"""For load balancers and supervisors: is this process alive, and can it do its work?"""

import logging

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from freddy_admin.core import clock
from freddy_admin.core.cache import is_cache_available
from freddy_admin.core.database_errors import database_error_message
from freddy_admin.core.write_failures import write_failure_probe
from freddy_admin.sync.platform_status import is_any_worker_alive

log = logging.getLogger(__name__)

OK, DOWN = "ok", "down"


@login_not_required
@require_safe
def liveness_view(request: HttpRequest) -> HttpResponse:
    """Alive: this process answers. Asks neither database nor cache."""
    del request
    return JsonResponse({"status": "alive"})


@login_not_required
@require_safe
def readiness_view(request: HttpRequest) -> HttpResponse:
    """Whether pages can be served: 503 without a usable database alone.

    The body names every part: `database` (ok, read-only, full, down), `cache` and `worker` (ok,
    down). A web process serves pages without cache and worker, and from a database that can only
    be read: taken out of a balancer for those, it would help nobody.
    """
    del request
    parts = readiness_by_part()
    is_usable = parts["database"] != DOWN
    is_limited = is_usable and set(parts.values()) != {OK}
    status = "limited" if is_limited else "ready" if is_usable else "not ready"
    response = JsonResponse({"status": status, "parts": parts}, status=200 if is_usable else 503)
    # Load balancers ask every few seconds; Django would log each 503 as an error of ours.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def readiness_by_part() -> dict[str, str]:
    """The state of each part, by its name."""
    return {
        "database": _database_state(),
        "cache": OK if is_cache_available() else DOWN,
        "worker": _worker_state(),
    }


def _database_state() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        failure = write_failure_probe(write_row=True)
    except (DatabaseError, OSError) as error:
        # Never the driver's own text, which may hold anything.
        log.warning("Not ready. %s", database_error_message(error))
        return DOWN
    return failure.value if failure else OK


def _worker_state() -> str:
    try:
        return OK if is_any_worker_alive(now=clock.now()) else DOWN
    except (DatabaseError, OSError) as error:
        log.warning("Not ready: worker. %s", database_error_message(error))
        return DOWN
