"""What a key can make the sandbox do, and how a key says so."""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

KEY_PREFIX = "oak_live_"
KEY_LENGTH = 63
_LONGEST_ORGANISATION, _LONGEST_LABEL, _LONGEST_SHARED_SEED = 16, 8, 6


class Scenario(StrEnum):
    """One behaviour of the sandbox; the sentences stand in ``SCENARIO_SENTENCES``."""

    HEALTHY = "healthy"
    LATE = "late"
    OVERDUE = "overdue"
    NEVER_SYNCED = "never_synced"
    WAITING = "waiting"
    NO_SCHEDULE = "no_schedule"
    REJECTED = "rejected"
    EXPIRED = "expired"
    KEY_PAUSED = "key_paused"
    DEACTIVATED = "deactivated"
    NOT_PERMITTED = "not_permitted"
    FIREWALL = "firewall"
    RATE_LIMITED = "rate_limited"
    SPENDING_LIMIT = "spending_limit"
    ERROR_HTML = "error_html"
    UNAVAILABLE = "unavailable"
    TRUNCATED = "truncated"
    WRONG_TYPES = "wrong_types"
    NOT_JSON = "not_json"
    SLOW = "slow"
    HANGING = "hanging"
    DRIP = "drip"
    JUMPING = "jumping"
    SKIPPING = "skipping"
    FLAKY = "flaky"
    IMPOSSIBLE_TIMES = "impossible_times"
    INCONSISTENT = "inconsistent"
    HUGE = "huge"
    REDIRECT = "redirect"
    SYNC_VANISHES = "sync_vanishes"
    SYNC_REFUSED = "sync_refused"
    SYNC_FAILS = "sync_fails"
    SYNC_IGNORED = "sync_ignored"


SCENARIO_SENTENCES: dict[Scenario, str] = {
    Scenario.HEALTHY: "Syncs on schedule; the interval differs from key to key.",
    Scenario.LATE: "A daily sync that was due a while ago and is still within its grace.",
    Scenario.OVERDUE: "The last sync that was due did not come, and the grace is long over.",
    Scenario.NEVER_SYNCED: "The first sync was due hours ago and never came.",
    Scenario.WAITING: "A monthly sync whose first run is still ahead.",
    Scenario.NO_SCHEDULE: "Synced once, but no next time and no interval are set.",
    Scenario.REJECTED: "401 INVALID_API_KEY: the key is not known.",
    Scenario.EXPIRED: "401 API_KEY_EXPIRED.",
    Scenario.KEY_PAUSED: "401 API_KEY_PAUSED.",
    Scenario.DEACTIVATED: "401 API_KEY_DEACTIVATED.",
    Scenario.NOT_PERMITTED: "403 INSUFFICIENT_PERMISSIONS, in the API's own envelope.",
    Scenario.FIREWALL: "403 as a web page: a firewall speaks, not the API.",
    Scenario.RATE_LIMITED: "429 on every call, with a Retry-After of seconds.",
    Scenario.SPENDING_LIMIT: "429 because the spending limit is reached; waiting does not cure it.",
    Scenario.ERROR_HTML: "500 as a web page.",
    Scenario.UNAVAILABLE: "503 with a Retry-After.",
    Scenario.TRUNCATED: "200, but the connection ends in the middle of the body.",
    Scenario.WRONG_TYPES: "200 with every figure in the wrong type.",
    Scenario.NOT_JSON: "200 with a web page instead of JSON.",
    Scenario.SLOW: "The right answer after about two seconds.",
    Scenario.HANGING: "Takes the request and never answers.",
    Scenario.DRIP: "Answers one byte at a time.",
    Scenario.JUMPING: "Syncs on schedule, but the number of tools jumps every ten minutes.",
    Scenario.SKIPPING: "The next time moves on every hour while the last sync stays where it was.",
    Scenario.FLAKY: "Syncs on schedule, but every third call fails with 502.",
    Scenario.IMPOSSIBLE_TIMES: "The last sync lies in the future.",
    Scenario.INCONSISTENT: "More tools enabled than there are.",
    Scenario.HUGE: "The right figures inside a body of several megabytes.",
    Scenario.REDIRECT: "302 to another host.",
    Scenario.SYNC_VANISHES: "Healthy; starting a sync starts one, but no answer comes back.",
    Scenario.SYNC_REFUSED: "Healthy; starting a sync is refused with 409 and starts none.",
    Scenario.SYNC_FAILS: "Healthy; starting a sync gets 500 as a web page and starts none.",
    Scenario.SYNC_IGNORED: "A monthly sync; starting one is answered well but changes nothing.",
}


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """What the sandbox reads from a key it knows."""

    scenario: Scenario
    organisation: str
    seed: str
    """Keys with one seed report identical figures."""

    @property
    def organization_id(self) -> str:
        return f"org_{_sha256_hex(self.organisation)[:24]}"


def sandbox_key(scenario: Scenario, name: str, *, shared_seed: str = "") -> str:
    """The key, 63 characters and always the same, of this scenario and name.

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
    prefix = f"{KEY_PREFIX}{scenario}_{body}_"
    return (prefix + _sha256_hex(f"{scenario}:{name}:{shared_seed}"))[:KEY_LENGTH]


def parse_sandbox_key(key: str) -> ParsedKey | None:
    """The scenario and the seed of this key, or None where the sandbox does not know it.

    Only its beginning is read, so that a key can also be written by hand.
    """
    for scenario in Scenario:
        prefix = f"{KEY_PREFIX}{scenario}_"
        if key.startswith(prefix):
            body = key.removeprefix(prefix).partition("_")[0]
            shared_seed, _, name = body.rpartition(".")
            return ParsedKey(scenario, name.partition("-")[0], shared_seed or name)
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
