"""The sandbox's memory while it runs: request counts, rate limits and what keys changed."""

import math
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from freddy_admin.sandbox.api_errors import SandboxApiError


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Calls per minute, and how many may come at once. The defaults are the standard plan."""

    per_minute: int = 100
    burst: int = 120


class TokenBucket:
    """One organisation's allowance. Not safe for threads by itself; its owner holds a lock."""

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


class RequestCounts:
    """Counts of the requests that reached the server, by any path; safe to read at any time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: Counter[str] = Counter()
        self.total = 0
        self.by_key: Counter[str] = Counter()
        self.by_path: Counter[str] = Counter()
        self.peak_concurrency: Counter[str] = Counter()
        """Per key, the most requests that ran at the same time."""

    @contextmanager
    def count_request(self, key: str, path: str) -> Iterator[None]:
        """Count one request for as long as it is being handled."""
        with self._changed:
            self.total += 1
            self.by_key[key] += 1
            self.by_path[path] += 1
            self._running[key] += 1
            self.peak_concurrency[key] = max(self.peak_concurrency[key], self._running[key])
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._running[key] -= 1

    def wait_for(self, total: int, *, seconds: float = 5.0) -> bool:
        """Wait until so many requests have arrived, hanging ones included; False: not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.total >= total, timeout=seconds)


class SandboxState:
    """Per key: the syncs started, the tools switched, the calls made; per organisation: its bucket.

    It is gone when the server ends.
    """

    def __init__(self, rate_limit: RateLimit | None) -> None:
        self._lock = threading.Lock()
        self._rate_limit = rate_limit
        self._buckets: dict[str, TokenBucket] = {}
        self._syncs: defaultdict[str, list[datetime]] = defaultdict(list)
        self._tool_overrides: defaultdict[str, dict[str, bool]] = defaultdict(dict)
        self._calls: Counter[str] = Counter()
        self._refusals: dict[str, SandboxApiError] = {}

    def refuse(self, api_error: SandboxApiError, *, organization_id: str = "") -> None:
        """Refuse every call with a key, of this organisation alone where one is named."""
        with self._lock:
            self._refusals[organization_id] = api_error

    def let_go(self) -> None:
        """Refuse nobody any more."""
        with self._lock:
            self._refusals.clear()

    def find_refusal(self, organization_id: str) -> SandboxApiError | None:
        with self._lock:
            return self._refusals.get(organization_id) or self._refusals.get("")

    def take_token(self, organization_id: str, now: datetime) -> tuple[int, int | None]:
        """Seconds to wait (0: go on), and calls left to the organisation; None without a limit."""
        if self._rate_limit is None:
            return 0, None
        with self._lock:
            bucket = self._buckets.setdefault(organization_id, TokenBucket(self._rate_limit, now))
            wait_seconds = bucket.take_token(now)
            return wait_seconds, bucket.remaining

    def count_call(self, key: str) -> int:
        """The number of this call of this key, from 1."""
        with self._lock:
            self._calls[key] += 1
            return self._calls[key]

    def record_sync_start(self, key: str, *, ends_at: datetime) -> None:
        with self._lock:
            self._syncs[key].append(ends_at)

    def sync_end_times(self, key: str) -> tuple[datetime, ...]:
        with self._lock:
            return tuple(self._syncs.get(key, ()))

    def set_tool_enabled(self, key: str, tool_key: str, *, enabled: bool) -> None:
        with self._lock:
            self._tool_overrides[key][tool_key] = enabled

    def tool_overrides(self, key: str) -> dict[str, bool]:
        with self._lock:
            return dict(self._tool_overrides.get(key, {}))
