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
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_api import SandboxOptions
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.sandbox.conftest import STATUS_PATH, send_request

HANGING_KEY = sandbox_key(Scenario.HANGING, "Oak")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_only_loopback_can_be_bound(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        SandboxServer(host)


def test_base_url_is_known_while_the_server_runs_alone() -> None:
    server = SandboxServer("localhost")
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.base_url
    with pytest.raises(RuntimeError, match="bind"):
        server.run()
    with server:
        assert server.base_url.startswith("http://127.0.0.1:")
        assert send_request(server.base_url, "/v1/health/").status == 200
    server.stop()


def test_one_connection_serves_many_requests() -> None:
    with SandboxServer() as server:
        address = urlsplit(server.base_url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
        connection.connect()
        own_end = connection.sock.getsockname()
        for name in ("Oak", "Elm"):
            headers = {"X-API-Key": sandbox_key(Scenario.HEALTHY, name)}
            connection.request("GET", STATUS_PATH, headers=headers)
            assert connection.getresponse().read()
            assert connection.sock.getsockname() == own_end
        connection.close()


@pytest.mark.parametrize("scenario", [Scenario.HANGING, Scenario.SLOW, Scenario.DRIP])
def test_stop_frees_every_waiting_client(scenario: Scenario) -> None:
    options = SandboxOptions(slow_seconds=300, drip_seconds=300)
    server = SandboxServer(options=options)
    server.start()
    key = sandbox_key(scenario, "Oak")
    with ThreadPoolExecutor(8) as pool:
        futures = [
            pool.submit(send_request, server.base_url, key=key, timeout=300) for _ in range(8)
        ]
        assert server.request_counts.wait_for(8)
        started_at = time.monotonic()
        server.stop()
        assert time.monotonic() - started_at < 20  # they would wait for minutes
        for future in futures:
            assert isinstance(future.exception(20), http.client.HTTPException | ConnectionError)
    assert server.request_counts.peak_concurrency[key] == 8


def test_client_that_gives_up_frees_its_thread() -> None:
    with SandboxServer() as server:
        address = urlsplit(server.base_url)
        with socket.create_connection(
            (address.hostname or "", address.port or 0), timeout=5
        ) as connection:
            request = f"GET {STATUS_PATH} HTTP/1.1\r\nHost: x\r\nX-API-Key: {HANGING_KEY}\r\n\r\n"
            connection.sendall(request.encode())
            assert server.request_counts.wait_for(1)
            serving = [
                thread for thread in threading.enumerate() if "process_request" in thread.name
            ]
        for thread in serving:
            thread.join(20)
        assert not any(thread.is_alive() for thread in serving)


def test_idle_connections_do_not_delay_stop() -> None:
    server = SandboxServer()
    server.start()
    address = urlsplit(server.base_url)
    with socket.create_connection(
        (address.hostname or "", address.port or 0), timeout=5
    ) as connection:
        connection.sendall(b"GET /v1/health/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        started_at = time.monotonic()
        server.stop()
        assert time.monotonic() - started_at < 20  # they would wait for minutes


def test_port_can_be_reused_at_once() -> None:
    with SandboxServer() as first_server:
        assert send_request(first_server.base_url, "/v1/health/").status == 200
        port = urlsplit(first_server.base_url).port or 0
    with SandboxServer(port=port) as second:
        assert send_request(second.base_url, "/v1/health/").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_lists_the_scenarios_and_ends_on_a_signal(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    statuses: list[int] = []

    class SandboxServerWithVisitor(SandboxServer):
        def run(self) -> None:
            threading.Thread(target=self.visit).start()
            super().run()

        def visit(self) -> None:
            try:
                statuses.append(send_request(self.base_url, "/v1/health/").status)
            finally:
                os.kill(os.getpid(), number)

    monkeypatch.setattr(sandbox_api, "SandboxServer", SandboxServerWithVisitor)
    previous_handler = signal.getsignal(number)
    call_command("sandbox_api", port=0)
    output = capsys.readouterr()
    assert statuses == [200]
    assert signal.getsignal(number) is previous_handler
    assert output.out == ""
    assert "http://127.0.0.1:" in output.err
    assert all(sandbox_key(scenario, "Example") in output.err for scenario in Scenario)


def test_command_reports_a_taken_port() -> None:
    with SandboxServer() as server:
        port = urlsplit(server.base_url).port
        with pytest.raises(CommandError, match=f"Port {port} cannot be used"):
            call_command("sandbox_api", port=port)


@pytest.mark.parametrize("options", [{"port": 70000}, {"port": 0, "speed": -1.0}])
def test_command_refuses_impossible_numbers(options: dict[str, float]) -> None:
    with pytest.raises(CommandError, match="must be from"):
        call_command("sandbox_api", **options)
