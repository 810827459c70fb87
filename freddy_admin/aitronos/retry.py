"""Whether and when a GET is asked again: a pure rule."""

from freddy_admin.aitronos.errors import AitronosError, ConnectionFailed, FailureKind, RateLimited

ATTEMPTS = 3
FIRST_WAIT = 0.25
WORTH_A_TRY = 0.05
_LATER = {502, 503, 504}


def wait_before_retry(
    error: AitronosError, *, attempt: int, remaining: float, reused: bool, share: float
) -> float | None:
    """Seconds to wait before the next attempt, or None to give up.

    `attempt` counts from 1; `remaining` is what is left of the call's total time; `reused` says
    that the connection had been idle since an earlier call; `share` (0 to 1) spreads the wait.
    A read time-out and a failure of the secure connection are never repeated.
    """
    if attempt >= ATTEMPTS:
        return None
    wait = _wait(error, attempt=attempt, reused=reused, share=share)
    if wait is None or wait + WORTH_A_TRY > remaining:
        return None
    return wait


def _wait(error: AitronosError, *, attempt: int, reused: bool, share: float) -> float | None:
    # Exponential back-off with equal jitter.
    backoff = FIRST_WAIT * 2 ** (attempt - 1) * (1 + share) / 2
    if isinstance(error, RateLimited):
        # Without a hint we know of no short wait, and a spending limit is not cured by one.
        return None if error.spending_limit else error.retry_after
    if isinstance(error, ConnectionFailed):
        if error.kind is FailureKind.TLS:
            return None
        idle_and_closed = reused and attempt == 1 and error.kind is FailureKind.CONNECTION_LOST
        return 0.0 if idle_and_closed else backoff
    if error.http_status in _LATER:
        return error.retry_after if error.retry_after is not None else backoff
    return None
