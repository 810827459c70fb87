"""Floods of every tag, concurrent writers and killed processes: no count is lost."""

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

from freddy_admin.audit.chain_verification import audit_verification_run_step
from freddy_admin.audit.models import AuditEvent, RepeatCount
from freddy_admin.audit.services import (
    MAX_DISTINCT_PER_MINUTE,
    Actor,
    audit_event_record,
    repeat_counts_flush,
)
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.models import RateLimitCount
from tests.audit.repeat_kill_drill import TRUE_COUNT_KEY
from tests.audit.repeat_scenarios import (
    ACME,
    ADA,
    COUNTED_TAGS,
    assert_chain_valid,
    recorded_occurrences,
    visitor_actor,
)
from tests.concurrency import IS_SQLITE, run_concurrently, run_in_thread, shared_database  # noqa: F401  a database for several
from tests.drill_scale import drill_count
from tests.hand_clock import NOON, HandClock

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.drill
@pytest.mark.django_db
@pytest.mark.parametrize("tag", COUNTED_TAGS)
def test_a_flood_with_each_counted_tag_leaves_few_rows_and_exact_counts(
    tag: AuditTag, hand_clock: HandClock
) -> None:
    event_total = drill_count(5_000)
    for number in range(event_total):
        # Every second event repeats; the others all differ.
        subject = str(number) if number % 2 else "x"
        audit_event_record(tag=tag, actor=ADA, organisation=ACME, subject=subject)
        hand_clock.advance(milliseconds=15)
    minutes = 1 + (hand_clock.at - NOON) // timedelta(minutes=1)
    audit_verification_run_step(now=hand_clock.advance(minutes=10))
    assert AuditEvent.objects.count() <= MAX_DISTINCT_PER_MINUTE * (minutes + 1) + 2
    assert recorded_occurrences() == event_total
    assert not RepeatCount.objects.exists()
    assert_chain_valid()


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_concurrent_writers_lose_no_count_while_counts_are_flushed() -> None:
    started_at, events_per_writer = clock.now(), 40
    clock_reads = iter(range(10**6))

    def moving_clock() -> datetime:
        # Seven minutes later with every 20th reading: windows end again and again.
        return started_at + timedelta(minutes=7) * (next(clock_reads) // 20)

    def record(actor: Actor) -> None:
        for number in range(events_per_writer):
            audit_event_record(tag=AuditTag.EXPORTED, actor=actor, subject=str(number % 3))

    def flush() -> None:
        for _ in range(events_per_writer):
            repeat_counts_flush(now=clock.now())

    calls: list[Callable[[], None]] = [partial(record, ADA)] * 3 + [
        partial(record, visitor_actor(1))
    ] * 2
    with clock.override_clock(moving_clock):
        run_concurrently([*calls, flush, flush])
    assert run_in_thread(recorded_occurrences) == 5 * events_per_writer
    run_in_thread(lambda: repeat_counts_flush(now=started_at + timedelta(days=900)))
    assert run_in_thread(recorded_occurrences) == 5 * events_per_writer
    run_in_thread(assert_chain_valid)


@pytest.mark.drill
@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_killed_processes_lose_and_double_no_count() -> None:
    kills = drill_count(100)
    ends_at = datetime(2100, 1, 1, tzinfo=UTC)
    run_in_thread(
        lambda: RateLimitCount.objects.create(key=TRUE_COUNT_KEY, times=0, ends_at=ends_at)
    )
    command = [sys.executable, "-m", "tests.audit.repeat_kill_drill", str(kills)]
    env = os.environ | {"TEST_DATABASE_URL": _database_url(), "PYTHONPATH": str(ROOT)}
    env.pop("TEST_REDIS_URL", None)
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["recorded"] >= kills / 2
    assert report["counted"] > 0
    assert report["reported"] == report["recorded"]
    assert (report["left"], report["problem"]) == (0, "None")


def _database_url() -> str:
    config = connection.settings_dict
    if IS_SQLITE:
        # As the fixture `shared_database` names it for connections that are made from now on.
        return f"sqlite:///{connections.settings['default']['NAME']}"
    credentials = f"{quote(config['USER'])}:{quote(config['PASSWORD'])}"
    return f"postgres://{credentials}@{config['HOST']}:{config['PORT']}/{config['NAME']}"
