"""A name is looked up in time, once for all who wait for it, and again after a minute."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.outbound.resolver import (
    Address,
    HostNameNotFound,
    Resolver,
    lookup_system_addresses,
)
from tests.aitronos.conftest import MakeClient, StartServer, fetch_sync_status, sync_status_error
from tests.aitronos.scripted_server import respond_in_turn, response_bytes

LOOPBACK_ADDRESS: Address = (socket.AF_INET, "127.0.0.1", 443)


class StubLookup:
    """A lookup that counts how often it was called."""

    def __init__(self, *results: list[Address] | Exception) -> None:
        self.results, self.lookups, self.seconds = list(results), 0, 0.0
        self.released = threading.Event()
        self.released.set()

    def lookup(self, _host: str, _port: int) -> list[Address]:
        self.lookups += 1
        assert self.released.wait(5)
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, Exception):
            raise result
        return result

    def resolver(self) -> Resolver:
        return Resolver(self.lookup, monotonic=lambda: self.seconds)


def test_addresses_are_cached_for_a_minute() -> None:
    other_address: Address = (socket.AF_INET, "127.0.0.2", 443)
    stub = StubLookup([LOOPBACK_ADDRESS], [other_address])
    resolver = stub.resolver()
    for seconds, expected, lookups in (
        (0.0, LOOPBACK_ADDRESS, 1),
        (59.0, LOOPBACK_ADDRESS, 1),
        (60.0, other_address, 2),
    ):
        stub.seconds = seconds
        assert resolver.resolve("api.example", 443, seconds=1) == [expected]
        assert stub.lookups == lookups


def test_names_and_ports_are_looked_up_separately() -> None:
    stub = StubLookup([LOOPBACK_ADDRESS])
    resolver = stub.resolver()
    for host, port in (("a.example", 1), ("a.example", 2), ("b.example", 1)):
        resolver.resolve(host, port, seconds=1)
    assert stub.lookups == 3


@pytest.mark.parametrize("no_address", [[], OSError("no"), UnicodeError("no")], ids=repr)
def test_name_without_an_address_is_not_cached(no_address: list[Address] | Exception) -> None:
    stub = StubLookup(no_address, [LOOPBACK_ADDRESS])
    resolver = stub.resolver()
    with pytest.raises(HostNameNotFound) as excinfo:
        resolver.resolve("api.example", 443, seconds=1)
    assert not excinfo.value.timed_out
    assert resolver.resolve("api.example", 443, seconds=1) == [LOOPBACK_ADDRESS]


def test_slow_lookup_is_abandoned_and_its_addresses_used_later() -> None:
    stub = StubLookup([LOOPBACK_ADDRESS])
    stub.released.clear()
    resolver = stub.resolver()
    with pytest.raises(HostNameNotFound) as excinfo:
        resolver.resolve("api.example", 443, seconds=0.01)
    assert excinfo.value.timed_out
    stub.released.set()
    assert resolver.resolve("api.example", 443, seconds=1) == [LOOPBACK_ADDRESS]
    assert stub.lookups == 1


def test_concurrent_calls_share_one_lookup() -> None:
    stub = StubLookup([LOOPBACK_ADDRESS])
    stub.released.clear()
    resolver = stub.resolver()
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(resolver.resolve, "api.example", 443, seconds=5) for _ in range(16)]
        stub.released.set()
        assert [call.result() for call in calls] == [[LOOPBACK_ADDRESS]] * 16
    assert stub.lookups == 1


@pytest.mark.parametrize(
    ("host", "family"), [("127.0.0.1", socket.AF_INET), ("[::1]", socket.AF_INET6)]
)
def test_literal_address_is_not_looked_up(host: str, family: int) -> None:
    stub = StubLookup([])
    assert stub.resolver().resolve(host, 7, seconds=0) == [(family, host.strip("[]"), 7)]
    assert stub.lookups == 0


def test_system_lookup_finds_localhost() -> None:
    assert {address for _, address, _ in lookup_system_addresses("localhost", 80)} <= {
        "127.0.0.1",
        "::1",
    }


def test_next_address_is_tried_where_the_first_refuses(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes()))
    stub = StubLookup(
        [(socket.AF_INET, "127.0.0.1", 1), (socket.AF_INET, "127.0.0.1", server.port)]
    )
    client = make_client(f"http://localhost:{server.port}", resolver=stub.resolver())
    assert fetch_sync_status(client).info.attempts == 1


def test_unknown_host_name_is_reported_as_name_not_found(make_client: MakeClient) -> None:
    stub = StubLookup(OSError("gone"))
    error = sync_status_error(
        make_client("https://api.example", resolver=stub.resolver(), total_timeout=5)
    )
    assert (error.kind, error.attempts) == (FailureKind.NAME_NOT_FOUND, 3)
