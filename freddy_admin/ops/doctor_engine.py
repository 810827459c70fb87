"""What `doctor` says of the queues, and of how workers hear that there is work."""

import asyncio

from freddy_admin.core import clock
from freddy_admin.core.tasks import is_engine_installed, queue_jobs_list
from freddy_admin.sync.waiting_work import waiting_work_list
from freddy_admin.wording import doctor as wording
from freddy_admin.wording.queues import (
    JOBS_LATE_SECONDS,
    NOTHING_WAITS,
    oldest_job_age,
    queue_sentences,
)
from freddy_admin.wording.sentences import render_text, say
from freddy_admin.wording.times import get_user_time


def queues_examine() -> tuple[bool, str]:
    """What waits and is under way, and whether somebody has waited for too long."""
    now, waiting = clock.now(), waiting_work_list()
    sentences = queue_sentences(waiting) or (say("{text}.", text=NOTHING_WAITS),)
    is_late = any(work.is_late(now) for work in waiting)
    return not is_late, render_text(sentences, get_user_time(now))


def engine_examine() -> tuple[bool, str]:
    """Whether a NOTIFY arrives where workers listen, and that no job waits for long."""
    if not is_engine_installed():
        return True, str(say(wording.ENGINE_NOT_INSTALLED))
    import psycopg

    from freddy_admin.core.task_engine import notify_arrives

    jobs = queue_jobs_list()
    age = oldest_job_age(jobs)
    if age > JOBS_LATE_SECONDS:
        count = sum(job.waiting for job in jobs)
        return False, str(say(wording.ENGINE_JOBS_WAIT, count=count, seconds=round(age)))
    try:
        hears = asyncio.run(notify_arrives())
    except psycopg.Error:
        # The driver's text names the server and the user.
        return False, str(say(wording.ENGINE_UNREACHABLE))
    return hears, str(say(wording.ENGINE_HEARS if hears else wording.ENGINE_IS_DEAF))
