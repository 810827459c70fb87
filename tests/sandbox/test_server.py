import http.client
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command

from freddy_admin.ops.management.commands import sandbox_api
from freddy_admin.sandbox.api import SandboxOptions
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.sandbox.conftest import STATUS, ask_at

HANGING = key_for(Scenario.HANGING, "Oak")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_only_loopback_can_be_bound(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        SandboxServer(host)


def test_the_address_is_known_while_it_runs_only() -> None:
    server = SandboxServer("localhost")
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.base_url
    with pytest.raises(RuntimeError, match="bind"):
        server.run()
    with server:
        assert server.base_url.startswith("http://127.0.0.1:")
        assert ask_at(server.base_url, "/v1/health/").status == 200
    server.stop()


def test_one_connection_serves_many_requests() -> None:
    with SandboxServer() as server:
        where = urlsplit(server.base_url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=5)
        connection.connect()
        own_end = connection.sock.getsockname()
        for name in ("Oak", "Elm"):
            headers = {"X-API-Key": key_for(Scenario.HEALTHY, name)}
            connection.request("GET", STATUS, headers=headers)
            assert connection.getresponse().read()
            assert connection.sock.getsockname() == own_end
        connection.close()


@pytest.mark.parametrize("scenario", [Scenario.HANGING, Scenario.SLOW, Scenario.DRIP])
def test_the_end_frees_every_client_that_waits(scenario: Scenario) -> None:
    options = SandboxOptions(slow_seconds=300, drip_seconds=300)
    server = SandboxServer(options=options)
    server.start()
    key = key_for(scenario, "Oak")
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(ask_at, server.base_url, key=key, timeout=300) for _ in range(8)]
        assert server.requests_seen.wait_for(8)
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 20  # they would wait for minutes
        for answer in waiting:
            assert isinstance(answer.exception(20), http.client.HTTPException | ConnectionError)
    assert server.requests_seen.most_at_once[key] == 8


def test_a_client_that_gives_up_frees_its_thread() -> None:
    with SandboxServer() as server:
        where = urlsplit(server.base_url)
        with socket.create_connection((where.hostname or "", where.port or 0), timeout=5) as raw:
            request = f"GET {STATUS} HTTP/1.1\r\nHost: x\r\nX-API-Key: {HANGING}\r\n\r\n"
            raw.sendall(request.encode())
            assert server.requests_seen.wait_for(1)
            serving = [t for t in threading.enumerate() if "process_request" in t.name]
        for thread in serving:
            thread.join(20)
        assert not any(thread.is_alive() for thread in serving)


def test_idle_connections_do_not_hold_up_the_end() -> None:
    server = SandboxServer()
    server.start()
    where = urlsplit(server.base_url)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=5) as idle:
        idle.sendall(b"GET /v1/health/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(12) == b"HTTP/1.1 200"
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 20  # they would wait for minutes


def test_a_port_can_be_used_again_at_once() -> None:
    with SandboxServer() as first:
        assert ask_at(first.base_url, "/v1/health/").status == 200
        port = urlsplit(first.base_url).port or 0
    with SandboxServer(port=port) as second:
        assert ask_at(second.base_url, "/v1/health/").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_lists_the_scenarios_and_ends_on_a_signal(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered: list[int] = []

    class Visited(SandboxServer):
        def run(self) -> None:
            threading.Thread(target=self.visit).start()
            super().run()

        def visit(self) -> None:
            try:
                answered.append(ask_at(self.base_url, "/v1/health/").status)
            finally:
                os.kill(os.getpid(), number)

    monkeypatch.setattr(sandbox_api, "SandboxServer", Visited)
    before = signal.getsignal(number)
    call_command("sandbox_api", port=0)
    printed = capsys.readouterr()
    assert answered == [200]
    assert signal.getsignal(number) is before
    assert printed.out == ""
    assert "http://127.0.0.1:" in printed.err
    assert all(key_for(scenario, "Example") in printed.err for scenario in Scenario)


def test_the_command_says_when_the_port_is_taken() -> None:
    with SandboxServer() as server:
        port = urlsplit(server.base_url).port
        with pytest.raises(CommandError, match=f"Port {port} cannot be used"):
            call_command("sandbox_api", port=port)


@pytest.mark.parametrize("wrong", [{"port": 70000}, {"port": 0, "speed": -1.0}])
def test_the_command_refuses_impossible_numbers(wrong: dict[str, float]) -> None:
    with pytest.raises(CommandError, match="must be from"):
        call_command("sandbox_api", **wrong)
