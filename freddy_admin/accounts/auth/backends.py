"""The sign-in with a password, and how many are hashed at once on this machine: half of its cores.

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
from typing import Any, Final

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.auth.known_devices import known_device_id
from freddy_admin.accounts.models import User, email_normalize
from freddy_admin.core.errors import PublicError
from freddy_admin.core.forms import DEFAULT_TEXT_MAX_LENGTH
from freddy_admin.core.host_semaphore import HostSemaphore

log = logging.getLogger(__name__)
# In each process, of its eight threads: with both full, one is left for pages.
STRANGERS_AT_ONCE: Final = 2
KNOWN_AT_ONCE: Final = 5
KNOWN_PER_PERSON: Final = 2
STRANGERS_WAIT: Final = 2.0
KNOWN_WAIT: Final = 30.0
POLL_SECONDS: Final = 0.01
LOGGED_EVERY: Final = 60.0
FALLBACK_NOTICE: Final = "this process counts by itself"
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


def usable_core_count() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def hashing_concurrency() -> int:
    """How many passwords this machine hashes at once."""
    return max(1, usable_core_count() // 2)


class HashingQueue:
    """Where the threads of this process wait until they may hash a password."""

    def __init__(self, slots: HostSemaphore, *, count: int) -> None:
        self.slots = slots
        self._process_semaphore = threading.BoundedSemaphore(count)
        self._thread_state = threading.local()
        self._waiting_lock = threading.Lock()
        self._strangers = 0
        self._known = Counter[str]()
        self._slot_acquired_at = 0.0
        self._machine_slots_stuck = False
        self._refusal_count = 0
        self._logged_at: dict[str, float] = {}

    @contextmanager
    def slot(self, *, stranger: bool = False, person: str = "") -> Iterator[None]:
        """Hold a slot during this block; a block within it, in the same thread, needs no other.

        `person` is the e-mail address of whoever is known. Raises TooManySignIns where the queue
        is full, or no slot came free in time.
        """
        if getattr(self._thread_state, "slot", False):
            yield
            return
        with self._waiting_place(stranger=stranger, person=person) as has_priority:
            release_slot = self._wait_for_slot(has_priority=has_priority)
            self._thread_state.slot = True
            try:
                yield
            finally:
                self._thread_state.slot = False
                release_slot()

    @contextmanager
    def _waiting_place(self, *, stranger: bool, person: str) -> Iterator[bool]:
        """A place in the queue during this block; whether it has priority."""
        with self._waiting_lock:
            has_priority = not stranger and self._known.total() < KNOWN_AT_ONCE
            # The browsers of one person must not take the places of all other people.
            if person and self._known[person] >= KNOWN_PER_PERSON:
                has_priority = False
            if not has_priority and self._strangers >= STRANGERS_AT_ONCE:
                raise self._count_refusal_and_build_error()
            self._known[person] += has_priority
            self._strangers += not has_priority
        try:
            yield has_priority
        finally:
            with self._waiting_lock:
                self._strangers -= not has_priority
                self._known[person] -= has_priority
                self._known += Counter()  # drops the counts of zero

    def _wait_for_slot(self, *, has_priority: bool) -> Callable[[], None]:
        """The function that releases the slot, once there is one; raises TooManySignIns."""
        started_at = time.monotonic()
        deadline = started_at + (KNOWN_WAIT if has_priority else STRANGERS_WAIT)
        with self.slots.priority_waiter() as waiter:
            while (release_slot := self._try_acquire_slot(has_priority=has_priority)) is None:
                if has_priority:
                    waiter.announce()
                if time.monotonic() >= deadline:
                    has_progress = self._slot_acquired_at > started_at
                    if not has_priority or self._machine_slots_stuck or has_progress:
                        raise self._count_refusal_and_build_error()
                    # The holders of the slots make no progress, such as a process that was stopped.
                    message = "No slot for hashing passwords came free in %d s: %s."
                    self._log_at_intervals(message, int(KNOWN_WAIT), FALLBACK_NOTICE)
                    self._machine_slots_stuck, deadline = True, deadline + KNOWN_WAIT
                time.sleep(POLL_SECONDS)
        return release_slot

    def _try_acquire_slot(self, *, has_priority: bool) -> Callable[[], None] | None:
        try:
            slot = self.slots.acquire(priority=has_priority)
        except OSError as error:
            self._log_at_intervals(
                "Slots for hashing passwords cannot be used (%s): %s.",
                type(error).__name__,
                FALLBACK_NOTICE,
            )
            return self._try_acquire_process_slot()
        if slot is not None:
            self._slot_acquired_at, self._machine_slots_stuck = time.monotonic(), False
            return partial(os.close, slot)
        return self._try_acquire_process_slot() if self._machine_slots_stuck else None

    def _try_acquire_process_slot(self) -> Callable[[], None] | None:
        return (
            self._process_semaphore.release
            if self._process_semaphore.acquire(blocking=False)
            else None
        )

    def _count_refusal_and_build_error(self) -> TooManySignIns:
        self._refusal_count += 1
        self._log_at_intervals(
            "Too many sign-ins at once: %d were refused so far.", self._refusal_count
        )
        return TooManySignIns()

    def _log_at_intervals(self, message: str, *details: object) -> None:
        # Whoever floods the sign-in must not flood the log.
        now = time.monotonic()
        if now - self._logged_at.get(message, -LOGGED_EVERY) >= LOGGED_EVERY:
            self._logged_at[message] = now
            log.warning(message, *details)


def machine_hashing_semaphore() -> HostSemaphore:
    """The slots that every panel on this machine shares."""
    return HostSemaphore("freddy-admin-hashing", count=hashing_concurrency())


hashing_queue = HashingQueue(machine_hashing_semaphore(), count=hashing_concurrency())


@contextmanager
def known_person_hashing_slot() -> Iterator[None]:
    """Hold a slot for somebody the panel knows: by their session, a secret link, or a command.

    Enter it before a transaction begins, so that nobody waits for a slot with rows locked.
    """
    with hashing_queue.slot():
        yield


@contextmanager
def sign_in_hashing_slot(request: HttpRequest, email: str) -> Iterator[None]:
    """Hold a slot for whoever signs in as `email`, or reauthenticates.

    Raises TooManySignIns, before anything is looked up that depends on who has an account.
    """
    device_id = known_device_id(request, email)
    with hashing_queue.slot(stranger=device_id is None, person=email_normalize(email)):
        yield


class QueuedPasswordHasher(PBKDF2PasswordHasher):
    """Django's PBKDF2 hasher, with each hash computed in a slot."""

    @sensitive_variables("password")
    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """The hash; raises TooManySignIns."""
        with known_person_hashing_slot():
            encoded: str = super().encode(password, salt, iterations)
            return encoded


class PasswordBackend(AuthenticationBackend):  # type: ignore[misc]
    """One look-up and one hash each time, so that neither time nor work tells who is known."""

    @sensitive_variables("credentials", "password")
    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User:
        """The person; raises PermissionDenied, so that no other backend is asked.

        allauth's backend, listed behind this one, only keeps sessions valid that began with it.
        """
        email = email_normalize(credentials.get("email"))
        password = str(credentials.get("password") or "")
        if len(password) > DEFAULT_TEXT_MAX_LENGTH:
            raise PermissionDenied  # nobody's: none so long can be chosen
        person = User.objects.filter(email=email).first()
        if person is None:
            User().set_password(password)
        # Django works out a hash for a password that nobody can use, too.
        elif person.check_password(password) and self.user_can_authenticate(person):
            return person
        raise PermissionDenied
