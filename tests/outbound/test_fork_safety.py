"""A forked child shares neither a connection nor a lock nor a running search with its parent."""

import os
import socket
import threading
import time
from collections.abc import Callable

import pytest

from freddy_admin.outbound.deadline import Deadline
from freddy_admin.outbound.resolver import Address, HostNameNotFound, Resolver
from tests.aitronos.conftest import MakeClient, StartServer, fetch_sync_status
from tests.aitronos.scripted_server import respond_in_turn, response_bytes
from tests.flows.wait import wait_until

# From Python 3.12 on, forking where threads run is warned of: it is what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
LOOPBACK_ADDRESS: Address = (2, "127.0.0.1", 443)


def run_in_forked_child(
    call: Callable[[], object], *, before_waiting: Callable[[], object] = lambda: None
) -> str:
    """What `call` returns in a forked child, as text; meanwhile the parent calls the other."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        output = "nothing"
        try:
            output = str(call())
        except BaseException as error:  # noqa: BLE001  the child must end here, whatever comes
            output = repr(error)
        finally:
            os.write(write_end, output.encode())
            os._exit(0)
    os.close(write_end)
    before_waiting()
    with os.fdopen(read_end) as pipe:
        output = pipe.read()
    os.waitpid(child, 0)
    return output


def test_forked_child_never_uses_its_parents_connection(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes()))
    client = make_client(server, connect_timeout=2, read_timeout=2, total_timeout=4)
    fetch_sync_status(client)
    assert run_in_forked_child(lambda: fetch_sync_status(client).value.total_tools) == "42"
    assert server.connections == 2
    assert fetch_sync_status(client).value.total_tools == 42
    assert (server.connections, len(server.requests)) == (3, 3)


def test_forked_child_waits_for_no_dns_lookup_of_its_parent() -> None:
    parent, released = os.getpid(), threading.Event()

    def lookup(_host: str, _port: int) -> list[Address]:
        if os.getpid() == parent:
            assert released.wait(60)
        return [LOOPBACK_ADDRESS]

    resolver = Resolver(lookup)
    with pytest.raises(HostNameNotFound):  # the parent's lookup goes on
        resolver.resolve("a.example", 1, seconds=0.01)
    output = run_in_forked_child(lambda: resolver.resolve("a.example", 1, seconds=60))
    released.set()
    assert output == str([LOOPBACK_ADDRESS])


def is_connection_cut_in_time() -> bool:
    """Whether a call whose time is over finds its connection shut down."""
    ours, theirs = socket.socketpair()
    deadline = Deadline(0.05)
    with ours, theirs:
        ours.settimeout(60)
        deadline.watch_connection(ours)
        is_cut = ours.recv(1) == b""
        deadline.unwatch_connection()
    return is_cut


def test_forked_child_cuts_calls_of_its_own_and_none_of_its_parent() -> None:
    ours, theirs = socket.socketpair()
    deadline = Deadline(2)
    with ours, theirs:
        ours.settimeout(60)
        deadline.watch_connection(ours)
        # The child inherits the watched connection, and outlives its time.
        output = run_in_forked_child(
            lambda: wait_until(lambda: deadline.remaining == 0) and is_connection_cut_in_time(),
            before_waiting=deadline.unwatch_connection,
        )
        theirs.send(b"x")
        assert (output, ours.recv(1)) == ("True", b"x")


def test_forked_child_waits_for_no_lock_of_its_parent() -> None:
    watchdog_looks, released, caller = threading.Event(), threading.Event(), threading.get_ident()

    def monotonic() -> float:
        if threading.get_ident() != caller:  # the watchdog, which holds its lock meanwhile
            watchdog_looks.set()
            released.wait(60)
        return time.monotonic()

    ours, theirs = socket.socketpair()
    deadline = Deadline(600, monotonic)
    with ours, theirs:
        deadline.watch_connection(ours)
        assert watchdog_looks.wait(60)
        assert run_in_forked_child(is_connection_cut_in_time) == "True"
        released.set()
        deadline.unwatch_connection()
