"""`doctor` compares this machine's clock with that of Aitronos, which stands in its answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from freddy_admin.core import clock
from freddy_admin.ops.doctor import DoctorFinding, doctor_checks_run
from freddy_admin.sandbox.sandbox_server import SandboxServer

pytestmark = pytest.mark.django_db


def clock_finding() -> DoctorFinding:
    return next(finding for finding in doctor_checks_run() if finding.part == "clock")


def test_doctor_says_that_the_clock_agrees_with_that_of_aitronos(sandbox: SandboxServer) -> None:
    finding = clock_finding()
    assert finding.ok
    assert "agrees with that of Aitronos" in finding.sentence


@pytest.mark.parametrize("skew", [timedelta(minutes=10), timedelta(minutes=-10)])
def test_doctor_says_how_far_the_clock_is_from_that_of_aitronos(
    sandbox: SandboxServer, skew: timedelta
) -> None:
    with clock.override_clock(lambda: datetime.now(UTC) + skew):
        finding = clock_finding()
    assert not finding.ok
    assert "set up NTP on this machine" in finding.sentence
    seconds = int(finding.sentence.split("It is ")[1].split(" s apart")[0])
    assert 590 <= seconds <= 610


def test_doctor_says_nothing_of_a_clock_that_it_cannot_ask_for(settings: Any) -> None:
    settings.AITRONOS_API_BASE_URL = "http://127.0.0.1:9"
    assert "Aitronos" not in clock_finding().sentence
    settings.AITRONOS_CALLS = False
    assert "Aitronos" not in clock_finding().sentence
