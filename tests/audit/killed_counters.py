"""`python -m tests.audit.killed_counters KILLS`: counts repeats in processes that are killed.

The database is TEST_DATABASE_URL. Two processes count, one writes counts that are over; each is
killed (-9) at a moment of chance and begun anew. Beside each count, in its transaction, a row
counts along: what the log says must be what that row says.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# So many seconds of the counts' clock pass in a real one: a span is over after a third of one.
SPEED = 1_800
TRUTH = "truth"


def main(kills: int) -> None:
    """Print what was done and what the log tells of it, as JSON."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from freddy_admin.core import clock

    began = time.monotonic()
    start = datetime(2026, 3, 2, tzinfo=UTC)

    def fast() -> datetime:
        return start + timedelta(seconds=(time.monotonic() - began) * SPEED)

    chance = random.Random(kills)
    with clock.using(fast):
        living = [_begun(work) for work in _WORKS]
        for _ in range(kills):
            number = chance.randrange(len(_WORKS))
            pid, told = living[number]
            # After so many transactions of it, in the middle of whatever it does then.
            for _ in range(chance.randint(1, 6)):
                os.read(told, 1)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(told)
            living[number] = _begun(_WORKS[number])
        for pid, _told in living:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    with clock.using(lambda: fast() + timedelta(hours=1)):
        print(json.dumps(_outcome()))


def _begun(work: Callable[[], None]) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    while True:
        work()
        os.write(writing, b".")


def _count() -> None:
    from django.db import transaction
    from django.db.models import F

    from freddy_admin.audit.services import Actor, audit_record
    from freddy_admin.audit.tags import Tag
    from freddy_admin.core.models import LimitCount

    with transaction.atomic():
        LimitCount.objects.filter(key=TRUTH).update(times=F("times") + 1)
        # Three that come again and again, and some that differ each time.
        word = random.choice(("a", "b", "c", str(random.random())))
        audit_record(tag=Tag.EXPORTED, actor=Actor("Ada", id=1), subject=word)


def _close() -> None:
    from freddy_admin.audit.repeats import repeats_close
    from freddy_admin.core import clock

    repeats_close(now=clock.now())


_WORKS: tuple[Callable[[], None], ...] = (_count, _count, _close)


def _outcome() -> dict[str, object]:
    from freddy_admin.audit.chain import chain_catch_up
    from freddy_admin.audit.models import AuditEvent, RepeatCount
    from freddy_admin.audit.repeats import repeats_close
    from freddy_admin.audit.verifying import chain_verify
    from freddy_admin.core import clock
    from freddy_admin.core.models import LimitCount

    while repeats_close(now=clock.now()):
        pass
    chain_catch_up(whole=True)
    told = [event.details.get("more_times", 1) for event in AuditEvent.objects.all()]
    return {
        "done": LimitCount.objects.get(key=TRUTH).times,
        "told": sum(told),
        "counted": sum(times for times in told if times > 1),
        "left": RepeatCount.objects.count(),
        "problem": str(chain_verify()[1]),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]))
