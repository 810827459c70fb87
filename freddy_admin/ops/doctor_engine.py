"""What `doctor` says of how workers hear that there is work."""

import asyncio
from typing import Final

from freddy_admin.core.tasks import is_engine_installed
from freddy_admin.wording import doctor as wording
from freddy_admin.wording.sentences import say

# A worker that was killed is missed, and what it had taken is taken by another, within 40 s.
_LATE_SECONDS: Final = 60.0


def engine_examine() -> tuple[bool, str]:
    """Whether a NOTIFY arrives where workers listen, and that no job waits for long."""
    if not is_engine_installed():
        return True, str(say(wording.ENGINE_NOT_INSTALLED))
    import psycopg

    from freddy_admin.core.task_engine import notify_arrives, waiting_jobs_list

    jobs = waiting_jobs_list()
    age = max((job.age for job in jobs), default=0.0)
    if age > _LATE_SECONDS:
        count = sum(job.count for job in jobs)
        return False, str(say(wording.ENGINE_JOBS_WAIT, count=count, seconds=round(age)))
    try:
        hears = asyncio.run(notify_arrives())
    except psycopg.Error:
        # The driver's text names the server and the user.
        return False, str(say(wording.ENGINE_UNREACHABLE))
    return hears, str(say(wording.ENGINE_HEARS if hears else wording.ENGINE_IS_DEAF))
