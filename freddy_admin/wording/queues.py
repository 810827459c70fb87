"""What waits for a worker, what is under way, and whether workers take what they are woken for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.core.tasks import QueueJobs, QueueName
from freddy_admin.sync.platform_status import PlatformStatus
from freddy_admin.sync.waiting_work import WaitingWork
from freddy_admin.wording.platform import PartWording
from freddy_admin.wording.sentences import EMPTY, Sentence, Text, moment_ago, say, say_counted
from freddy_admin.wording.states import GOOD, QUIET, WARN

# What a worker that was killed had taken is taken by another within 40 s.
JOBS_LATE_SECONDS: Final = 60.0
WAITING_WORK_NAMES: Final[dict[QueueName, Any]] = {
    QueueName.CHECK_REQUESTS: ngettext_lazy(
        "{n} check that was asked for", "{n} checks that were asked for", "n"
    ),
    QueueName.CANDIDATES: ngettext_lazy("{n} new key to test", "{n} new keys to test", "n"),
    QueueName.IMPORT_ROWS: ngettext_lazy("{n} pasted key to test", "{n} pasted keys to test", "n"),
    QueueName.OPERATIONS: ngettext_lazy("{n} sync or switch", "{n} syncs and switches", "n"),
    QueueName.CATALOGS: ngettext_lazy("{n} list to fetch", "{n} lists to fetch", "n"),
    QueueName.CHECKS: ngettext_lazy("{n} check on schedule", "{n} checks on schedule", "n"),
}
_WAIT: Final[Any] = ngettext_lazy("{n} waits", "{n} wait", "n")
_JOBS_WAIT: Final[Any] = ngettext_lazy(
    "{n} call for a worker is not heard yet, made {ago}.",
    "{n} calls for a worker are not heard yet, the first made {ago}.",
    "n",
)
NOTHING_WAITS: Final = _("nothing waits")
JOBS_ARE_LATE: Final = _("No worker hears them: look into the worker's log, and restart it.")


def waiting_work_sentence(work: WaitingWork) -> Sentence:
    """How much waits in a queue in which something does, and since when."""
    return say(
        _("Waiting: {what}, the first since {ago}."),
        what=say_counted(WAITING_WORK_NAMES[work.queue], work.count),
        ago=moment_ago(work.since) if work.since else EMPTY,
    )


def queue_sentences(waiting: Sequence[WaitingWork]) -> tuple[Sentence, ...]:
    """A sentence for each queue in which something waits, and for each with work under way."""
    waits = [waiting_work_sentence(work) for work in waiting if work.count]
    runs = [
        say(_("Under way: {what}."), what=say_counted(WAITING_WORK_NAMES[work.queue], work.running))
        for work in waiting
        if work.running
    ]
    return (*waits, *runs)


def waiting_count_label(waiting: Sequence[WaitingWork]) -> Sentence:
    """How much waits in all queues together."""
    count = sum(work.count for work in waiting)
    return say_counted(_WAIT, count) if count else say(NOTHING_WAITS)


def queues_wording(status: PlatformStatus, now: datetime, *, has_engine: bool) -> PartWording:
    """What waits, for how long, and what is under way; with the engine, its calls for a worker."""
    is_late = any(work.is_late(now) for work in status.waiting)
    age = oldest_job_age(status.jobs)
    are_jobs_late = age > JOBS_LATE_SECONDS
    words: list[Sentence] = [say(_hearing(has_engine=has_engine))]
    if is_late:
        words.append(say(_("More workers do more at a time.")))
    job_count = sum(job.waiting for job in status.jobs)
    lines = queue_sentences(status.waiting)
    if job_count:
        made_at = now - timedelta(seconds=age)
        lines += (say_counted(_JOBS_WAIT, job_count, ago=moment_ago(made_at)),)
    if are_jobs_late:
        words.append(say(JOBS_ARE_LATE))
    tone = GOOD
    if is_late or are_jobs_late:
        # Where no worker runs, that is what has to be mended.
        tone = WARN if status.alive_workers else QUIET
    label = waiting_count_label(status.waiting)
    return PartWording("hourglass", _("Queues"), tone, label, tuple(words), lines)


def oldest_job_age(jobs: Sequence[QueueJobs]) -> float:
    """How many seconds the oldest job has waited; 0 where none waits."""
    return max((job.age for job in jobs), default=0.0)


def _hearing(*, has_engine: bool) -> Text:
    if has_engine:
        return _("Workers hear at once of what people ask for.")
    return _("Workers look twice a second for what people ask for.")
