"""The sandbox on a loopback socket, in a thread (tests) or in the foreground (the demo)."""

import ipaddress
import os
import selectors
import threading
from types import TracebackType
from typing import Self

from freddy_admin.sandbox.sandbox_api import SandboxApi, SandboxOptions
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_state import RequestCounts
from freddy_admin.sandbox.tcp_server import SandboxTcpServer


class SandboxServer:
    """The sandbox API. As a context manager it serves from a daemon thread until the block ends.

    ``host`` must be a loopback address (else ValueError), ``port`` 0 takes a free one.
    ``base_url`` and ``request_counts`` are there once it is started.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: SandboxClock | None = None,
        options: SandboxOptions | None = None,
    ) -> None:
        self._address = (_require_loopback(host), port)
        self.clock = clock or SandboxClock()
        self.options = options or SandboxOptions()
        self.request_counts = RequestCounts()
        self._tcp_server: SandboxTcpServer | None = None
        self._thread: threading.Thread | None = None
        self._wake_pipe: tuple[int, int] | None = None

    @property
    def base_url(self) -> str:
        """``http://host:port``. Raises RuntimeError before the start."""
        if self._tcp_server is None:
            raise RuntimeError("the sandbox server is not running")
        return self._tcp_server.base_url(self._address[0])

    def bind(self) -> None:
        """Take the port; connections wait until ``start`` or ``run``. Raises OSError if taken."""
        api = SandboxApi(self.clock, self.options)
        self._tcp_server = SandboxTcpServer(self._address, api, self.options, self.request_counts)
        self._wake_pipe = os.pipe()

    def start(self) -> None:
        """Serve from a daemon thread until ``stop``."""
        self.bind()
        self._thread = threading.Thread(target=self.run, name="sandbox-api", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Serve in this thread, after ``bind``, until ``request_stop``; then close everything."""
        if self._tcp_server is None or self._wake_pipe is None:
            raise RuntimeError("bind the sandbox server before running it")
        tcp_server, (wake_descriptor, _) = self._tcp_server, self._wake_pipe
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(tcp_server, selectors.EVENT_READ)
                selector.register(wake_descriptor, selectors.EVENT_READ)
                while not any(event.fd == wake_descriptor for event, _ in selector.select()):
                    tcp_server.handle_request()
        finally:
            tcp_server.close_connections()

    def request_stop(self) -> None:
        """Ask the running server to end. May be called from a signal handler or any thread."""
        if self._wake_pipe is not None:
            os.write(self._wake_pipe[1], b"x")

    def stop(self) -> None:
        """Stop, freeing every client that still waits; a second call does nothing."""
        if self._thread is not None:
            self.request_stop()
            self._thread.join()
            self._thread = None
        if self._tcp_server is not None:
            self._tcp_server.close_connections()
            self._tcp_server = None
        if self._wake_pipe is not None:
            for descriptor in self._wake_pipe:
                os.close(descriptor)
            self._wake_pipe = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _require_loopback(host: str) -> str:
    """The host, if it is this machine's own loopback; raises ValueError for any other."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError("the sandbox serves loopback addresses only")
    return host
