"""`doctor` reports a clock that jumped, `confirm_clock` confirms that it is right."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import trusted_now
from freddy_admin.core.models import ClockState
from freddy_admin.sync.clock_monitor import clocks_check_and_repair
from tests.ops.conftest import RunCommand
from tests.skewed_clock import SkewedClock

pytestmark = pytest.mark.django_db
YEAR = timedelta(days=365)


@pytest.fixture
def skewed_clock() -> Iterator[SkewedClock]:
    source = SkewedClock()
    with clock.override_clock(source):
        clocks_check_and_repair(now=clock.now())
        yield source


def _clock_line(run_command: RunCommand) -> str:
    (line,) = [line for line in run_command("doctor").lines if line[9:].startswith("clock ")]
    return line


def test_doctor_reports_clocks_that_agree_as_ok(
    run_command: RunCommand, skewed_clock: SkewedClock
) -> None:
    assert _clock_line(run_command).startswith("ok ")


@pytest.mark.parametrize("skew", [YEAR, -YEAR])
def test_clock_that_jumped_is_a_problem_until_it_is_confirmed(
    run_command: RunCommand, skewed_clock: SkewedClock, skew: timedelta
) -> None:
    skewed_clock.skew = skew
    clocks_check_and_repair(now=clock.now())
    sentence = _clock_line(run_command)
    assert sentence.startswith("PROBLEM")
    assert "36" in sentence
    assert "nothing is deleted for good" in sentence
    assert "manage.py confirm_clock" in sentence

    result = run_command("confirm_clock")
    assert result.code == 0
    assert result.out.startswith(f"Confirmed: it is {clock.now():%Y-%m-%d %H:%M}")
    assert trusted_now() is not None
    assert AuditEvent.objects.filter(tag="clock_confirmed", actor_id=None).count() == 1


def test_panel_that_was_switched_off_is_mentioned_and_no_problem(
    run_command: RunCommand, skewed_clock: SkewedClock
) -> None:
    ClockState.objects.update(compared_at=clock.now() - timedelta(days=21), reference="former")
    clocks_check_and_repair(now=clock.now())
    sentence = _clock_line(run_command)
    assert sentence.startswith("ok ")
    assert "did not run for 21 days" in sentence
