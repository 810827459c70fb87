"""What a key can make the sandbox do, and how a key says so."""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Self

# Of each environment; the others are served below a path of their name.
KEY_PREFIXES = {"default": "oak_live_", "staging": "oak_test_"}
KEY_LENGTH = 63
_LONGEST_ORGANISATION, _LONGEST_LABEL, _LONGEST_SHARED_SEED = 16, 8, 6


class Scenario(StrEnum):
    """One behaviour of the sandbox: its name in a key, and a sentence on it."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    HEALTHY = "healthy", "Syncs on schedule; the interval differs from key to key."
    LATE = "late", "A daily sync that was due a while ago and is still within its grace."
    OVERDUE = "overdue", "The last sync that was due did not come, and the grace is long over."
    NEVER_SYNCED = "never_synced", "The first sync was due hours ago and never came."
    WAITING = "waiting", "A monthly sync whose first run is still ahead."
    NO_SCHEDULE = "no_schedule", "Synced once, but no next time and no interval are set."
    REJECTED = "rejected", "401 INVALID_API_KEY: the key is not known."
    EXPIRED = "expired", "401 API_KEY_EXPIRED."
    KEY_PAUSED = "key_paused", "401 API_KEY_PAUSED."
    DEACTIVATED = "deactivated", "401 API_KEY_DEACTIVATED."
    NOT_PERMITTED = "not_permitted", "403 INSUFFICIENT_PERMISSIONS, in the API's own envelope."
    FIREWALL = "firewall", "403 as a web page: a firewall speaks, not the API."
    RATE_LIMITED = "rate_limited", "429 on every call, with a Retry-After of seconds."
    SPENDING_LIMIT = (
        "spending_limit",
        "429 because the spending limit is reached; waiting does not cure it.",
    )
    ERROR_HTML = "error_html", "500 as a web page."
    UNAVAILABLE = "unavailable", "503 with a Retry-After."
    TRUNCATED = "truncated", "200, but the connection ends in the middle of the body."
    WRONG_TYPES = "wrong_types", "200 with every figure in the wrong type."
    NOT_JSON = "not_json", "200 with a web page instead of JSON."
    SLOW = "slow", "The right answer after about two seconds."
    HANGING = "hanging", "Takes the request and never answers."
    DRIP = "drip", "Answers one byte at a time."
    JUMPING = "jumping", "Syncs on schedule, but the number of tools jumps every ten minutes."
    SKIPPING = (
        "skipping",
        "The next time moves on every hour while the last sync stays where it was.",
    )
    FLAKY = "flaky", "Syncs on schedule, but every third call fails with 502."
    IMPOSSIBLE_TIMES = "impossible_times", "The last sync lies in the future."
    INCONSISTENT = "inconsistent", "More tools enabled than there are."
    HUGE = "huge", "The right figures inside a body of several megabytes."
    REDIRECT = "redirect", "302 to another host."
    SYNC_VANISHES = (
        "sync_vanishes",
        "Healthy; starting a sync starts one, but no answer comes back.",
    )
    SYNC_REFUSED = "sync_refused", "Healthy; starting a sync is refused with 409 and starts none."
    SYNC_FAILS = "sync_fails", "Healthy; starting a sync gets 500 as a web page and starts none."
    SYNC_IGNORED = (
        "sync_ignored",
        "A monthly sync; starting one is answered well but changes nothing.",
    )


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """What the sandbox reads from a key it knows."""

    scenario: Scenario
    organisation: str
    seed: str
    """Keys with one seed report identical figures."""
    environment: str = "default"
    """Any other environment refuses the key, in the words for one that it does not know."""

    @property
    def organization_id(self) -> str:
        place = "" if self.environment == "default" else f"{self.environment}:"
        return f"org_{_sha256_hex(place + self.organisation)[:24]}"


def sandbox_key(
    scenario: Scenario, name: str, *, shared_seed: str = "", environment: str = "default"
) -> str:
    """The key, 63 characters and always the same, of this scenario, name and environment.

    ``name`` is ``Organisation`` or ``Organisation/Label``; keys of one organisation (its first
    16 letters and digits) share an organisation id. Keys with one ``shared_seed`` report
    identical figures. Raises ValueError where the name has no letter or digit.
    """
    organisation, _, label = name.partition("/")
    body = _keep_letters_and_digits(organisation)[:_LONGEST_ORGANISATION]
    if not body:
        raise ValueError("a sandbox key needs a name with a letter or digit")
    if label_slug := _keep_letters_and_digits(label)[:_LONGEST_LABEL]:
        body = f"{body}-{label_slug}"
    if shared_seed_slug := _keep_letters_and_digits(shared_seed)[:_LONGEST_SHARED_SEED]:
        body = f"{shared_seed_slug}.{body}"
    prefix = f"{KEY_PREFIXES[environment]}{scenario}_{body}_"
    return (prefix + _sha256_hex(f"{scenario}:{name}:{shared_seed}"))[:KEY_LENGTH]


def parse_sandbox_key(key: str) -> ParsedKey | None:
    """The scenario and the seed of this key, or None where the sandbox does not know it.

    Only its beginning is read, so that a key can also be written by hand.
    """
    for environment, scenario in product(KEY_PREFIXES, Scenario):
        prefix = f"{KEY_PREFIXES[environment]}{scenario}_"
        if key.startswith(prefix):
            body = key.removeprefix(prefix).partition("_")[0]
            shared_seed, _, name = body.rpartition(".")
            return ParsedKey(scenario, name.partition("-")[0], shared_seed or name, environment)
    return None


def organization_id_from_sandbox_key(key: str) -> str:
    """The organisation id of this key. Raises ValueError for an unknown key."""
    parsed = parse_sandbox_key(key)
    if parsed is None:
        raise ValueError("not a key of the sandbox")
    return parsed.organization_id


def _keep_letters_and_digits(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def _sha256_hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
