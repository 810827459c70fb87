"""A mail server on loopback that takes mails as its script says."""

import socket
import socketserver
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import LazySettings


@dataclass
class SmtpScript:
    """How the server replies, and what it has received."""

    replies: dict[str, list[str]] = field(default_factory=dict)  # to RCPT, by address, in turn
    greeting: str = "220 ready"
    data_reply: str = "250 taken"
    data_replies: list[str] = field(default_factory=list)  # in turn, before `data_reply`
    is_hanging: bool = False
    received: list[tuple[str, str]] = field(default_factory=list)  # address, text
    on_received: Callable[[str], None] = lambda _address: None
    connections: int = 0
    hung: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def counts(self) -> Counter[str]:
        """How many mails each address got."""
        return Counter(address for address, _text in self.received)


class _Handler(socketserver.StreamRequestHandler):
    script: SmtpScript

    def handle(self) -> None:
        self.script.connections += 1
        if self.script.is_hanging:
            self.script.hung.set()
            self.script.released.wait(60)
            return
        try:
            self._converse()
        except OSError:
            return  # the client is gone

    def _converse(self) -> None:
        self._reply(self.script.greeting)
        address = ""
        for line in self.rfile:
            command = line.decode().strip()
            verb = command[:4].upper()
            if verb == "RCPT":
                address = command.partition("<")[2].partition(">")[0]
                scripted = self.script.replies.get(address)
                self._reply(scripted.pop(0) if scripted else "250 fine")
            elif verb == "DATA":
                self._reply("354 go on")
                self._take(address)
            elif verb == "QUIT":
                self._reply("221 bye")
                return
            else:
                self._reply("250 fine")

    def _take(self, address: str) -> None:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.decode())
        replies = self.script.data_replies
        reply = replies.pop(0) if replies else self.script.data_reply
        if reply.startswith("2"):
            self.script.received.append((address, "".join(lines)))
        self.script.on_received(address)
        self._reply(reply)

    def _reply(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    address_family = socket.AF_INET


@contextmanager
def serve_smtp(script: SmtpScript) -> Iterator[int]:
    """Serve the script; yields the port."""
    handler = type("Handler", (_Handler,), {"script": script})
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            script.released.set()
            server.shutdown()
            thread.join()


@contextmanager
def mailing_by_smtp(settings: LazySettings, script: SmtpScript) -> Iterator[SmtpScript]:
    """The panel's mails go to a server with this script.

    It waits for 0.3 s for each reply of a server that hangs, else longer than any machine is busy.
    """
    with serve_smtp(script) as port:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_TIMEOUT = 0.3 if script.is_hanging else 20
        yield script
