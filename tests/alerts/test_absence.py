"""After our own absence nothing floods; a restored database and a copy send nothing of before."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from freddy_admin.alerts.deliveries import absence
from freddy_admin.alerts.deliveries.absence import (
    SETTLE_DURATION,
    sender_heartbeat_record,
)
from freddy_admin.alerts.deliveries.outbox_lanes import RESTORED
from freddy_admin.alerts.models import (
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Message,
    SenderHeartbeat,
)
from freddy_admin.core import restored_database, sqlite_wal
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.panel_address import panel_address_record, panel_address_replace
from freddy_admin.core.restored_database import (
    database_seen_write,
    database_was_restored,
)
from freddy_admin.organisations.models import Organisation
from tests.alerts.delivery_factories import (
    ScriptedTransport,
    channel_create,
    due_messages_send,
    incident_create,
    incident_resolve,
    message_create,
    scripted_transport,
    states_of,
)
from tests.concurrency import IS_SQLITE, run_in_thread, shared_database
from tests.hand_clock import NOON, HandClock
from tests.organisations.test_organisation_races import organisation_alder_create

__all__ = ["shared_database"]
pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
RESOLVED = DeliveryKind.RESOLVED


@pytest.fixture
def transport(hand_clock: HandClock) -> Iterator[ScriptedTransport]:
    with scripted_transport() as scripted:
        yield scripted


@pytest.fixture
def channel(transport: ScriptedTransport, organisation: Organisation) -> Channel:
    return channel_create(organisation)


def record_and_send(hand_clock: HandClock) -> int:
    sender_heartbeat_record(now=hand_clock.at)
    return due_messages_send()


def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence, "database_was_restored", lambda **_values: True)


def test_what_is_still_true_after_a_day_of_our_downtime_is_told_once_the_checks_have_looked(
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    hand_clock: HandClock,
) -> None:
    sender_heartbeat_record(now=hand_clock.at)
    over, lasting = incident_create(organisation), incident_create(organisation)
    for incident in (over, lasting):
        message_create(channel, incident)
    hand_clock.at += DAY
    assert record_and_send(hand_clock) == 0
    # The checks find one of them well.
    incident_resolve(over)
    message_create(channel, over, kind=RESOLVED)
    for _ in range(20):
        hand_clock.advance(minutes=1)
        record_and_send(hand_clock)
    assert len(transport.sent) == 1
    assert states_of(lasting.deliveries.get().message)[0] == DeliveryState.SENT
    assert set(over.deliveries.values_list("state", flat=True)) == {DeliveryState.DROPPED}


def test_end_that_waited_over_our_downtime_is_told_at_once(
    channel: Channel, organisation: Organisation, hand_clock: HandClock
) -> None:
    incident = incident_create(organisation)
    message_create(channel, incident)
    record_and_send(hand_clock)
    incident_resolve(incident)
    message_create(channel, incident, kind=RESOLVED)
    hand_clock.at += DAY
    assert record_and_send(hand_clock) == 1


def test_plans_of_before_wait_for_the_checks_and_those_of_ends_do_not(
    channel: Channel, organisation: Organisation, hand_clock: HandClock
) -> None:
    sender_heartbeat_record(now=hand_clock.at)
    incident = incident_create(organisation)
    for kind in DeliveryKind:
        Delivery.objects.create(
            incident=incident,
            channel=channel,
            kind=kind,
            send_at=NOON,
            created_at=NOON,
        )
    hand_clock.at += DAY
    sender_heartbeat_record(now=hand_clock.at)
    send_at = dict(Delivery.objects.values_list("kind", "send_at"))
    later = hand_clock.at + SETTLE_DURATION
    assert send_at == {"opened": later, "reminder": later, "resolved": NOON}


def test_restart_within_the_hour_changes_nothing(
    channel: Channel, organisation: Organisation, hand_clock: HandClock
) -> None:
    sender_heartbeat_record(now=hand_clock.at)
    message_create(channel, incident_create(organisation))
    hand_clock.advance(minutes=59)
    assert record_and_send(hand_clock) == 1


def test_restored_database_sends_nothing_of_before_and_tells_the_end(
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    hand_clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender_heartbeat_record(now=hand_clock.at)
    over = incident_create(organisation)
    old_end = message_create(channel, over, kind=RESOLVED)
    lasting = incident_create(organisation)
    old_opening = message_create(channel, lasting)
    hand_clock.at += DAY
    restored(monkeypatch)
    assert (record_and_send(hand_clock), transport.sent) == (0, [])
    monkeypatch.undo()
    for message in (old_end, old_opening):
        assert states_of(message) == (DeliveryState.GIVEN_UP, {DeliveryState.GIVEN_UP})
        assert (message.reason, message.may_have_arrived) == (RESTORED, True)
    assert not OutboxMessage.objects.exists()
    incident_resolve(lasting)
    message_create(channel, lasting, kind=RESOLVED)
    with scripted_transport() as transport:
        assert record_and_send(hand_clock) == 1


def test_copy_sends_nothing_and_as_the_panel_nothing_of_before(
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    hand_clock: HandClock,
    settings: Any,
) -> None:
    settings.PANEL_URL = "https://panel.example.org"
    panel_address_record()
    sender_heartbeat_record(now=hand_clock.at)
    message = message_create(channel, incident_create(organisation))
    settings.PANEL_URL = "https://copy.example.org"
    hand_clock.at += DAY
    assert record_and_send(hand_clock) == 0
    assert SenderHeartbeat.objects.get().seen_at == NOON
    panel_address_replace()
    assert (record_and_send(hand_clock), transport.sent) == (0, [])
    assert states_of(message)[0] == DeliveryState.GIVEN_UP


def test_panel_that_moves_within_the_hour_sends_what_waits(
    channel: Channel, organisation: Organisation, hand_clock: HandClock, settings: Any
) -> None:
    settings.PANEL_URL = "https://panel.example.org"
    panel_address_record()
    sender_heartbeat_record(now=hand_clock.at)
    message_create(channel, incident_create(organisation))
    settings.PANEL_URL = "https://moved.example.org"
    hand_clock.advance(minutes=10)
    panel_address_replace()
    assert record_and_send(hand_clock) == 1


def test_message_in_hand_of_a_lost_worker_is_marked(
    channel: Channel, organisation: Organisation, hand_clock: HandClock
) -> None:
    message = message_create(channel, incident_create(organisation))
    Message.objects.update(state=DeliveryState.SENDING, sending_since=NOON)
    hand_clock.advance(minutes=3)
    sender_heartbeat_record(now=hand_clock.at)
    assert states_of(message)[0] == DeliveryState.MAY_HAVE_ARRIVED


@pytest.fixture
def sqlite_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The panel's database is this file on SQLite, as far as its place is asked."""
    path = tmp_path / "freddy.sqlite3"
    path.write_text("at noon")

    class SqliteFile:
        vendor = "sqlite"
        settings_dict = {"NAME": path}

    for module in (restored_database, sqlite_wal):
        monkeypatch.setattr(module, "connection", SqliteFile())
    return path


def test_sqlite_file_that_was_put_back_is_known_by_the_moment_beside_it(
    sqlite_file: Path, tmp_path: Path
) -> None:
    known_id = database_seen_write(NOON)

    def was_restored(seen_at: Any) -> bool:
        return database_was_restored(seen_at=seen_at, known_id=known_id)

    assert not was_restored(NOON)
    database_seen_write(NOON + DAY)
    assert not was_restored(NOON + DAY)
    # A backup of noon is put in its place; a stop between the two writings is none.
    assert was_restored(NOON)
    assert not was_restored(NOON + DAY - timedelta(minutes=1))


def test_sqlite_file_in_another_folder_was_put_there(sqlite_file: Path) -> None:
    known_id = database_seen_write(NOON)
    sqlite_file.with_name("freddy.sqlite3.seen").unlink()
    assert database_was_restored(seen_at=NOON, known_id=known_id)


def test_moment_that_cannot_be_written_or_read_says_nothing(sqlite_file: Path) -> None:
    known_id = database_seen_write(NOON)
    moment_file = sqlite_file.with_name("freddy.sqlite3.seen")
    moment_file.write_text("no moment")
    assert not database_was_restored(seen_at=NOON, known_id=known_id)
    moment_file.unlink()
    moment_file.mkdir()
    assert not database_was_restored(seen_at=NOON, known_id=known_id)
    # Nor does a folder in which nothing was ever written.
    assert database_seen_write(NOON) == ""
    moment_file.rmdir()
    assert not database_was_restored(seen_at=NOON, known_id="")


def test_sqlite_database_in_memory_cannot_be_put_back(
    sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class InMemory:
        vendor = "sqlite"
        settings_dict = {"NAME": ":memory:"}

    for module in (restored_database, sqlite_wal):
        monkeypatch.setattr(module, "connection", InMemory())
    assert database_seen_write(NOON) == ""
    assert not database_was_restored(seen_at=NOON, known_id="file")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL numbers its tables")
def test_restored_tables_of_postgresql_have_other_numbers() -> None:
    known_id = database_seen_write(NOON)
    assert not database_was_restored(seen_at=NOON, known_id=known_id)
    assert not database_was_restored(seen_at=NOON, known_id="")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_outboxmessage RENAME TO former")
        cursor.execute("CREATE TABLE core_outboxmessage (LIKE former INCLUDING ALL)")
    assert database_was_restored(seen_at=NOON, known_id=known_id)


def test_id_of_the_database_is_kept_with_the_heartbeat(
    hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absence, "database_seen_write", lambda _now: "number 7")
    for _ in range(2):
        sender_heartbeat_record(now=hand_clock.at)
        assert SenderHeartbeat.objects.get().database_id == "number 7"


@pytest.mark.skipif(not IS_SQLITE, reason="a file that is put back is SQLite's")
@pytest.mark.usefixtures("shared_database")
def test_backup_of_yesterday_that_is_put_back_sends_nothing_again(
    transport: ScriptedTransport, hand_clock: HandClock, tmp_path: Path
) -> None:
    database, backup = tmp_path / "shared.sqlite3", tmp_path / "backup.sqlite3"
    organisation = organisation_alder_create()

    def write_messages() -> None:
        sender_heartbeat_record(now=hand_clock.at)
        incident = incident_create(organisation)
        hook = channel_create(organisation)
        message_create(hook, incident)
        message_create(hook, incident, kind=RESOLVED)

    run_in_thread(write_messages)
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    assert run_in_thread(lambda: record_and_send(hand_clock)) == 2
    for _ in range(24):
        hand_clock.advance(hours=0.9)
        assert run_in_thread(lambda: record_and_send(hand_clock)) == 0
    for name in ("shared.sqlite3-wal", "shared.sqlite3-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(backup, database)
    for _ in range(24):
        assert run_in_thread(lambda: record_and_send(hand_clock)) == 0
        hand_clock.advance(minutes=1)
    assert len(transport.sent) == 2
    states = run_in_thread(lambda: set(Message.objects.values_list("state", "reason")))
    assert states == {(DeliveryState.GIVEN_UP, RESTORED)}
