"""How many passwords are hashed at once: over all processes of this machine, half of its cores.

Hashing is slow on purpose, so strangers who sign in without end would take the whole machine. Who
the panel knows goes first: a browser that its person used before, a session, a secret link, a
command. Of strangers a few wait a little in each process; the others are refused at once.
"""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.selectors import address_typed
from freddy_admin.accounts.signing_in.known_devices import device_known
from freddy_admin.core.errors import PublicError
from freddy_admin.core.machine_slots import MachineSlots

log = logging.getLogger(__name__)

# In each process, of its eight threads: with both full, one is left for pages.
STRANGERS_AT_ONCE: Final = 2
KNOWN_AT_ONCE: Final = 5
OF_ONE_PERSON: Final = 2
STRANGERS_WAIT: Final = 2.0
KNOWN_WAIT: Final = 30.0
LOOKS_EVERY: Final = 0.01
LOGGED_EVERY: Final = 60.0
ALONE: Final = "this process counts by itself"
RETRY_AFTER_SECONDS: Final = 5


class TooManySignIns(PublicError):
    """No slot for hashing a password came free in time; nothing was looked up or counted."""

    reference = "E008"
    http_status = 429

    def __init__(self) -> None:
        super().__init__(
            _("Too many people are signing in at this moment. Try again in a few seconds.")
        )

    @property
    def headers(self) -> dict[str, str]:
        """When it is worth trying again."""
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def hashed_at_once() -> int:
    """How many passwords this machine hashes at once."""
    return max(1, cores() // 2)


class HashingQueue:
    """Where the threads of this process wait until they may hash a password."""

    def __init__(self, slots: MachineSlots, *, count: int) -> None:
        self.slots = slots
        self._own = threading.BoundedSemaphore(count)
        self._holding = threading.local()
        self._entering = threading.Lock()
        self._strangers = 0
        self._known = Counter[str]()
        self._taken_at = 0.0
        self._given_up = False
        self._refused = 0
        self._logged_at: dict[str, float] = {}

    @contextmanager
    def slot(self, *, stranger: bool = False, person: str = "") -> Iterator[None]:
        """A slot for this block; a block within it, in the same thread, needs no other.

        `person` is the address of whoever is known. Raises TooManySignIns where no place to wait
        is left, or none came free in time.
        """
        if getattr(self._holding, "slot", False):
            yield
            return
        with self._place(stranger=stranger, person=person) as first:
            give_back = self._wait(first=first)
            self._holding.slot = True
            try:
                yield
            finally:
                self._holding.slot = False
                give_back()

    @contextmanager
    def _place(self, *, stranger: bool, person: str) -> Iterator[bool]:
        """A place to wait; whether it is one of those who go first."""
        with self._entering:
            first = not stranger and self._known.total() < KNOWN_AT_ONCE
            # Nobody's own browser takes the places of all other people's.
            first = first and not (person and self._known[person] >= OF_ONE_PERSON)
            if not first and self._strangers >= STRANGERS_AT_ONCE:
                raise self._refusal()
            self._known[person] += first
            self._strangers += not first
        try:
            yield first
        finally:
            with self._entering:
                self._strangers -= not first
                self._known[person] -= first
                self._known += Counter()  # forgets those with none

    def _wait(self, *, first: bool) -> Callable[[], None]:
        """What gives the slot back, once there is one."""
        began = time.monotonic()
        until = began + (KNOWN_WAIT if first else STRANGERS_WAIT)
        with self.slots.going_first() as going:
            while (give_back := self._try(first=first)) is None:
                if first:
                    going.ask()
                if time.monotonic() >= until:
                    if not first or self._given_up or self._taken_at > began:
                        raise self._refusal()
                    # Whoever has the slots does not go on, such as a process that was stopped.
                    problem = "No slot for hashing passwords came free in %d s: %s."
                    self._say(problem, int(KNOWN_WAIT), ALONE)
                    self._given_up, until = True, until + KNOWN_WAIT
                time.sleep(LOOKS_EVERY)
        return give_back

    def _try(self, *, first: bool) -> Callable[[], None] | None:
        try:
            slot = self.slots.take(first=first)
        except OSError as error:
            self._say(
                "Slots for hashing passwords cannot be used (%s): %s.", type(error).__name__, ALONE
            )
            return self._try_own()
        if slot is not None:
            self._taken_at, self._given_up = time.monotonic(), False
            return partial(os.close, slot)
        return self._try_own() if self._given_up else None

    def _try_own(self) -> Callable[[], None] | None:
        return self._own.release if self._own.acquire(blocking=False) else None

    def _refusal(self) -> TooManySignIns:
        self._refused += 1
        self._say("Too many sign-ins at once: %d were refused so far.", self._refused)
        return TooManySignIns()

    def _say(self, problem: str, *details: object) -> None:
        # Whoever floods the sign-in must not flood the log.
        now = time.monotonic()
        if now - self._logged_at.get(problem, -LOGGED_EVERY) >= LOGGED_EVERY:
            self._logged_at[problem] = now
            log.warning(problem, *details)


def slots_of_this_machine() -> MachineSlots:
    """The slots that every panel on this machine shares."""
    return MachineSlots("freddy-admin-hashing", count=hashed_at_once())


hashing_queue = HashingQueue(slots_of_this_machine(), count=hashed_at_once())


@contextmanager
def hashing_slot() -> Iterator[None]:
    """A slot for somebody the panel knows: by their session, a secret link, or at a terminal.

    To be taken before a transaction begins: nobody waits for it with rows locked.
    """
    with hashing_queue.slot():
        yield


@contextmanager
def sign_in_slot(request: HttpRequest, email: str) -> Iterator[None]:
    """A slot for whoever signs in as `email`, or confirms that they are it.

    Raises TooManySignIns, before anything is looked up that depends on who has an account.
    """
    device = device_known(request, email)
    with hashing_queue.slot(stranger=device is None, person=address_typed(email)):
        yield


class QueuedPasswordHasher(PBKDF2PasswordHasher):
    """Django's hash, each worked out in a slot."""

    @sensitive_variables("password")
    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """The hash; raises TooManySignIns."""
        with hashing_slot():
            encoded: str = super().encode(password, salt, iterations)
            return encoded
