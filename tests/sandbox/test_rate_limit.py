from datetime import timedelta

from freddy_admin.sandbox.api import SandboxOptions
from freddy_admin.sandbox.clock import SandboxClock
from freddy_admin.sandbox.limits import RateLimit, TokenBucket
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.sandbox.conftest import NOON, ask_at

SMALL = SandboxOptions(rate_limit=RateLimit(per_minute=6, burst=2))


def test_the_standard_plan_allows_120_at_once_and_100_a_minute() -> None:
    bucket = TokenBucket(RateLimit(), NOON)
    assert [bucket.take(NOON) for _ in range(120)] == [0] * 120
    assert bucket.take(NOON) == 1
    later = NOON + timedelta(minutes=1)
    assert [bucket.take(later) for _ in range(100)] == [0] * 100
    assert bucket.take(later) > 0


def test_a_clock_set_back_takes_nothing_away() -> None:
    bucket = TokenBucket(RateLimit(burst=5), NOON)
    assert bucket.take(NOON - timedelta(days=1)) == 0
    assert bucket.remaining == 4


def test_over_the_limit_comes_429_with_the_seconds_to_wait() -> None:
    clock = SandboxClock(NOON, speed=0)
    key = key_for(Scenario.HEALTHY, "Oak")
    with SandboxServer(clock=clock, options=SMALL) as server:
        left = [
            ask_at(server.base_url, key=key).headers["x-ratelimit-remaining-requests"]
            for _ in range(2)
        ]
        refused = ask_at(server.base_url, key=key)
        other = ask_at(server.base_url, key=key_for(Scenario.HEALTHY, "Elm"))
        clock.advance(timedelta(seconds=int(refused.headers["Retry-After"])))
        again = ask_at(server.base_url, key=key)
    assert left == ["1", "0"]
    assert (refused.status, refused.error["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert refused.headers["Retry-After"] == "10"
    assert refused.error["details"]["retry_after"] == 10
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert (other.status, again.status) == (200, 200)
