"""Whether and when a GET is asked again: a pure rule."""

from freddy_admin.aitronos.errors import AitronosError, ConnectionFailed, FailureKind, RateLimited

MAX_ATTEMPTS = 3
FIRST_DELAY = 0.25
SHORTEST_ATTEMPT = 0.05
_RETRYABLE_STATUSES = {502, 503, 504}


def retry_delay_seconds(
    error: AitronosError, *, attempt: int, remaining: float, share: float
) -> float | None:
    """Seconds to wait before the next attempt, or None to give up.

    `attempt` counts from 1; `remaining` is what is left of the call's total time;
    `share` (0 to 1) spreads the wait. A read time-out, a failure of the secure connection and a
    proxy's refusal are never repeated.
    """
    if attempt >= MAX_ATTEMPTS:
        return None
    delay = _delay_for_error(error, attempt=attempt, share=share)
    if delay is None or delay + SHORTEST_ATTEMPT > remaining:
        return None
    return delay


def _delay_for_error(error: AitronosError, *, attempt: int, share: float) -> float | None:
    # Exponential back-off with equal jitter.
    backoff = FIRST_DELAY * 2 ** (attempt - 1) * (1 + share) / 2
    if isinstance(error, RateLimited):
        # Without a hint we know of no short wait, and a spending limit is not cured by one.
        return None if error.spending_limit else error.retry_after
    if isinstance(error, ConnectionFailed):
        is_final = error.kind in {FailureKind.TLS, FailureKind.PROXY_REFUSED}
        return None if is_final else backoff
    if error.http_status in _RETRYABLE_STATUSES:
        return error.retry_after if error.retry_after is not None else backoff
    return None
