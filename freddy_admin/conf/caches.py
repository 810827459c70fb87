"""Builds Django's settings of the caches from `REDIS_URL`."""

import re
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def parse_redis_url(value: str) -> str:
    """`REDIS_URL`, validated; empty for none."""
    if value and not re.match(r"(redis|rediss|unix)://\S+$", value):
        raise ImproperlyConfigured("REDIS_URL must look like redis://host:6379/0.")
    return value


def build_cache_settings(redis: str) -> dict[str, Any]:
    """`default`, a table of the one database, and `fast`, which is Redis where `REDIS_URL` is set.

    Sign-in throttling counts in `default`: it must work, and stay exact, while Redis is away.
    """
    table = {
        "BACKEND": "freddy_admin.core.json_database_cache.JsonDatabaseCache",
        "LOCATION": "core_cache",
        # Since 0.4.0 values hold when they were written; those of former versions, which may still
        # run beside this one, have other keys.
        "VERSION": 2,
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
    if not redis:
        return {"default": table, "fast": table}
    fast = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis,
        "KEY_PREFIX": "freddy",
        "OPTIONS": {
            "serializer": "freddy_admin.core.cache.JsonSerializer",
            # A hung Redis may cost a page a quarter of a second, once, not five.
            "socket_timeout": 0.25,
            "socket_connect_timeout": 0.25,
        },
    }
    return {"default": table, "fast": fast}
