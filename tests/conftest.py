"""What holds for every test. The network is closed but for loopback (pytest-socket's options)."""

import gc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import hypothesis
import pytest
from django.conf import settings
from django.core import management
from django.core.cache import caches
from django.db import connection
from whitenoise.middleware import WhiteNoiseMiddleware

from freddy_admin.accounts.auth.backends import hashing_concurrency, hashing_queue
from freddy_admin.accounts.models import User
from freddy_admin.audit.append_only_triggers import (
    append_only_triggers_create,
    append_only_triggers_drop,
)
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_resume
from freddy_admin.core.clock_skew import override_clock_trust, reference_clock_cache_clear
from freddy_admin.core.host_semaphore import HostSemaphore
from freddy_admin.crypto.keyring import keyring_reset
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.vault.master_key_state import master_key_state_reset
from tests.hand_clock import HandClock, hand_clock_block
from tests.migrated_database import migrated_database_load
from tests.people import People, member_get_or_create, user_create

# How long an example takes says how busy the machine is, and nothing of the code. The same
# examples each time: what is found at random is looked for with `--hypothesis-profile=searching`.
_WITHOUT_DEADLINE = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("searching", _WITHOUT_DEADLINE)
hypothesis.settings.register_profile("patient", _WITHOUT_DEADLINE, derandomize=True, database=None)
hypothesis.settings.load_profile("patient")


TESTS = Path(__file__).parent
# The files and folders that take longest, in this order: begun last, one would run alone.
SLOW_TESTS = (
    *("browser/test_page_layouts", "golden/", "web/test_tenant_isolation", "browser/", "flows/"),
    *("ops/test_pgbouncer", "web/test_page_fuzzing", "organisations/test_outbox_migration"),
    *("web/test_mass_assignment", "ops/", "alerts/", "conventions/"),
)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what uses the database, and how, and one test in ten, before `-m` chooses."""
    fixture_names = {*getattr(item, "fixturenames", ())}
    django_db = item.get_closest_marker("django_db")
    if django_db or {"db", "transactional_db"} & fixture_names:
        item.add_marker("database")
    if "transactional_db" in fixture_names or (django_db and django_db.kwargs.get("transaction")):
        item.add_marker("transactions")
    if crc32(item.nodeid.encode()) % 10 == 0:
        item.add_marker("one_in_ten")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files first, the others in the order that chance gave them."""

    def rank(item: pytest.Item) -> int:
        path = item.path.relative_to(TESTS).as_posix()
        ranks = (rank for rank, slow in enumerate(SLOW_TESTS) if path.startswith(slow))
        return next(ranks, len(SLOW_TESTS))

    items.sort(key=rank)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have Python look for garbage among what tests make, and not in thousands of tests each time.

    That was a twentieth of the run.
    """
    del session
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def _static_files_cached() -> Iterator[None]:
    """Each test client is a server of its own; the files on the disk are the same for all."""
    files: dict[str, Any] = {}
    add_files = WhiteNoiseMiddleware.add_files_from_finders

    def add_cached_files(server: WhiteNoiseMiddleware) -> None:
        if not files:
            add_files(server)
            files.update(server.files)
        server.files.update(files)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_cached_files)
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_hashing_slots(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hashing slots of this process alone: panels and other tests on this machine have theirs."""
    folder = tmp_path_factory.mktemp("slots")
    hashing_queue.slots = HostSemaphore("hashing", count=hashing_concurrency(), folder=folder)


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    # The database's cache is rolled back with each test; Redis knows no such thing.
    if settings.REDIS_URL:
        caches["fast"].clear()


@pytest.fixture(autouse=True)
def _forget_former_tests() -> None:
    """Drop what the panel caches of a database's master keys and clocks, and of a broken cache."""
    cache_resume()
    reference_clock_cache_clear()
    master_key_state_reset()
    keyring_reset()


@pytest.fixture
def hand_clock() -> Iterator[HandClock]:
    """The panel's clock, which stands at noon until the test advances it."""
    with hand_clock_block() as source:
        yield source


@pytest.fixture
def organisation(db: None) -> Organisation:
    """The organisation that a test is about."""
    return Organisation.objects.create(name="Alder", slug="alder", created_at=clock.now())


@pytest.fixture
def other_organisation(db: None) -> Organisation:
    """Another tenant."""
    return Organisation.objects.create(name="Birch", slug="birch", created_at=clock.now())


@pytest.fixture
def platform_admin(db: None) -> User:
    """Looks after the whole panel, and is a member of no organisation."""
    return user_create("admin", admin=True)


@pytest.fixture
def manager(organisation: Organisation) -> User:
    return member_get_or_create(organisation, "manager", Role.MANAGER)


@pytest.fixture
def operator(organisation: Organisation) -> User:
    return member_get_or_create(organisation, "operator", Role.OPERATOR)


@pytest.fixture
def viewer(organisation: Organisation) -> User:
    return member_get_or_create(organisation, "viewer", Role.VIEWER)


@pytest.fixture
def stranger(other_organisation: Organisation) -> User:
    """A manager of another organisation, who may see nothing of the first one."""
    return member_get_or_create(other_organisation, "stranger", Role.MANAGER)


@pytest.fixture
def people(
    platform_admin: User, organisation: Organisation, other_organisation: Organisation
) -> People:
    """All of them; it asks for no fixture of one of them, whose name a module may give a client."""
    return People(
        platform_admin,
        member_get_or_create(organisation, "manager", Role.MANAGER),
        member_get_or_create(organisation, "operator", Role.OPERATOR),
        member_get_or_create(organisation, "viewer", Role.VIEWER),
        member_get_or_create(other_organisation, "stranger", Role.MANAGER),
    )


@pytest.fixture
def trusted_clock() -> Iterator[None]:
    """The clock that a test moves counts as true, so that old rows may be deleted."""
    with override_clock_trust():
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> Iterator[None]:
    """On SQLite begin with a database that is migrated: there is nothing left to do for it."""
    del django_db_modify_db_settings

    with pytest.MonkeyPatch.context() as patch:

        def call_command_once(name: str, *args: Any, **options: Any) -> Any:
            patch.undo()
            if name == "migrate" and connection.vendor == "sqlite":
                connection.ensure_connection()
                migrated_database_load(connection.connection)
                # Django asks once in a process: not in the middle of a test that counts statements.
                assert connection.features.supports_json_field
            return management.call_command(name, *args, **options)

        patch.setattr(management, "call_command", call_command_once)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """After a test with transactions the tables are emptied, which the audit log refuses.

    Its triggers are dropped for that alone, and only here: the panel itself has no such way.
    """
    del django_db_setup
    execute_flush = connection.ops.execute_sql_flush

    def execute_unguarded_flush(sql_list: Sequence[str]) -> None:
        append_only_triggers_drop()
        execute_flush(sql_list)
        append_only_triggers_create()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection.ops, "execute_sql_flush", execute_unguarded_flush)
        yield
