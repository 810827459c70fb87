"""A forked child shares neither a connection nor a lock nor a running search with its parent."""

import os
import threading
from collections.abc import Callable

import pytest

from freddy_admin.outbound.deadline import WATCHDOG
from freddy_admin.outbound.resolver import Address, Resolver
from tests.aitronos.conftest import MakeClient, StartServer, fetch_sync_status
from tests.aitronos.scripted_server import respond_in_turn, response_bytes

# From Python 3.12 on, forking where threads run is warned of: it is what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
LOOPBACK_ADDRESS: Address = (2, "127.0.0.1", 443)


def run_in_forked_child(call: Callable[[], object]) -> str:
    """What `call` returns in a forked child, as text."""
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
            assert released.wait(5)
        return [LOOPBACK_ADDRESS]

    resolver = Resolver(lookup)
    thread = threading.Thread(target=resolver.resolve, args=("a.example", 1), kwargs={"seconds": 5})
    thread.start()
    while not resolver._running_searches:
        pass
    output = run_in_forked_child(lambda: resolver.resolve("a.example", 1, seconds=2))
    released.set()
    thread.join()
    assert output == str([LOOPBACK_ADDRESS])


def test_forked_child_waits_for_no_lock_of_its_parent() -> None:
    with WATCHDOG._changed:
        assert run_in_forked_child(lambda: WATCHDOG._changed.acquire(timeout=1)) == "True"
