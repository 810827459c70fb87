"""The demo's receiver: prints what would have gone out, whatever kind of channel it is for."""

import http.client
import threading
from collections.abc import Iterator

import pytest

from freddy_admin.sandbox.message_receiver import MessageReceiver


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def receiver(lines: list[str]) -> Iterator[MessageReceiver]:
    """A running one, whose lines are kept."""
    receiver = MessageReceiver(write=lines.append)
    thread = threading.Thread(target=receiver.run)
    thread.start()
    yield receiver
    receiver.request_stop()
    thread.join()


def post(receiver: MessageReceiver, path: str, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(receiver.url.removeprefix("http://"), timeout=10)
    try:
        connection.request("POST", path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


SLACK = b'{"blocks":[{"type":"header","text":{"text":"A &lt;b&gt; &amp;amp; c"}}]}'
TEAMS = (
    b'{"attachments":[{"content":{"body":[{"type":"Container","items":'
    b'[{"inlines":[{"text":"Overdue"}]},{"text":"[Open](x)"}]}]}}]}'
)
PAGERDUTY = (
    b'{"event_action":"trigger","dedup_key":"k","payload":{"summary":"S","severity":"critical"}}'
)
WEBHOOK = (
    b'{"type":"incident.opened","data":{"title":"T","text":"","incidents":'
    b'[{"organisation":"O","keys":["K"],"state":"overdue","url":"u"}]}}'
)


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/slack/x", SLACK, 200, "A <b> &amp; c"),
        ("/teams/x", TEAMS, 202, "Overdue"),
        ("/pagerduty/enqueue", PAGERDUTY, 202, "trigger: S"),
        ("/webhook/x", WEBHOOK, 200, "O (K): overdue"),
        ("/anything", WEBHOOK, 200, "incident.opened: T"),
    ],
)
def test_message_is_printed(
    receiver: MessageReceiver, lines: list[str], path: str, body: bytes, status: int, words: str
) -> None:
    assert post(receiver, path, body)[0] == status
    assert any(line.strip() == words for line in lines)


def test_a_revoked_address_refuses_everything(receiver: MessageReceiver, lines: list[str]) -> None:
    assert post(receiver, "/slack/refuses/everything", SLACK) == (410, b"gone")
    assert lines == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"blocks":[1]}', b"\xff"])
def test_what_is_no_message_is_refused(
    receiver: MessageReceiver, lines: list[str], body: bytes
) -> None:
    assert post(receiver, "/slack/x", body)[0] == 400
    assert lines == []


def test_control_characters_move_no_cursor(receiver: MessageReceiver, lines: list[str]) -> None:
    post(receiver, "/slack/x", b'{"blocks":[{"type":"header","text":{"text":"a\\u001b[2Jb"}}]}')
    assert "   a [2Jb\n" in lines


def test_receiver_listens_on_loopback_alone() -> None:
    with pytest.raises(ValueError, match="loopback"):
        MessageReceiver("0.0.0.0")
