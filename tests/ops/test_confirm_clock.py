"""`doctor` says that the clock jumped, `confirm_clock` that it is right."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.core.clock_guard import deletion_now
from freddy_admin.core.models import ClockState
from freddy_admin.sync.clocks import clocks_look
from tests.clocks import SkewedClock
from tests.ops.conftest import Run

pytestmark = pytest.mark.django_db
YEAR = timedelta(days=365)


@pytest.fixture
def machine() -> Iterator[SkewedClock]:
    source = SkewedClock()
    with clock.using(source):
        clocks_look(now=clock.now())
        yield source


def _said(run: Run) -> str:
    (line,) = [line for line in run("doctor").lines if line[9:].startswith("clock ")]
    return line


def test_clocks_that_agree_are_well(run: Run, machine: SkewedClock) -> None:
    assert _said(run).startswith("ok ")


@pytest.mark.parametrize("skew", [YEAR, -YEAR])
def test_a_clock_that_jumped_is_a_problem_until_it_is_confirmed(
    run: Run, machine: SkewedClock, skew: timedelta
) -> None:
    machine.skew = skew
    clocks_look(now=clock.now())
    said = _said(run)
    assert said.startswith("PROBLEM")
    assert "36" in said
    assert "nothing is deleted for good" in said
    assert "manage.py confirm_clock" in said

    ended = run("confirm_clock")
    assert ended.code == 0
    assert ended.out.startswith(f"Confirmed: it is {clock.now():%Y-%m-%d %H:%M}")
    assert deletion_now() is not None
    assert AuditEvent.objects.filter(tag="clock_confirmed", actor_id=None).count() == 1


def test_a_panel_that_was_switched_off_is_said_and_no_problem(
    run: Run, machine: SkewedClock
) -> None:
    ClockState.objects.update(compared_at=clock.now() - timedelta(days=21), reference="former")
    clocks_look(now=clock.now())
    said = _said(run)
    assert said.startswith("ok ")
    assert "did not run for 21 days" in said
