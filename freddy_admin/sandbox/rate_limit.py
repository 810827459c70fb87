"""The rate limit the API page documents: a token bucket."""

import math
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Calls per minute, and how many may come at once. The defaults are the standard plan."""

    per_minute: int = 100
    burst: int = 120


class TokenBucket:
    """One key's allowance. Not safe for threads by itself; its owner holds a lock."""

    def __init__(self, limit: RateLimit, now: datetime) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._updated_at = now

    @property
    def remaining(self) -> int:
        return int(self._tokens)

    def take_token(self, now: datetime) -> int:
        """Take one token: 0 if there was one, else the whole seconds until there is."""
        per_second = self._limit.per_minute / 60
        # A clock set back must not take tokens away.
        elapsed_seconds = max(0.0, (now - self._updated_at).total_seconds())
        self._tokens = min(float(self._limit.burst), self._tokens + elapsed_seconds * per_second)
        self._updated_at = now
        if self._tokens < 1:
            return max(1, math.ceil((1 - self._tokens) / per_second))
        self._tokens -= 1
        return 0
