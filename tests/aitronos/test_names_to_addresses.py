"""A name is looked up in time, once for all who wait for it, and again after a minute."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.aitronos.resolving import Address, NameNotFound, Resolver, system_lookup
from tests.aitronos.conftest import MakeClient, Serve, ask, failure
from tests.aitronos.wire import answer, says

HERE: Address = (socket.AF_INET, "127.0.0.1", 443)


class Names:
    """A directory that counts how often it was asked."""

    def __init__(self, *answers: list[Address] | Exception) -> None:
        self.answers, self.asked, self.at = list(answers), 0, 0.0
        self.free = threading.Event()
        self.free.set()

    def lookup(self, _host: str, _port: int) -> list[Address]:
        self.asked += 1
        assert self.free.wait(5)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    def resolver(self) -> Resolver:
        return Resolver(self.lookup, monotonic=lambda: self.at)


def test_an_answer_is_kept_for_a_minute() -> None:
    other: Address = (socket.AF_INET, "127.0.0.2", 443)
    names = Names([HERE], [other])
    resolver = names.resolver()
    for at, expected, asked in ((0.0, HERE, 1), (59.0, HERE, 1), (60.0, other, 2)):
        names.at = at
        assert resolver.resolve("api.example", 443, seconds=1) == [expected]
        assert names.asked == asked


def test_other_names_and_ports_are_looked_up_apart() -> None:
    names = Names([HERE])
    resolver = names.resolver()
    for host, port in (("a.example", 1), ("a.example", 2), ("b.example", 1)):
        resolver.resolve(host, port, seconds=1)
    assert names.asked == 3


@pytest.mark.parametrize("nothing", [[], OSError("no"), UnicodeError("no")], ids=repr)
def test_a_name_without_an_address_is_not_remembered(nothing: list[Address] | Exception) -> None:
    names = Names(nothing, [HERE])
    resolver = names.resolver()
    with pytest.raises(NameNotFound) as caught:
        resolver.resolve("api.example", 443, seconds=1)
    assert not caught.value.timed_out
    assert resolver.resolve("api.example", 443, seconds=1) == [HERE]


def test_a_slow_lookup_is_left_behind_and_its_answer_used_later() -> None:
    names = Names([HERE])
    names.free.clear()
    resolver = names.resolver()
    with pytest.raises(NameNotFound) as caught:
        resolver.resolve("api.example", 443, seconds=0.01)
    assert caught.value.timed_out
    names.free.set()
    assert resolver.resolve("api.example", 443, seconds=1) == [HERE]
    assert names.asked == 1


def test_many_who_wait_for_a_name_ask_once() -> None:
    names = Names([HERE])
    names.free.clear()
    resolver = names.resolver()
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(resolver.resolve, "api.example", 443, seconds=5) for _ in range(16)]
        names.free.set()
        assert [call.result() for call in calls] == [[HERE]] * 16
    assert names.asked == 1


@pytest.mark.parametrize(
    ("host", "family"), [("127.0.0.1", socket.AF_INET), ("[::1]", socket.AF_INET6)]
)
def test_an_address_is_not_looked_up(host: str, family: int) -> None:
    names = Names([])
    assert names.resolver().resolve(host, 7, seconds=0) == [(family, host.strip("[]"), 7)]
    assert names.asked == 0


def test_the_system_knows_localhost() -> None:
    assert {address for _, address, _ in system_lookup("localhost", 80)} <= {"127.0.0.1", "::1"}


def test_the_next_address_is_tried_where_the_first_refuses(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(answer()))
    names = Names([(socket.AF_INET, "127.0.0.1", 1), (socket.AF_INET, "127.0.0.1", server.port)])
    client = make_client(f"http://localhost:{server.port}", resolver=names.resolver())
    assert ask(client).info.attempts == 1


def test_a_name_that_is_not_found_is_said_so(make_client: MakeClient) -> None:
    names = Names(OSError("gone"))
    error = failure(make_client("https://api.example", resolver=names.resolver(), total_timeout=5))
    assert (error.kind, error.attempts, error.retryable) == (FailureKind.NAME_NOT_FOUND, 3, True)
