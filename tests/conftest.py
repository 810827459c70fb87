"""What holds for every test. The network is closed but for loopback (pytest-socket's options)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from whitenoise.middleware import WhiteNoiseMiddleware

from freddy_admin.accounts.signing_in.hashing import hashed_at_once, hashing_queue
from freddy_admin.audit.guards import guards_make, guards_remove
from freddy_admin.core import clock_guard
from freddy_admin.core.either_clock import either_clock_reset
from freddy_admin.core.machine_slots import MachineSlots
from freddy_admin.crypto.unwrapping import unwrapped_forget
from freddy_admin.vault.master_keys import master_key_state_reset

# How long an example takes says how busy the machine is, and nothing of the code. The same
# examples each time: what is found at random is looked for with `--hypothesis-profile=searching`.
_PATIENT = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("searching", _PATIENT)
hypothesis.settings.register_profile("patient", _PATIENT, derandomize=True, database=None)
hypothesis.settings.load_profile("patient")


# A few tests each, and most of the time of all: begun last, they would keep one process alone.
LONG = [f"{Path(__file__).parent}/{name}/" for name in ("browser", "flows")]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others in the order that chance gave them."""
    items.sort(key=lambda item: not str(item.path).startswith(tuple(LONG)))


@pytest.fixture(scope="session", autouse=True)
def _static_files_found_once() -> Iterator[None]:
    """Each test client is a server of its own; the files on the disk are the same for all."""
    found: dict[str, Any] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def remembered(server: WhiteNoiseMiddleware) -> None:
        if not found:
            look(server)
            found.update(server.files)
        server.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", remembered)
        yield


@pytest.fixture(scope="session", autouse=True)
def _slots_for_hashing_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """This machine's panels, and the tests that run beside these, hash passwords by themselves."""
    folder = tmp_path_factory.mktemp("slots")
    hashing_queue.slots = MachineSlots("hashing", count=hashed_at_once(), folder=folder)


@pytest.fixture(autouse=True)
def _an_empty_redis() -> None:
    # The database's cache is rolled back with each test; Redis knows no such thing.
    if settings.REDIS_URL:
        caches["fast"].clear()


@pytest.fixture(autouse=True)
def _nothing_known_of_another_database() -> None:
    """What one test's database says of master keys and clocks is kept for a while; not for ours."""
    either_clock_reset()
    master_key_state_reset()
    unwrapped_forget()


@pytest.fixture
def believed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test moves by hand is taken for the true time: what is old by it may be deleted."""
    monkeypatch.setattr(clock_guard, "_believed", lambda now: True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """After a test with transactions the tables are emptied, which the audit log refuses.

    Its guards stand aside for that alone, and only here: the panel itself knows no such way.
    """
    del django_db_setup
    empty = connection.ops.execute_sql_flush

    def unguarded(sql_list: Sequence[str]) -> None:
        guards_remove()
        empty(sql_list)
        guards_make()

    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setattr(connection.ops, "execute_sql_flush", unguarded)
        yield
