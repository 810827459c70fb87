"""Where nobody is told of anything, System and a banner on the overview say so."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.alerts.models import Channel, Message, OutsideHeartbeat
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import WorkerHeartbeat
from tests.web.conftest import HandClock, MakeKey, People, SignIn


@pytest.fixture
def _worker_alive(db: None, hand_clock: HandClock) -> None:
    WorkerHeartbeat.objects.create(
        name="w", version="1", started_at=hand_clock(), heartbeat_at=hand_clock()
    )


@pytest.mark.usefixtures("_worker_alive")
@pytest.mark.parametrize(
    ("fault", "title"),
    [("standstill", "Messages are not going out"), ("mail", "Mails are not going out")],
)
def test_overview_says_to_everybody_that_nobody_is_told(
    fault: str, title: str, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    assert title not in signed_in(people.viewer).get("/").content.decode()
    WorkerHeartbeat.objects.update(message_fault=fault)
    for person in (people.viewer, people.admin):
        page = signed_in(person).get("/").content.decode()
        assert page.count(title) == 1
    assert "Look here yourself" in signed_in(people.viewer).get("/").content.decode()


@pytest.mark.usefixtures("_worker_alive")
def test_channel_that_fails_is_a_banner_for_platform_admins_alone(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    WorkerHeartbeat.objects.update(message_fault="channel")
    title = "A channel does not take its messages"
    assert title in signed_in(people.admin).get("/").content.decode()
    assert title not in signed_in(people.manager).get("/").content.decode()


def _system_page(people: People, signed_in: SignIn) -> str:
    page: str = signed_in(people.admin).get("/system/").content.decode()
    return page


@pytest.mark.usefixtures("_worker_alive")
def test_system_names_channels_that_fail_and_those_that_are_off(
    people: People, signed_in: SignIn, organisation: Organisation, hand_clock: HandClock
) -> None:
    assert "Messages go out as incidents open and end." in _system_page(people, signed_in)
    values: dict[str, Any] = {"kind": "webhook", "created_at": hand_clock()}
    Channel.objects.create(
        **values,
        organisation=organisation,
        name="Ops <hook>",
        failing_since=hand_clock() - timedelta(minutes=11),
        answer="503 <b>busy</b>",
    )
    fleet_channel = Channel.objects.create(
        **values, name="Pager", disabled_at=hand_clock(), disabled_reason="http_410"
    )
    Channel.objects.create(**values, name="By hand", disabled_at=hand_clock(), disabled_by="Ana")
    Message.objects.create(
        channel=fleet_channel, kind="opened", state="given_up", created_at=hand_clock()
    )
    page = _system_page(people, signed_in)
    assert "1 channel does not take what it is sent" in page
    assert "Ops &lt;hook&gt; of Alder" in page
    assert "503 &lt;b&gt;busy&lt;/b&gt;" in page
    assert "1 channel is off since its other side refused all messages" in page
    assert "Pager of the whole panel" in page
    assert "By hand" not in page
    assert "1 message was given up within seven days" in page


@pytest.mark.usefixtures("_worker_alive")
def test_system_says_since_when_messages_stand_still(
    people: People, signed_in: SignIn, organisation: Organisation, hand_clock: HandClock
) -> None:
    channel = Channel.objects.create(
        organisation=organisation, kind="slack", name="Ops", created_at=hand_clock()
    )
    quarter_ago = hand_clock() - timedelta(minutes=15)
    message = Message.objects.create(channel=channel, kind="opened", created_at=quarter_ago)
    OutboxMessage.objects.create(
        kind="alert_message",
        object_id=message.pk,
        lane=f"channel:{channel.pk}",
        requested_at=quarter_ago,
        next_attempt_at=quarter_ago,
    )
    page = _system_page(people, signed_in)
    assert "Messages are due and nobody sends them" in page
    assert "The oldest was due " in page
    assert "15 min ago" in page


def test_system_says_how_to_have_the_outside_told(
    people: People, signed_in: SignIn, settings: Any
) -> None:
    settings.HEARTBEAT_URL = ""
    assert "Set HEARTBEAT_URL" in _system_page(people, signed_in)
    settings.HEARTBEAT_URL = "https://hc.example.org/planted-uuid"
    page = _system_page(people, signed_in)
    assert "The worker sends the first within a minute." in page
    assert "planted-uuid" not in page


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"failure": "http_404"}, "hc.example.org does not take it (http_404)"),
        ({"withheld_reason": "mail"}, "the mail server takes no mail"),
        ({"minutes": 20}, "None was taken for more than ten minutes."),
        ({"minutes": 2}, "The latest went to hc.example.org"),
    ],
)
def test_system_says_what_became_of_the_pings(
    columns: dict[str, Any],
    sentence: str,
    people: People,
    signed_in: SignIn,
    settings: Any,
    hand_clock: HandClock,
) -> None:
    settings.HEARTBEAT_URL = "https://hc.example.org/planted-uuid"
    sent_at = hand_clock() - timedelta(minutes=columns.pop("minutes", 1))
    OutsideHeartbeat.objects.create(
        pk=1, attempted_at=sent_at, next_attempt_at=sent_at, sent_at=sent_at, **columns
    )
    assert sentence in _system_page(people, signed_in)
