"""A forked child shares neither a connection nor a lock nor a running search with its parent."""

import os
import threading
from collections.abc import Callable

import pytest

from freddy_admin.aitronos.deadline import WATCHDOG
from freddy_admin.aitronos.pools import Pools
from freddy_admin.aitronos.resolving import Address, Resolver
from tests.aitronos.conftest import MakeClient, Serve, ask
from tests.aitronos.wire import answer, says

# From Python 3.12 on, forking where threads run is warned of: it is what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
HERE: Address = (2, "127.0.0.1", 443)


def in_a_child(call: Callable[[], object]) -> str:
    """What `call` returns in a forked child, as text."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing"
        try:
            said = str(call())
        except BaseException as error:  # noqa: BLE001  the child must end here, whatever comes
            said = repr(error)
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said_by_child:
        told = said_by_child.read()
    os.waitpid(child, 0)
    return told


def test_a_child_never_uses_its_parents_connection(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer()))
    client = make_client(server, connect_timeout=2, read_timeout=2, total_timeout=4)
    ask(client)
    assert in_a_child(lambda: ask(client).value.total_tools) == "42"
    assert server.connections == 2
    assert ask(client).value.total_tools == 42
    assert (server.connections, len(server.requests)) == (2, 3)


def test_a_child_waits_for_no_search_of_its_parent() -> None:
    parent, free = os.getpid(), threading.Event()

    def lookup(_host: str, _port: int) -> list[Address]:
        if os.getpid() == parent:
            assert free.wait(5)
        return [HERE]

    resolver = Resolver(lookup)
    waiting = threading.Thread(
        target=resolver.resolve, args=("a.example", 1), kwargs={"seconds": 5}
    )
    waiting.start()
    while not resolver._running:
        pass
    told = in_a_child(lambda: resolver.resolve("a.example", 1, seconds=2))
    free.set()
    waiting.join()
    assert told == str([HERE])


def test_a_child_waits_for_no_lock_of_its_parent() -> None:
    pools = Pools(lambda: None)  # type: ignore[arg-type, return-value]
    with pools._lock, WATCHDOG._changed:
        assert in_a_child(lambda: pools.take("a")) == "None"
        assert in_a_child(lambda: WATCHDOG._changed.acquire(timeout=1)) == "True"
