"""HEARTBEAT_URL is told every five minutes that the panel works, and never that it does not."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from freddy_admin.alerts import heartbeat
from freddy_admin.alerts.heartbeat import HeartbeatHold, heartbeat_run, heartbeat_state_get
from freddy_admin.alerts.models import OutsideHeartbeat
from freddy_admin.core.models import OutboxMessage, PanelAddress
from freddy_admin.ops.heartbeat_sender import HeartbeatSender
from freddy_admin.sync.models import WorkerHeartbeat
from tests.aitronos.conftest import start_server as start_server
from tests.aitronos.scripted_server import ScriptedConnection, ScriptedServer, response_bytes
from tests.flows.wait import wait_until
from tests.hand_clock import NOON, HandClock

pytestmark = pytest.mark.django_db
StartServer = Callable[..., ScriptedServer]


class PingService:
    """A dead man's switch that answers with `status`."""

    def __init__(self, start_server: StartServer) -> None:
        self.status = "200 OK"
        self.hangs = False
        self.server = start_server(self._answer)

    def _answer(self, connection: ScriptedConnection) -> None:
        while connection.read_request():
            if self.hangs:
                connection.pause(60)
            connection.send(response_bytes("OK", self.status, media="text/plain"))

    @property
    def pings(self) -> int:
        return len(self.server.requests)


@pytest.fixture
def service(start_server: StartServer, settings: Any) -> PingService:
    ping_service = PingService(start_server)
    settings.HEARTBEAT_URL = f"{ping_service.server.base_url}/ping/planted-uuid?source=freddy"
    return ping_service


@pytest.fixture
def worker(hand_clock: HandClock) -> WorkerHeartbeat:
    return WorkerHeartbeat.objects.create(
        name="w", version="1", started_at=hand_clock(), heartbeat_at=hand_clock()
    )


def _advance(clock: HandClock, **span: float) -> None:
    """The clock moves, and the worker lives."""
    clock.advance(**span)
    WorkerHeartbeat.objects.update(heartbeat_at=clock())


def test_panel_that_works_pings_every_five_minutes(
    service: PingService, worker: WorkerHeartbeat, hand_clock: HandClock
) -> None:
    for _look in range(66):  # every ten seconds of eleven minutes
        heartbeat_run()
        _advance(hand_clock, seconds=10)
    assert service.pings == 3
    request = service.server.requests[0].decode()
    assert request.startswith("GET /ping/planted-uuid?source=freddy HTTP/1.1\r\n")
    assert "User-Agent: freddy-admin/" in request
    state = heartbeat_state_get(now=hand_clock())
    assert (state.host, state.failure, state.is_overdue) == ("127.0.0.1", "", False)
    assert state.sent_at is not None


def test_without_the_setting_nothing_is_sent_or_asked(
    settings: Any, worker: WorkerHeartbeat, django_assert_num_queries: Any
) -> None:
    settings.HEARTBEAT_URL = ""
    with django_assert_num_queries(0):
        assert not heartbeat_run()
        assert heartbeat_state_get(now=NOON).host == ""


def _without_worker(_clock: HandClock) -> None:
    WorkerHeartbeat.objects.all().delete()


def _with_silent_worker(clock: HandClock) -> None:
    WorkerHeartbeat.objects.update(heartbeat_at=clock() - timedelta(minutes=2))


def _outbox_row(clock: HandClock, **values: Any) -> OutboxMessage:
    columns = {
        "kind": "alert_message",
        "object_id": 1,
        "lane": "channel:1",
        "requested_at": clock() - timedelta(minutes=30),
        "next_attempt_at": clock() + timedelta(minutes=1),
        "attempts": 0,
    }
    return OutboxMessage.objects.create(**columns | values)


def _with_messages_that_nobody_sends(clock: HandClock) -> None:
    _outbox_row(clock, next_attempt_at=clock() - timedelta(minutes=11))


def _with_a_mail_server_that_is_away(clock: HandClock) -> None:
    _outbox_row(
        clock,
        lane="alert_mail",
        reason="no_answer",
        failing_since=clock() - timedelta(minutes=11),
        attempts=3,
    )


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (_without_worker, HeartbeatHold.WORKER),
        (_with_silent_worker, HeartbeatHold.WORKER),
        (_with_messages_that_nobody_sends, HeartbeatHold.DELIVERIES),
        (_with_a_mail_server_that_is_away, HeartbeatHold.MAIL),
    ],
)
def test_ping_is_withheld_while_a_part_of_the_panel_stands_still(
    fault: Callable[[HandClock], None],
    reason: HeartbeatHold,
    service: PingService,
    worker: WorkerHeartbeat,
    hand_clock: HandClock,
) -> None:
    fault(hand_clock)
    assert not heartbeat_run()
    assert service.pings == 0
    assert heartbeat_state_get(now=hand_clock()).withheld_reason == reason
    # As soon as it works again, the outside learns it within a minute or so.
    OutboxMessage.objects.all().delete()
    WorkerHeartbeat.objects.update_or_create(
        name="w", defaults={"version": "1", "started_at": NOON, "heartbeat_at": hand_clock()}
    )
    _advance(hand_clock, seconds=61)
    assert heartbeat_run()
    assert heartbeat_state_get(now=hand_clock()).withheld_reason == ""


def test_receiver_that_fails_or_hangs_is_no_fault_of_the_panel(
    service: PingService, worker: WorkerHeartbeat, hand_clock: HandClock
) -> None:
    hour_ago = hand_clock() - timedelta(hours=1)
    _outbox_row(hand_clock, reason="http_500", failing_since=hour_ago, attempts=4)
    _outbox_row(
        hand_clock,
        object_id=2,
        lane="channel:2",
        next_attempt_at=hour_ago,
        lease_token="x" * 8,
        lease_until=hand_clock() + timedelta(seconds=60),
    )
    _outbox_row(
        hand_clock, object_id=3, lane="mail", reason="address_refused", failing_since=hour_ago
    )
    assert heartbeat_run()


def test_copied_panel_neither_pings_nor_writes(
    service: PingService, worker: WorkerHeartbeat, hand_clock: HandClock, settings: Any
) -> None:
    settings.PANEL_URL = "https://copy.example.org"
    PanelAddress.objects.create(pk=1, url="https://panel.example.org", recorded_at=hand_clock())
    assert not heartbeat_run()
    assert service.pings == 0
    assert not OutsideHeartbeat.objects.exists()
    assert heartbeat.heartbeat_hold(now=hand_clock()) is HeartbeatHold.COPIED


@pytest.mark.parametrize(
    ("status", "failure"), [("404 Not Found", "http_404"), ("301 Moved", "http_301")]
)
def test_refused_ping_is_repeated_after_a_minute_and_told(
    status: str,
    failure: str,
    service: PingService,
    worker: WorkerHeartbeat,
    hand_clock: HandClock,
) -> None:
    service.status = status
    assert not heartbeat_run()
    assert heartbeat_state_get(now=hand_clock()).failure == failure
    _advance(hand_clock, seconds=30)
    heartbeat_run()
    assert service.pings == 1
    _advance(hand_clock, seconds=31)
    heartbeat_run()
    assert service.pings == 2
    _advance(hand_clock, minutes=12)
    assert heartbeat_state_get(now=hand_clock()).is_overdue is True


def test_service_that_does_not_answer_costs_its_total_limit_alone(
    service: PingService, worker: WorkerHeartbeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.hangs = True
    monkeypatch.setattr(heartbeat, "TOTAL_SECONDS", 0.3)
    assert not heartbeat_run()
    assert OutsideHeartbeat.objects.get().failure == "total_timeout"


def test_one_of_two_workers_pings(
    service: PingService, worker: WorkerHeartbeat, hand_clock: HandClock
) -> None:
    assert [heartbeat_run(), heartbeat_run()] == [True, False]
    assert service.pings == 1


def test_clock_that_was_set_back_does_not_silence_the_panel(
    service: PingService, worker: WorkerHeartbeat, hand_clock: HandClock
) -> None:
    heartbeat_run()
    _advance(hand_clock, hours=-5)
    assert heartbeat_run()
    assert service.pings == 2


def test_sender_pings_in_its_own_thread_and_outlives_a_database_that_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    began, may_end, calls = threading.Event(), threading.Event(), list[int]()

    def run() -> bool:
        calls.append(1)
        began.set()
        may_end.wait(20)
        raise DatabaseError("planted")

    monkeypatch.setattr("freddy_admin.ops.heartbeat_sender.heartbeat_run", run)
    sender = HeartbeatSender()
    sender.start()
    assert began.wait(20)
    assert sender.busy
    sender.start()
    assert len(calls) == 1
    may_end.set()
    wait_until(lambda: not sender.busy)
    assert "HEARTBEAT_URL was not told: DatabaseError" in caplog.text
    assert "planted" not in caplog.text
    sender.stop()
    with pytest.raises(RuntimeError):
        sender.start()
