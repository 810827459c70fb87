"""Workers are killed while they tell: every opening and every end arrives, in order, and once.

"Once" by the id of a message: receivers of webhooks and PagerDuty drop doubles by it. Incidents are
planned as the recorder does, and grouped for a minute; or they come from checks.
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


KINDS = ("webhook", "pagerduty", "slack", "teams", "mail")
# Receivers that know a message by its id drop doubles; people are told that it is one.
SAYS_REPEATED = {"slack", "teams"}


def run_drill(kills: int, source: str) -> dict[str, Any]:
    organisation = organisation_alder_create()
    run_in_thread(lambda: member_create(organisation, "manager", Role.MANAGER))
    command = [sys.executable, "-m", "tests.alerts.delivery_kill_drill"]
    command += [str(kills), str(WORKERS), source]
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
    """Its channel and what its receiver knows it by: its id, in a chat its title."""
    kind, body = message.channel.kind, message.body
    if kind == "pagerduty":
        (delivery,) = message.deliveries.all()
        action = "resolve" if message.kind == DeliveryKind.RESOLVED else "trigger"
        return kind, f"{delivery.incident.uid} {action}"
    if kind == "slack":
        return kind, body["blocks"][0]["text"]["text"]
    if kind == "teams":
        return kind, body["attachments"][0]["content"]["body"][0]["inlines"][0]["text"]
    uid = str(message.uid)
    return kind, f"<{uid}@localhost>" if kind == "mail" else uid


@pytest.mark.drill
@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
@pytest.mark.parametrize("source", ["planned", "checks"])
def test_every_opening_and_every_end_arrives_whichever_worker_is_killed(source: str) -> None:
    kills = drill_count(200)
    report = run_drill(kills, source)
    arrived = [(kind, name) for kind, name, _body, _is_repeated in report["arrived"]]
    counts, messages = Counter(arrived), run_in_thread(stored_messages)
    assert report["kills"] == kills
    assert run_in_thread(OutboxMessage.objects.count) == 0
    assert {message.state for message in messages} == {"sent"}
    # Nothing is lost, and nothing arrives under a name of its own.
    names = [message_name(message) for message in messages]
    assert set(counts) == set(names)
    assert len(set(names)) == len(names)
    for kind in KINDS:
        assert sum(count - 1 for (other, _), count in counts.items() if other == kind) <= kills
    # What a repeat says is what the first attempt said; a chat is told that it is one.
    bodies = {(name, body) for _kind, name, body, _is_repeated in report["arrived"] if body}
    assert len(bodies) == len({name for name, _body in bodies})
    assert_repeats_say_so(report["arrived"])
    assert_every_incident_is_told(messages, arrived)
    repeated = [message for message in messages if counts[message_name(message)] > 1]
    assert all(message.may_have_arrived and message.repeats for message in repeated)


def assert_repeats_say_so(arrived: list[list[Any]]) -> None:
    """In a chat all arrivals of a message but the first one say that they are repeats."""
    seen = set[tuple[str, str]]()
    for kind, name, _body, is_repeated in arrived:
        if kind in SAYS_REPEATED and (kind, name) in seen:
            assert is_repeated
        seen.add((kind, name))


def assert_every_incident_is_told(messages: list[Message], arrived: list[tuple[str, str]]) -> None:
    """Of each incident each channel got one opening, then one end, in whatever company."""
    places: dict[tuple[int, str], dict[str, list[list[int]]]] = {}
    for message in messages:
        name = message_name(message)
        numbers = [number for number, other in enumerate(arrived) if other == name]
        for delivery in message.deliveries.all():
            told = places.setdefault((delivery.incident_id, message.channel.kind), {})
            told.setdefault(message.kind, []).append(numbers)
    incident_ids = {incident_id for incident_id, _kind in places}
    assert set(places) == {(pk, kind) for pk in incident_ids for kind in KINDS}
    for told in places.values():
        (opened,), (resolved,) = told[DeliveryKind.OPENED], told[DeliveryKind.RESOLVED]
        assert max(opened) < min(resolved)
