"""Work that waits until the answer is out, so that the answer's time tells nothing of it."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final

from django.db import connections

log = logging.getLogger(__name__)

WAITING_AT_MOST: Final = 100
AFTER_SECONDS: Final = 0.2

# Its threads begin with the first job, and an orderly stop of the process waits for them.
_threads = ThreadPoolExecutor(2, thread_name_prefix="later")
_room = threading.BoundedSemaphore(WAITING_AT_MOST)


def later(job: Callable[[], object]) -> None:
    """Do this in a thread in a moment; where a hundred jobs wait already, not at all.

    What goes wrong is written down by its type alone.
    """
    room = _room
    if not room.acquire(blocking=False):
        log.error("Too many mails wait for their mail server: one was not sent.")
        return
    _threads.submit(copy_context().run, _do, job, room)


def _do(job: Callable[[], object], room: threading.BoundedSemaphore) -> None:
    try:
        time.sleep(AFTER_SECONDS)
        job()
    except Exception as error:  # noqa: BLE001  nobody waits for it who could be told
        # Its text may name the person.
        log.error("A mail was not sent: %s.", type(error).__name__)  # noqa: TRY400
    finally:
        connections.close_all()
        room.release()
