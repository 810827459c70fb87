"""`EMAIL_URL` says whether a mail server is spoken to in TLS from the first byte."""

import socket
import threading
from contextlib import suppress
from smtplib import SMTPException

import pytest
from django.core.mail import EmailMessage, get_connection

from freddy_admin.conf.django_settings import build_email_settings
from tests.conf.test_setting_parsers import EnvironmentFromValues

TLS_HANDSHAKE = 0x16  # RFC 8446, 5.1: the type of a client's first record


def _first_bytes_sent(scheme: str) -> bytes:
    """What a mail server on loopback hears first from a panel whose EMAIL_URL has this scheme."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hear() -> None:
            wire, _ = server.accept()
            with wire:
                wire.settimeout(10)
                if scheme == "smtp+tls":
                    wire.sendall(b"220 ready\r\n")
                heard.append(wire.recv(64))

        listener = threading.Thread(target=hear)
        listener.start()
        port = server.getsockname()[1]
        config = build_email_settings(
            EnvironmentFromValues(EMAIL_URL=f"{scheme}://user:pw@127.0.0.1:{port}")
        )
        backend = get_connection(
            config["EMAIL_BACKEND"],
            host=config["EMAIL_HOST"],
            port=config["EMAIL_PORT"],
            use_tls=config.get("EMAIL_USE_TLS", False),
            use_ssl=config.get("EMAIL_USE_SSL", False),
            timeout=10,
        )
        with suppress(OSError, SMTPException):  # the server hangs up at once
            EmailMessage("subject", "text", to=["a@example.org"], connection=backend).send()
        listener.join(20)
    return heard[0]


@pytest.mark.parametrize("scheme", ["smtps", "smtp+ssl"])
def test_smtps_speaks_tls_from_the_first_byte(scheme: str) -> None:
    assert _first_bytes_sent(scheme)[0] == TLS_HANDSHAKE


def test_starttls_begins_in_clear() -> None:
    assert _first_bytes_sent("smtp+tls").lower().startswith(b"ehlo ")
