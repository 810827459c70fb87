from datetime import timedelta

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_api import SandboxOptions
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sandbox.sandbox_state import RateLimit, TokenBucket
from tests.sandbox.conftest import NOON, send_request

SMALL_RATE_LIMIT = SandboxOptions(rate_limit=RateLimit(per_minute=6, burst=2))


def test_standard_plan_allows_bursts_of_120_and_100_calls_a_minute() -> None:
    bucket = TokenBucket(RateLimit(), NOON)
    assert [bucket.take_token(NOON) for _ in range(120)] == [0] * 120
    assert bucket.take_token(NOON) == 1
    one_minute_later = NOON + timedelta(minutes=1)
    assert [bucket.take_token(one_minute_later) for _ in range(100)] == [0] * 100
    assert bucket.take_token(one_minute_later) > 0


def test_clock_set_back_takes_no_tokens_away() -> None:
    bucket = TokenBucket(RateLimit(burst=5), NOON)
    assert bucket.take_token(NOON - timedelta(days=1)) == 0
    assert bucket.remaining == 4


def test_call_over_the_limit_is_a_429_with_the_seconds_to_wait() -> None:
    clock = SandboxClock(NOON, speed=0)
    key = sandbox_key(Scenario.HEALTHY, "Oak")
    with SandboxServer(clock=clock, options=SMALL_RATE_LIMIT) as server:
        remaining_calls = [
            send_request(server.base_url, key=key).headers["x-ratelimit-remaining-requests"]
            for _ in range(2)
        ]
        refused_reply = send_request(server.base_url, key=key)
        other_key_reply = send_request(server.base_url, key=sandbox_key(Scenario.HEALTHY, "Elm"))
        clock.advance(timedelta(seconds=int(refused_reply.headers["Retry-After"])))
        later_reply = send_request(server.base_url, key=key)
    assert remaining_calls == ["1", "0"]
    assert (refused_reply.status, refused_reply.error["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert refused_reply.headers["Retry-After"] == "10"
    assert refused_reply.error["details"]["retry_after"] == 10
    assert refused_reply.headers["x-ratelimit-remaining-requests"] == "0"
    assert (other_key_reply.status, later_reply.status) == (200, 200)


def test_keys_of_one_organisation_share_its_calls() -> None:
    clock = SandboxClock(NOON, speed=0)
    keys = [sandbox_key(Scenario.HEALTHY, f"Oak/{label}") for label in ("a", "b", "c")]
    with SandboxServer(clock=clock, options=SMALL_RATE_LIMIT) as server:
        replies = [send_request(server.base_url, key=key) for key in keys]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert len({reply.headers["aitronos-organization"] for reply in replies}) == 1
