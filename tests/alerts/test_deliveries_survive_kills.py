"""Workers are killed while they tell: every opening and every end arrives, in order, and once.

"Once" by the id of a message: receivers of webhooks and PagerDuty drop doubles by it.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from freddy_admin.alerts.models import DeliveryKind, Message
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.roles import Role
from tests.concurrency import IS_SQLITE, run_in_thread, shared_database
from tests.drill_scale import drill_count
from tests.organisations.test_invitation_smtp import database_url
from tests.organisations.test_organisation_races import organisation_alder_create
from tests.people import member_create

__all__ = ["shared_database"]
ROOT = Path(__file__).resolve().parents[2]
# SQLite is for one worker.
WORKERS = 1 if IS_SQLITE else 3


def run_drill(kills: int) -> dict[str, Any]:
    organisation = organisation_alder_create()
    run_in_thread(lambda: member_create(organisation, "manager", Role.MANAGER))
    command = [sys.executable, "-m", "tests.alerts.delivery_kill_drill", str(kills), str(WORKERS)]
    env = os.environ | {"TEST_DATABASE_URL": database_url(), "PYTHONPATH": str(ROOT)}
    env.pop("TEST_REDIS_URL", None)
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-5_000:]
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def stored_messages() -> list[Message]:
    rows = Message.objects.prefetch_related("deliveries__incident").select_related("channel")
    return list(rows.order_by("pk"))


def message_name(message: Message) -> tuple[str, str]:
    """Its channel and its id, as the channel's receiver sees it."""
    if message.channel.kind == "pagerduty":
        (delivery,) = message.deliveries.all()
        action = "resolve" if message.kind == DeliveryKind.RESOLVED else "trigger"
        return "pagerduty", f"{delivery.incident.uid} {action}"
    uid = str(message.uid)
    return message.channel.kind, f"<{uid}@localhost>" if message.channel.kind == "mail" else uid


@pytest.mark.drill
@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_every_opening_and_every_end_arrives_whichever_worker_is_killed() -> None:
    kills = drill_count(200)
    report = run_drill(kills)
    arrived = [(channel, message_id) for channel, message_id, _body in report["arrived"]]
    counts, messages = Counter(arrived), run_in_thread(stored_messages)
    assert report["kills"] == kills
    assert run_in_thread(OutboxMessage.objects.count) == 0
    assert {message.state for message in messages} == {"sent"}
    # Nothing is lost, and nothing arrives under an id of its own.
    assert set(counts) == {message_name(message) for message in messages}
    for kind in ("webhook", "pagerduty", "mail"):
        repeats = sum(count - 1 for (channel, _id), count in counts.items() if channel == kind)
        assert repeats <= kills
    # What a repeat says is what the first attempt said.
    bodies = {(message_id, body) for _channel, message_id, body in report["arrived"] if body}
    assert len(bodies) == len({message_id for message_id, _body in bodies})
    assert_openings_come_first(messages, arrived)
    repeated = [message for message in messages if counts[message_name(message)] > 1]
    assert all(message.may_have_arrived and message.repeats for message in repeated)


def assert_openings_come_first(messages: list[Message], arrived: list[tuple[str, str]]) -> None:
    """No end came before its opening, and no opening again after the end."""
    places: dict[tuple[int, int], dict[str, list[int]]] = {}
    for message in messages:
        (delivery,) = message.deliveries.all()
        of_incident = places.setdefault((message.channel_id, delivery.incident_id), {})
        name = message_name(message)
        of_incident[message.kind] = [n for n, other in enumerate(arrived) if other == name]
    assert all(
        max(kinds[DeliveryKind.OPENED]) < min(kinds[DeliveryKind.RESOLVED])
        for kinds in places.values()
    )
