"""Who waits for a slot to hash a password, who has priority, and who is refused at once."""

import logging
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from pytest_django.fixtures import Settings

from freddy_admin.accounts.auth import backends
from freddy_admin.accounts.auth.backends import HashingQueue, TooManySignIns
from freddy_admin.core.host_semaphore import HostSemaphore
from tests.flows.wait import wait_until


class WatchedSemaphore(HostSemaphore):
    """One slot, and which threads have asked for it in vain."""

    def __init__(self, folder: Path) -> None:
        super().__init__("x", count=1, folder=folder)
        self.waiting_threads: dict[bool, set[int]] = {True: set(), False: set()}

    def acquire(self, *, priority: bool) -> int | None:
        slot = super().acquire(priority=priority)
        if slot is None:
            self.waiting_threads[priority].add(threading.get_ident())
        return slot

    def waiting_counts(self) -> tuple[int, int]:
        """How many threads have waited: as people who are known, and as strangers."""
        return len(self.waiting_threads[True]), len(self.waiting_threads[False])

    def has_announced_waiter(self) -> bool:
        """Whether somebody waits with priority, so that nobody else gets a free slot."""
        other = HostSemaphore("x", count=9, folder=self.folder)
        slot = other.acquire(priority=False)
        if slot is not None:
            os.close(slot)
        return slot is None


@pytest.fixture
def slots(tmp_path: Path) -> WatchedSemaphore:
    return WatchedSemaphore(tmp_path)


@pytest.fixture
def queue(slots: WatchedSemaphore) -> HashingQueue:
    """The queue of a process, with one slot on its machine."""
    return HashingQueue(slots, count=1)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


@contextmanager
def machine_slot_taken(slots: HostSemaphore) -> Iterator[None]:
    """Hold the slot during this block, as another process would."""
    slot = slots.acquire(priority=True)
    assert slot is not None
    try:
        yield
    finally:
        os.close(slot)


def test_a_third_stranger_is_refused_at_once(
    queue: HashingQueue, slots: WatchedSemaphore, threads: ThreadPoolExecutor
) -> None:
    with machine_slot_taken(slots):
        futures = [threads.submit(hash_in_slot, queue, stranger=True) for _ in range(2)]
        assert wait_until(lambda: slots.waiting_counts() == (0, 2))
        with pytest.raises(TooManySignIns, match="Try again in a few seconds"):
            hash_in_slot(queue, stranger=True)
    assert [future.result() for future in futures] == ["hashed", "hashed"]


def hash_in_slot(queue: HashingQueue, *, stranger: bool = False, person: str = "") -> str:
    with queue.slot(stranger=stranger, person=person):
        return "hashed"


def test_waiting_stranger_is_refused_after_strangers_wait(
    queue: HashingQueue, slots: HostSemaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "STRANGERS_WAIT", 0.0)
    with machine_slot_taken(slots), pytest.raises(TooManySignIns):
        hash_in_slot(queue, stranger=True)
    assert hash_in_slot(queue, stranger=True) == "hashed"


def test_a_known_person_goes_before_strangers_who_wait_for_longer(
    queue: HashingQueue, slots: WatchedSemaphore, threads: ThreadPoolExecutor
) -> None:
    order: list[str] = []

    def hash_as(name: str) -> None:
        with queue.slot(stranger=name == "stranger", person=name):
            order.append(name)

    with machine_slot_taken(slots):
        futures = [threads.submit(hash_as, "stranger") for _ in range(2)]
        assert wait_until(lambda: slots.waiting_counts() == (0, 2))
        futures.append(threads.submit(hash_as, "ada"))
        assert wait_until(slots.has_announced_waiter)
    for future in futures:
        future.result()
    assert order == ["ada", "stranger", "stranger"]


def test_one_person_cannot_take_the_places_of_all_others(
    queue: HashingQueue, slots: WatchedSemaphore, threads: ThreadPoolExecutor
) -> None:
    with machine_slot_taken(slots):
        # Two have priority as ada, two more wait as strangers; a fifth is too many.
        adas_futures = [threads.submit(hash_in_slot, queue, person="ada") for _ in range(4)]
        assert wait_until(lambda: slots.waiting_counts() == (2, 2))
        with pytest.raises(TooManySignIns):
            hash_in_slot(queue, person="ada")
        bos_future = threads.submit(hash_in_slot, queue, person="bo")
        assert wait_until(lambda: slots.waiting_counts() == (3, 2))
    assert {future.result() for future in [*adas_futures, bos_future]} == {"hashed"}


def test_nested_slot_is_the_same_slot(queue: HashingQueue) -> None:
    with queue.slot(stranger=True), queue.slot():
        assert queue.slots.acquire(priority=True) is None
    assert hash_in_slot(queue) == "hashed"


def test_slot_is_released_whatever_happens(queue: HashingQueue) -> None:
    # More often than there are places for strangers, for one person and for all known people.
    for stranger, person in [(True, ""), (False, "ada"), (False, "")] * 6:
        with pytest.raises(ZeroDivisionError), queue.slot(stranger=stranger, person=person):
            raise ZeroDivisionError
    assert hash_in_slot(queue) == hash_in_slot(queue, stranger=True) == "hashed"


def test_process_without_the_lock_folder_counts_by_itself_and_logs_it_once(
    tmp_path: Path, threads: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    queue = HashingQueue(HostSemaphore("x", count=2, folder=tmp_path / "missing"), count=2)
    assert concurrent_slot_holders(queue, threads) == 2
    [record] = caplog.records
    assert "cannot be used (FileNotFoundError): this process counts by itself" in record.message


def concurrent_slot_holders(queue: HashingQueue, threads: ThreadPoolExecutor) -> int:
    """The most of four threads that held a slot at once; two wait for each other in theirs."""
    holders, peak, lock, barrier = 0, 0, threading.Lock(), threading.Barrier(2, timeout=60)

    def hold_slot(_: int) -> None:
        nonlocal holders, peak
        with queue.slot():
            with lock:
                holders += 1
                peak = max(peak, holders)
            barrier.wait()
            with lock:
                holders -= 1

    list(threads.map(hold_slot, range(4)))
    return peak


def test_known_people_go_on_where_nobody_releases_a_slot(
    queue: HashingQueue,
    slots: HostSemaphore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(backends, "KNOWN_WAIT", 0.05)
    monkeypatch.setattr(backends, "STRANGERS_WAIT", 0.0)
    with machine_slot_taken(slots):
        with pytest.raises(TooManySignIns):
            hash_in_slot(queue, stranger=True)
        assert hash_in_slot(queue) == "hashed"
        # Strangers go on then, too, until there is a slot again.
        assert hash_in_slot(queue, stranger=True) == "hashed"
    assert hash_in_slot(queue) == "hashed"
    with machine_slot_taken(slots), pytest.raises(TooManySignIns):
        hash_in_slot(queue, stranger=True)
    assert "came free" in caplog.text


def test_refusals_are_counted_in_one_log_line(
    queue: HashingQueue,
    slots: HostSemaphore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(backends, "STRANGERS_WAIT", 0.0)
    caplog.set_level(logging.INFO)
    with machine_slot_taken(slots):
        for _ in range(50):
            with pytest.raises(TooManySignIns):
                hash_in_slot(queue, stranger=True)
    assert len(caplog.records) == 1
    monkeypatch.setattr(backends, "LOGGED_EVERY", 0.0)
    with machine_slot_taken(slots), pytest.raises(TooManySignIns):
        hash_in_slot(queue, stranger=True)
    assert caplog.records[-1].message == "Too many sign-ins at once: 51 were refused so far."


def test_half_of_the_cores_hash_but_at_least_one(monkeypatch: pytest.MonkeyPatch) -> None:
    concurrencies = []
    for cores in (1, 2, 3, 4, 9):
        monkeypatch.setattr(backends, "usable_core_count", lambda cores=cores: cores)
        concurrencies.append(backends.hashing_concurrency())
    assert concurrencies == [1, 1, 1, 2, 4]


@pytest.fixture
def slots_held_at_hashing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, queue: HashingQueue
) -> list[bool]:
    """Use the panel's hasher with few iterations; whether a slot was held at each hash."""
    slot_states: list[bool] = []
    encode = PBKDF2PasswordHasher.encode

    def recording_encode(self: PBKDF2PasswordHasher, *args: object) -> str:
        slot = queue.slots.acquire(priority=True)
        slot_states.append(slot is None)
        if slot is not None:
            os.close(slot)
        return str(encode(self, *args))

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", recording_encode)
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 20)
    monkeypatch.setattr(backends, "hashing_queue", queue)
    settings.PASSWORD_HASHERS = PANEL_HASHERS
    return slot_states


PANEL_HASHERS = ["freddy_admin.accounts.auth.backends.QueuedPasswordHasher"]


def test_the_panel_hashes_with_the_queue_and_reads_what_django_hashed() -> None:
    from freddy_admin import settings as panel_settings

    assert panel_settings.PASSWORD_HASHERS == PANEL_HASHERS
    hasher = backends.QueuedPasswordHasher()
    assert hasher.algorithm == "pbkdf2_sha256"
    assert hasher.iterations == PBKDF2PasswordHasher.iterations >= 1_000_000
    django_hash = PBKDF2PasswordHasher().encode("words", "s" * 22, 10)
    assert hasher.verify("words", django_hash)


@pytest.mark.parametrize("password", ["words", "other words"])
def test_every_hash_and_rehash_is_computed_in_a_slot(
    slots_held_at_hashing: list[bool], password: str
) -> None:
    encoded = make_password("words")
    old_encoded = PBKDF2PasswordHasher().encode("words", "s" * 22, 10)
    slots_held_at_hashing.clear()
    rehashes: list[str] = []
    assert check_password(password, encoded) is (password == "words")
    check_password(
        password,
        old_encoded,
        setter=lambda raw_password: rehashes.append(make_password(raw_password)),
    )
    check_password(password, "!unusable")
    # One for each call, and one for the missing iterations of the old hash or its rehash.
    assert slots_held_at_hashing == [True] * 4
    assert bool(rehashes) is (password == "words")


def test_a_password_is_not_hashed_without_a_slot(
    slots_held_at_hashing: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "KNOWN_AT_ONCE", 0)
    monkeypatch.setattr(backends, "STRANGERS_AT_ONCE", 0)
    for hash_password in (
        lambda: make_password("words"),
        lambda: check_password("words", "!unusable"),
    ):
        with pytest.raises(TooManySignIns):
            hash_password()
    assert slots_held_at_hashing == []


def test_all_threads_of_a_process_hash_no_more_than_there_are_slots(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    queue = HashingQueue(HostSemaphore("x", count=2, folder=tmp_path), count=9)
    assert concurrent_slot_holders(queue, threads) == 2
