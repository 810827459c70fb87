"""`python -m tests.audit.repeat_kill_drill KILLS`: counts repeats in processes that are killed.

The database is TEST_DATABASE_URL. Two processes record events, one flushes counts that are over;
each is killed (-9) at a random moment and started again. In the transaction of each event a row
counts along: the log must report as many events as that row.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# So many seconds of the panel's clock pass in a real one: a window ends after a third of one.
CLOCK_SPEED = 1_800
TRUE_COUNT_KEY = "truth"


def main(kills: int) -> None:
    """Print how often events were recorded and how many the log reports, as JSON."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from freddy_admin.core import clock

    started_at = time.monotonic()
    start = datetime(2026, 3, 2, tzinfo=UTC)

    def accelerated_now() -> datetime:
        return start + timedelta(seconds=(time.monotonic() - started_at) * CLOCK_SPEED)

    chance = random.Random(kills)
    with clock.override_clock(accelerated_now):
        processes = [_start_process(step) for step in _PROCESS_STEPS]
        for _ in range(kills):
            number = chance.randrange(len(_PROCESS_STEPS))
            pid, progress_pipe = processes[number]
            # After so many transactions of it, in the middle of whatever it does next.
            for _ in range(chance.randint(1, 6)):
                os.read(progress_pipe, 1)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(progress_pipe)
            processes[number] = _start_process(_PROCESS_STEPS[number])
        for pid, _progress_pipe in processes:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    with clock.override_clock(lambda: accelerated_now() + timedelta(hours=1)):
        print(json.dumps(_build_report()))


def _start_process(step: Callable[[], None]) -> tuple[int, int]:
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write_end)
        return pid, read_end
    os.close(read_end)
    while True:
        step()
        os.write(write_end, b".")


def _record_event_step() -> None:
    from django.db import transaction
    from django.db.models import F

    from freddy_admin.audit.services import Actor, audit_event_record
    from freddy_admin.audit.tags import AuditTag
    from freddy_admin.core.models import RateLimitCount

    with transaction.atomic():
        RateLimitCount.objects.filter(key=TRUE_COUNT_KEY).update(times=F("times") + 1)
        # Three subjects that repeat, and some that differ each time.
        subject = random.choice(("a", "b", "c", str(random.random())))
        audit_event_record(tag=AuditTag.EXPORTED, actor=Actor("Ada", id=1), subject=subject)


def _flush_counts_step() -> None:
    from freddy_admin.audit.services import repeat_counts_flush
    from freddy_admin.core import clock

    repeat_counts_flush(now=clock.now())


_PROCESS_STEPS: tuple[Callable[[], None], ...] = (
    _record_event_step,
    _record_event_step,
    _flush_counts_step,
)


def _build_report() -> dict[str, object]:
    from freddy_admin.audit.chain import chain_append_missing
    from freddy_admin.audit.chain_verification import chain_verify
    from freddy_admin.audit.models import AuditEvent, RepeatCount
    from freddy_admin.audit.services import repeat_counts_flush
    from freddy_admin.core import clock
    from freddy_admin.core.models import RateLimitCount

    while repeat_counts_flush(now=clock.now()):
        pass
    chain_append_missing(whole=True)
    event_counts = [event.details.get("more_times", 1) for event in AuditEvent.objects.all()]
    return {
        "recorded": RateLimitCount.objects.get(key=TRUE_COUNT_KEY).times,
        "reported": sum(event_counts),
        "counted": sum(count for count in event_counts if count > 1),
        "left": RepeatCount.objects.count(),
        "problem": str(chain_verify()[1]),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]))
