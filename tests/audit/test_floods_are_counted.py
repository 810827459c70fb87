"""Floods of every kind, many at once, and processes that are killed: no count is lost."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection, connections

from freddy_admin.audit.models import AuditEvent, RepeatCount
from freddy_admin.audit.repeats import DIFFERENT_A_MINUTE, repeats_close
from freddy_admin.audit.rounds import audit_round
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.models import LimitCount
from tests.at_once import ON_SQLITE, alone, at_once, shared  # noqa: F401  a database for several
from tests.audit.killed_counters import TRUTH
from tests.audit.repeating import (
    ACME,
    ADA,
    COUNTED,
    START,
    Hand,
    in_order,
    total,
    visitor,
)
from tests.drills import drill_share

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.drill
@pytest.mark.django_db
@pytest.mark.parametrize("tag", COUNTED)
def test_a_flood_of_each_kind_leaves_few_rows_and_exact_counts(tag: Tag, hand: Hand) -> None:
    whole = drill_share(5_000)
    for number in range(whole):
        # Of two, one is always the same and the other one always something else.
        subject = str(number) if number % 2 else "x"
        audit_record(tag=tag, actor=ADA, place=ACME, subject=subject)
        hand.forward(milliseconds=15)
    minutes = 1 + (hand.at - START) // timedelta(minutes=1)
    audit_round(now=hand.forward(minutes=10))
    assert AuditEvent.objects.count() <= DIFFERENT_A_MINUTE * (minutes + 1) + 2
    assert total() == whole
    assert not RepeatCount.objects.exists()
    in_order()


@pytest.mark.usefixtures("shared")
@pytest.mark.django_db(transaction=not ON_SQLITE)
def test_many_at_once_lose_no_count_while_others_write_counts_that_are_over() -> None:
    began, each = clock.now(), 40
    waves = iter(range(10**6))

    def moving() -> datetime:
        # Seven minutes with every look: counts are over again and again.
        return began + timedelta(minutes=7) * (next(waves) // 20)

    def count(actor: Actor) -> None:
        for number in range(each):
            audit_record(tag=Tag.EXPORTED, actor=actor, subject=str(number % 3))

    def close() -> None:
        for _ in range(each):
            repeats_close(now=clock.now())

    calls: list[Callable[[], None]] = [partial(count, ADA)] * 3 + [partial(count, visitor(1))] * 2
    with clock.using(moving):
        at_once([*calls, close, close])
    assert alone(total) == 5 * each
    alone(lambda: repeats_close(now=began + timedelta(days=900)))
    assert alone(total) == 5 * each
    alone(in_order)


@pytest.mark.drill
@pytest.mark.usefixtures("shared")
@pytest.mark.django_db(transaction=not ON_SQLITE)
def test_processes_killed_while_they_count_and_write_lose_and_double_nothing() -> None:
    kills = drill_share(100)
    ends_at = datetime(2100, 1, 1, tzinfo=UTC)
    alone(lambda: LimitCount.objects.create(key=TRUTH, times=0, ends_at=ends_at))
    command = [sys.executable, "-m", "tests.audit.killed_counters", str(kills)]
    env = os.environ | {"TEST_DATABASE_URL": _address(), "PYTHONPATH": str(ROOT)}
    env.pop("TEST_REDIS_URL", None)
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    outcome = json.loads(ended.stdout)
    assert outcome["done"] >= kills / 2
    assert outcome["counted"] > 0
    assert outcome["told"] == outcome["done"]
    assert (outcome["left"], outcome["problem"]) == (0, "None")


def _address() -> str:
    held = connection.settings_dict
    if ON_SQLITE:
        # As the `shared` fixture named it for connections that are made from now on.
        return f"sqlite:///{connections.settings['default']['NAME']}"
    who = f"{quote(held['USER'])}:{quote(held['PASSWORD'])}"
    return f"postgres://{who}@{held['HOST']}:{held['PORT']}/{held['NAME']}"
