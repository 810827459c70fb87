"""Addresses that are private, slow, redirecting, dripping, gone: each ends in one known reason."""

import socket
import time
from contextlib import suppress
from typing import Any

import pytest

from freddy_admin.alerts.channels import webhook
from freddy_admin.alerts.channels.answers import ChannelFailure, ChannelNotSent, answer_line
from freddy_admin.alerts.models import Channel, Message
from freddy_admin.core import network
from freddy_admin.crypto.keyring import keyring_reset
from freddy_admin.outbound.guard import AllowedHosts
from freddy_admin.outbound.resolver import HostNameNotFound
from freddy_admin.vault.master_key_state import master_key_state_reset
from freddy_admin.vault.models import ChannelSecret
from freddy_admin.wording.channels import channel_failure_sentence
from freddy_admin.wording.sentences import render_text
from tests.alerts.channels.conftest import MakeChannel, message_to
from tests.free_ports import find_free_port
from tests.receivers.http_receiver import HttpReceiver, Reply

PUBLIC_URL = "https://hooks.example.org/secretpath0123456789"


@pytest.fixture
def message(make_channel: MakeChannel, receiver: HttpReceiver) -> Message:
    return message_to(make_channel("webhook", receiver).channel)


def _error(message: Message) -> ChannelNotSent:
    with pytest.raises(ChannelNotSent) as raised:
        webhook.send({"a": 1}, channel=message.channel, message=message)
    return raised.value


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of a second for what may take 15."""
    monkeypatch.setattr(network, "POST_SECONDS", 0.4)


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize(
    "reply", [Reply(is_hanging=True), Reply(200, drip_seconds=0.02), Reply(200, b"x", is_cut=True)]
)
def test_an_answer_that_does_not_come_may_have_arrived(
    message: Message, receiver: HttpReceiver, reply: Reply
) -> None:
    receiver.replies = [reply]
    begun_at = time.monotonic()
    error = _error(message)
    assert time.monotonic() - begun_at < 5
    assert error.may_have_arrived
    assert not error.is_permanent
    assert error.answer is None


def test_a_redirect_is_never_followed(message: Message, receiver: HttpReceiver) -> None:
    receiver.replies = [Reply(307, headers={"Location": receiver.url("/elsewhere")})]
    error = _error(message)
    assert (error.reason, error.is_permanent) == (ChannelFailure.REDIRECTED, False)
    assert [request.path for request in receiver.requests] == ["/hook"]


@pytest.mark.parametrize("status", [404, 410])
def test_an_address_that_is_gone_is_a_permanent_failure(
    message: Message, receiver: HttpReceiver, status: int
) -> None:
    receiver.replies = [Reply(status, b"no such hook")]
    error = _error(message)
    assert (error.reason, error.is_permanent) == (ChannelFailure.GONE, True)
    assert error.answer is not None
    assert error.answer.text == "no such hook"


@pytest.mark.parametrize(
    ("status", "reason"), [(400, "refused"), (401, "refused"), (503, "broken"), (429, "busy")]
)
def test_other_refusals_are_tried_again(
    message: Message, receiver: HttpReceiver, status: int, reason: str
) -> None:
    receiver.replies = [Reply(status, headers={"Retry-After": "120"})]
    error = _error(message)
    assert (error.reason, error.is_permanent) == (reason, False)
    assert error.retry_after is not None
    assert error.retry_after.total_seconds() == 120


def test_nobody_listens(make_channel: MakeChannel, settings: Any) -> None:
    port = find_free_port()
    settings.OUTBOUND_ALLOWED_HOSTS = AllowedHosts(frozenset({("127.0.0.1", port)}))
    channel = make_channel("webhook", f"http://127.0.0.1:{port}/hook").channel
    error = _error(message_to(channel))
    assert (error.reason, error.may_have_arrived) == ("connection_refused", False)


def _resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[Any]:
    """Have every name resolve to these addresses; the addresses that are then connected to."""
    connected: list[Any] = []

    def resolve(self: object, host: str, port: int, *, seconds: float) -> list[Any]:
        if not addresses:
            raise HostNameNotFound(timed_out=False)
        return [(socket.AF_INET, address, port) for address in addresses]

    monkeypatch.setattr("freddy_admin.outbound.resolver.Resolver.resolve", resolve)
    monkeypatch.setattr(socket.socket, "connect", lambda _self, to: connected.append(to))
    return connected


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "192.168.1.1"])
def test_a_name_that_leads_inside_is_refused_at_the_connection(
    make_channel: MakeChannel, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    channel = make_channel("webhook", PUBLIC_URL).channel
    connected = _resolving_to(monkeypatch, address)
    error = _error(message_to(channel))
    assert (error.reason, error.may_have_arrived) == ("address_blocked", False)
    assert connected == []


def test_a_name_that_is_not_found_is_tried_again(
    make_channel: MakeChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel("webhook", PUBLIC_URL).channel
    _resolving_to(monkeypatch)
    error = _error(message_to(channel))
    assert (error.reason, error.is_permanent) == ("name_not_found", False)


def test_host_that_the_operator_allows_no_more_is_not_called(
    message: Message, receiver: HttpReceiver, settings: Any
) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = AllowedHosts()
    assert _error(message).reason == ChannelFailure.NOT_ALLOWED
    assert receiver.requests == []


def test_an_answer_that_repeats_the_address_is_not_kept(
    make_channel: MakeChannel, receiver: HttpReceiver
) -> None:
    channel = make_channel("webhook", receiver.url("/plantedpath0123456789")).channel
    receiver.replies = [Reply(500, b"no route for /plantedpath0123456789")]
    error = _error(message_to(channel))
    assert error.answer is not None
    assert (error.answer.status, error.answer.text) == (500, "")


def test_an_answer_that_repeats_the_signing_secret_is_not_kept(
    make_channel: MakeChannel, receiver: HttpReceiver
) -> None:
    new = make_channel("webhook", receiver)
    part = new.signing_secret[10:22]
    receiver.replies = [Reply(200, f"secret {part}".encode())]
    answer = webhook.send({}, channel=new.channel, message=message_to(new.channel))
    assert answer.text == ""


def test_answer_is_one_line_of_plain_text() -> None:
    line = answer_line(b"a\x00b\r\nc\x1b[31m \xe2\x80\xae d" + b"e" * 500, secrets=())
    assert line.startswith("a b c [31m d")
    assert len(line) == 200
    assert answer_line(b"\xff\xfe", secrets=()) == "��"
    assert answer_line(b"short k", secrets=("short k",)) == ""
    assert answer_line(b"", secrets=("",)) == ""


def test_compressed_success_is_a_success(message: Message, receiver: HttpReceiver) -> None:
    receiver.replies = [Reply(200, b"zip", {"Content-Encoding": "gzip"})]
    assert webhook.send({}, channel=message.channel, message=message).status == 200


def test_damaged_secret_and_missing_master_key_are_told_apart(
    message: Message, settings: Any
) -> None:
    secrets = ChannelSecret.objects.filter(purpose="address")
    ciphertext = bytearray(bytes(secrets.get().ciphertext or b""))
    ciphertext[-1] ^= 1
    secrets.update(ciphertext=bytes(ciphertext))
    assert _error(message).reason == ChannelFailure.SECRET_UNREADABLE
    public_key = keyring_public_key()
    settings.ENCRYPTION_KEYS, settings.ENCRYPTION_PUBLIC_KEY = [], public_key
    keyring_reset()
    master_key_state_reset()
    assert _error(message).reason == ChannelFailure.MASTER_KEY


def keyring_public_key() -> str:
    from django.conf import settings

    from freddy_admin.crypto.keyring import public_key_from_private_key

    return public_key_from_private_key(settings.ENCRYPTION_KEYS[0])


def test_channel_without_an_address_sends_nothing(message: Message) -> None:
    ChannelSecret.objects.filter(purpose="address").delete()
    assert _error(message).reason == ChannelFailure.NO_ADDRESS


def test_exception_holds_no_frame_with_the_address(
    make_channel: MakeChannel, receiver: HttpReceiver
) -> None:
    channel: Channel = make_channel("webhook", receiver.url("/plantedpath0123456789")).channel
    receiver.replies = [Reply(404)]
    error = _error(message_to(channel))
    assert error.__context__ is None
    assert "planted" not in repr(error) + str(error)


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize("reply", [Reply(200), Reply(404), Reply(is_cut=True)])
def test_address_and_secret_are_in_no_log(
    make_channel: MakeChannel,
    receiver: HttpReceiver,
    caplog: pytest.LogCaptureFixture,
    reply: Reply,
) -> None:
    new = make_channel("webhook", receiver.url("/plantedpath0123456789"))
    receiver.replies = [reply]
    message = message_to(new.channel)
    for name in ("", "urllib3", "urllib3.connectionpool", "requests", "freddy_admin"):
        caplog.set_level("DEBUG", logger=name)
    with suppress(ChannelNotSent):
        webhook.send({}, channel=new.channel, message=message)
    assert "planted" not in caplog.text
    assert new.signing_secret not in caplog.text
    assert receiver.requests


@pytest.mark.parametrize(
    "reason", [*ChannelFailure, "address_blocked", "total_timeout", "name_not_found", "tls"]
)
def test_every_reason_has_a_sentence_of_its_own(reason: str) -> None:
    sentence = render_text(channel_failure_sentence("webhook", reason))
    assert sentence.endswith((".", "?"))
    assert sentence != render_text(channel_failure_sentence("webhook", "unheard-of"))
