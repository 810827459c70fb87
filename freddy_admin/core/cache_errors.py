"""What is wrong with Redis, in a sentence for whoever runs the panel.

The driver's own text is never shown: only what it means, and the setting to correct.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# Names of redis-py's errors, words of Redis and of the sockets, what they mean. The first that
# fits counts.
_ERROR_MESSAGES: Final[tuple[tuple[str, str, Promise], ...]] = (
    (
        r"AuthenticationError|AuthenticationWrongNumberOfArgsError",
        r"wrongpass|noauth|authentication required|invalid (?:username-password|password)",
        gettext_lazy(
            "Redis at %(place)s answers and refuses user and password. Correct them in REDIS_URL."
        ),
    ),
    (
        r"NoPermissionError",
        r"noperm|no permissions",
        gettext_lazy(
            "Redis at %(place)s answers, and the user of REDIS_URL lacks a right: it needs "
            "commands and keys that begin with freddy: (ACL SETUSER … ~freddy:* +@all)."
        ),
    ),
    (
        r"OutOfMemoryError",
        r"oom command|maxmemory",
        gettext_lazy(
            "Redis at %(place)s answers and has no memory left. Raise its maxmemory, or let it "
            "forget (maxmemory-policy allkeys-lru)."
        ),
    ),
    (
        r"ReadOnlyError",
        r"read only replica|misconf|noreplicas",
        gettext_lazy(
            "Redis at %(place)s answers and takes no writes: a replica, or one that cannot save to "
            "its disk. Name its primary in REDIS_URL, or see its log."
        ),
    ),
    (
        r"MaxConnectionsError|MaxClientsError",
        r"max number of clients|too many connections",
        gettext_lazy("Redis at %(place)s takes no more connections. Raise its maxclients."),
    ),
    (
        r"BusyLoadingError",
        r"loading the dataset|masterdown",
        gettext_lazy("Redis at %(place)s is starting. Try again in a minute."),
    ),
    (
        r"(?!)",
        r"db index is out of range|invalid db index",
        gettext_lazy(
            "Redis at %(place)s has no database of the number at the end of REDIS_URL. Correct it."
        ),
    ),
    (
        r"(?!)",
        r"ssl|certificate|tls",
        gettext_lazy(
            "TLS with Redis at %(place)s fails: it speaks none, or its certificate does not fit. "
            "See REDIS_URL: rediss:// is with TLS, redis:// without."
        ),
    ),
    (
        r"InvalidResponse",
        r"protocol error|unknown command",
        gettext_lazy("What answers at %(place)s is no Redis. Correct the address in REDIS_URL."),
    ),
    (
        r"(?!)",
        r"name or service not known|name resolution|nodename nor servname",
        gettext_lazy("The name of Redis in REDIS_URL, %(place)s, cannot be found. Correct it."),
    ),
    (
        r"(?!)",
        r"connection closed by server|connection reset|broken pipe",
        gettext_lazy(
            "Redis at %(place)s hung up. Does it want TLS (rediss:// in REDIS_URL), or does it "
            "restart?"
        ),
    ),
    (
        r"TimeoutError|ConnectionError",
        r"refused|timed? ?out|timeout|unreachable|no route|no such file",
        gettext_lazy(
            "No Redis answers at %(place)s in time. Start it, or correct the address in REDIS_URL."
        ),
    ),
)


def cache_error_message(error: Exception) -> str:
    """The sentence that says what an error of the cache means; never its own text."""
    names = {kind.__name__ for kind in type(error).__mro__}
    text = str(error).lower()
    by_words = (meaning for _kind, words, meaning in _ERROR_MESSAGES if re.search(words, text))
    by_kind = (
        meaning
        for kinds, _words, meaning in _ERROR_MESSAGES
        if any(re.fullmatch(kinds, name) for name in names)
    )
    meaning = next(by_words, None) or next(by_kind, None)
    if not settings.REDIS_URL or meaning is None:
        return _("The cache cannot be used (%(kind)s).") % {"kind": type(error).__name__}
    return str(meaning) % {"place": _redis_place()}


def _redis_place() -> str:
    parts = urlsplit(settings.REDIS_URL)
    return parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
