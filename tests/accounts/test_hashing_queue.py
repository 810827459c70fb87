"""Who waits for a slot to hash a password in, who goes first, and who is refused at once."""

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

from freddy_admin.accounts.signing_in import hashing
from freddy_admin.accounts.signing_in.hashing import HashingQueue, TooManySignIns
from freddy_admin.core.machine_slots import GoingFirst, MachineSlots
from tests.flows.waiting import until


@pytest.fixture
def slots(tmp_path: Path) -> MachineSlots:
    return MachineSlots("x", count=1, folder=tmp_path)


@pytest.fixture
def queue(slots: MachineSlots) -> HashingQueue:
    """A process with one slot on its machine."""
    return HashingQueue(slots, count=1)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


@contextmanager
def taken(slots: MachineSlots) -> Iterator[None]:
    """Another process hashes in this block."""
    slot = slots.take(first=True)
    assert slot is not None
    try:
        yield
    finally:
        os.close(slot)


def test_a_third_stranger_is_refused_at_once(
    queue: HashingQueue, slots: MachineSlots, threads: ThreadPoolExecutor
) -> None:
    with taken(slots):
        waiting = [threads.submit(_hash, queue, stranger=True) for _ in range(2)]
        assert until(lambda: queue._strangers == 2)
        with pytest.raises(TooManySignIns, match="Try again in a few seconds"):
            _hash(queue, stranger=True)
    assert [one.result() for one in waiting] == ["hashed", "hashed"]


def _hash(queue: HashingQueue, *, stranger: bool = False, person: str = "") -> str:
    with queue.slot(stranger=stranger, person=person):
        return "hashed"


def test_a_stranger_who_waits_is_refused_after_a_little(
    queue: HashingQueue, slots: MachineSlots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "STRANGERS_WAIT", 0.0)
    with taken(slots), pytest.raises(TooManySignIns):
        _hash(queue, stranger=True)
    assert _hash(queue, stranger=True) == "hashed"


def test_a_known_person_goes_before_strangers_who_wait_for_longer(
    queue: HashingQueue,
    slots: MachineSlots,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order: list[str] = []
    sign = threading.Event()
    ask = GoingFirst.ask

    def asking(going: GoingFirst) -> None:
        ask(going)
        if going._lock is not None:
            sign.set()

    monkeypatch.setattr(GoingFirst, "ask", asking)

    def hash_as(name: str) -> None:
        with queue.slot(stranger=name == "stranger", person=name):
            order.append(name)

    with taken(slots):
        all_of_them = [threads.submit(hash_as, "stranger") for _ in range(2)]
        assert until(lambda: queue._strangers == 2)
        all_of_them.append(threads.submit(hash_as, "ada"))
        assert sign.wait(60)
    for one in all_of_them:
        one.result()
    assert order == ["ada", "stranger", "stranger"]


def test_nobody_takes_the_places_of_all_other_people(
    queue: HashingQueue, slots: MachineSlots, threads: ThreadPoolExecutor
) -> None:
    with taken(slots):
        # Two as ada, two more as if she was a stranger; a fifth is too many.
        own = [threads.submit(_hash, queue, person="ada") for _ in range(4)]
        assert until(lambda: queue._strangers == 2 and queue._known["ada"] == 2)
        with pytest.raises(TooManySignIns):
            _hash(queue, person="ada")
        other = threads.submit(_hash, queue, person="bo")
        assert until(lambda: queue._known["bo"] == 1)
    assert {one.result() for one in [*own, other]} == {"hashed"}
    assert (queue._strangers, dict(queue._known)) == (0, {})


def test_a_slot_within_a_slot_is_the_same(queue: HashingQueue) -> None:
    with queue.slot(stranger=True), queue.slot():
        assert queue.slots.take(first=True) is None
    assert _hash(queue) == "hashed"


def test_a_slot_is_given_back_whatever_happens(queue: HashingQueue) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), queue.slot():
            raise ZeroDivisionError
    assert _hash(queue) == "hashed"
    assert queue._strangers == queue._known.total() == 0


def test_a_process_whose_folder_is_missing_hashes_by_its_own_count_and_says_so_once(
    tmp_path: Path, threads: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    queue = HashingQueue(MachineSlots("x", count=2, folder=tmp_path / "missing"), count=2)
    assert _inside_at_once(queue, threads) == 2
    [one] = caplog.records
    assert "cannot be used (FileNotFoundError): this process counts by itself" in one.message


def _inside_at_once(queue: HashingQueue, threads: ThreadPoolExecutor) -> int:
    """The most of four threads that were inside at once; two wait for each other there."""
    inside, most, lock, pair = 0, 0, threading.Lock(), threading.Barrier(2, timeout=60)

    def enter(_: int) -> None:
        nonlocal inside, most
        with queue.slot():
            with lock:
                inside += 1
                most = max(most, inside)
            pair.wait()
            with lock:
                inside -= 1

    list(threads.map(enter, range(4)))
    return most


def test_who_is_known_goes_on_where_nobody_gives_a_slot_back(
    queue: HashingQueue,
    slots: MachineSlots,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(hashing, "KNOWN_WAIT", 0.05)
    monkeypatch.setattr(hashing, "STRANGERS_WAIT", 0.0)
    with taken(slots):
        with pytest.raises(TooManySignIns):
            _hash(queue, stranger=True)
        assert _hash(queue) == "hashed"
        # And then the strangers, too, until there is a slot again.
        assert _hash(queue, stranger=True) == "hashed"
    assert _hash(queue) == "hashed"
    with taken(slots), pytest.raises(TooManySignIns):
        _hash(queue, stranger=True)
    assert "came free" in caplog.text


def test_refusals_are_counted_in_one_line_of_the_log(
    queue: HashingQueue,
    slots: MachineSlots,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(hashing, "STRANGERS_WAIT", 0.0)
    caplog.set_level(logging.INFO)
    with taken(slots):
        for _ in range(50):
            with pytest.raises(TooManySignIns):
                _hash(queue, stranger=True)
    assert len(caplog.records) == 1
    monkeypatch.setattr(hashing, "LOGGED_EVERY", 0.0)
    with taken(slots), pytest.raises(TooManySignIns):
        _hash(queue, stranger=True)
    assert caplog.records[-1].message == "Too many sign-ins at once: 51 were refused so far."


def test_half_of_the_cores_hash_and_at_least_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for cores in (1, 2, 3, 4, 9):
        monkeypatch.setattr(hashing, "cores", lambda cores=cores: cores)
        found.append(hashing.hashed_at_once())
    assert found == [1, 1, 1, 2, 4]


@pytest.fixture
def counted(settings: Settings, monkeypatch: pytest.MonkeyPatch, queue: HashingQueue) -> list[bool]:
    """The panel's own hasher with few rounds; whether a slot was held at each hash."""
    held: list[bool] = []
    encode = PBKDF2PasswordHasher.encode

    def counting(self: PBKDF2PasswordHasher, *args: object) -> str:
        slot = queue.slots.take(first=True)
        held.append(slot is None)
        if slot is not None:
            os.close(slot)
        return str(encode(self, *args))

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", counting)
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 20)
    monkeypatch.setattr(hashing, "hashing_queue", queue)
    settings.PASSWORD_HASHERS = OURS
    return held


OURS = ["freddy_admin.accounts.signing_in.hashing.QueuedPasswordHasher"]


def test_the_panel_hashes_with_the_queue_and_reads_what_django_hashed() -> None:
    from freddy_admin import settings as panel

    assert panel.PASSWORD_HASHERS == OURS
    hasher = hashing.QueuedPasswordHasher()
    assert hasher.algorithm == "pbkdf2_sha256"
    assert hasher.iterations == PBKDF2PasswordHasher.iterations >= 1_000_000
    old = PBKDF2PasswordHasher().encode("words", "s" * 22, 10)
    assert hasher.verify("words", old)


@pytest.mark.parametrize("password", ["words", "other words"])
def test_each_hash_is_in_a_slot_those_that_make_old_ones_new_too(
    counted: list[bool], password: str
) -> None:
    made = make_password("words")
    old = PBKDF2PasswordHasher().encode("words", "s" * 22, 10)
    counted.clear()
    renewed: list[str] = []
    assert check_password(password, made) is (password == "words")
    check_password(password, old, setter=lambda word: renewed.append(make_password(word)))
    check_password(password, "!unusable")
    # Once for each, and the rounds that the old one lacks or its renewal.
    assert counted == [True] * 4
    assert bool(renewed) is (password == "words")


def test_a_password_is_not_hashed_without_a_slot(
    counted: list[bool], queue: HashingQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "KNOWN_AT_ONCE", 0)
    queue._strangers = hashing.STRANGERS_AT_ONCE
    for hash_it in (lambda: make_password("words"), lambda: check_password("words", "!unusable")):
        with pytest.raises(TooManySignIns):
            hash_it()
    assert counted == []


def test_all_threads_of_a_process_hash_no_more_than_there_are_slots(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    queue = HashingQueue(MachineSlots("x", count=2, folder=tmp_path), count=9)
    assert _inside_at_once(queue, threads) == 2
