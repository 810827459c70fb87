"""Responses that gunicorn makes by itself carry the panel's headers, too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.raw_http import send_raw_request
from tests.flows.split_key_panel import SplitPanel

HOST = b"Host: localhost\r\n"
CARRIED = {
    "cache-control": "private, no-store",
    "content-security-policy": "default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitPanel]:
    folder: Path = tmp_path_factory.mktemp("server")
    panel = SplitPanel(folder, api="http://127.0.0.1:9")
    try:
        panel.create_database()
        panel.start_web()
        yield panel
    finally:
        panel.stop_all()


@pytest.mark.parametrize(
    ("status", "request_bytes"),
    [
        (400, b"RUBBISH\r\n\r\n"),
        (400, b"GET / HTTP/9.9\r\n" + HOST + b"\r\n"),
        (400, b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n"),
        (414, b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
        (431, b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 9_000 + b"\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\r\n" * 80 + b"\r\n"),
        (400, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n"),
    ],
)
def test_unreadable_request_gets_an_error_page(
    panel: SplitPanel, status: int, request_bytes: bytes
) -> None:
    response = send_raw_request(panel.port, request_bytes)
    assert response.status == status
    lines = (line.partition(": ") for line in response.head.splitlines()[1:])
    headers = {name.lower(): value for name, _, value in lines}
    for name, value in CARRIED.items():
        assert headers.get(name, "").startswith(value), name
