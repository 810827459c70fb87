"""The imitation on a loopback socket, in a thread (tests) or in the foreground (the demo)."""

import ipaddress
import os
import selectors
import threading
from types import TracebackType
from typing import Self

from freddy_admin.sandbox.api import SandboxApi, SandboxOptions
from freddy_admin.sandbox.clock import SandboxClock
from freddy_admin.sandbox.memory import RequestsSeen
from freddy_admin.sandbox.wire import Transport


class SandboxServer:
    """The imitation API. As a context manager it serves from a daemon thread until the block ends.

    ``host`` must be a loopback address (else ValueError), ``port`` 0 takes a free one.
    ``base_url`` and ``requests_seen`` are there once it is started.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: SandboxClock | None = None,
        options: SandboxOptions | None = None,
    ) -> None:
        self._address = (_loopback(host), port)
        self.clock = clock or SandboxClock()
        self.options = options or SandboxOptions()
        self.requests_seen = RequestsSeen()
        self._transport: Transport | None = None
        self._thread: threading.Thread | None = None
        self._wake: tuple[int, int] | None = None

    @property
    def base_url(self) -> str:
        """``http://host:port``. Raises RuntimeError before the start."""
        if self._transport is None:
            raise RuntimeError("the sandbox server is not running")
        return self._transport.url(self._address[0])

    def bind(self) -> None:
        """Take the port; connections wait until ``start`` or ``run``. Raises OSError if taken."""
        api = SandboxApi(self.clock, self.options)
        self._transport = Transport(self._address, api, self.options, self.requests_seen)
        self._wake = os.pipe()

    def start(self) -> None:
        """Serve from a daemon thread until ``stop``."""
        self.bind()
        self._thread = threading.Thread(target=self.run, name="sandbox-api", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Serve in this thread, after ``bind``, until ``request_stop``; then close everything."""
        if self._transport is None or self._wake is None:
            raise RuntimeError("bind the sandbox server before running it")
        transport, (wake, _) = self._transport, self._wake
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(transport, selectors.EVENT_READ)
                selector.register(wake, selectors.EVENT_READ)
                while not any(event.fd == wake for event, _ in selector.select()):
                    transport.handle_request()
        finally:
            transport.end()

    def request_stop(self) -> None:
        """Ask the running server to end. May be called from a signal handler or any thread."""
        if self._wake is not None:
            os.write(self._wake[1], b"x")

    def stop(self) -> None:
        """End, freeing every client that still waits; doing it twice is harmless."""
        if self._thread is not None:
            self.request_stop()
            self._thread.join()
            self._thread = None
        if self._transport is not None:
            self._transport.end()
            self._transport = None
        if self._wake is not None:
            for end in self._wake:
                os.close(end)
            self._wake = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _loopback(host: str) -> str:
    """The host, if it is this machine's own loopback; raises ValueError for any other."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise ValueError("the sandbox serves loopback addresses only")
    return host
