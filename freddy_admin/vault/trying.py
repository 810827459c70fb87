"""What the test of a new secret has brought, and how it is written beside the secret."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from freddy_admin.core import clock
from freddy_admin.vault.models import CandidateState, KeyCandidate, TriedSecret

# Kinds of an outcome that say that the bytes themselves stayed shut.
NEVER_OPENED = frozenset({"master_key_misfit", "key_unreadable"})
# So long a tested secret waits for somebody to keep it or to throw it away.
DECIDE_WITHIN: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Found:
    """What Aitronos answered with the secret, for a person to compare."""

    total_tools: int
    enabled_tools: int
    last_sync_at: datetime | None
    organization_id: str = ""


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """How a test ended; texts are cleaned by the caller and cut to fit."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    kind: str
    code: str = ""
    http_status: int | None = None
    message: str = ""
    found: Found | None = None


def outcome_note(tried: TriedSecret, outcome: TestOutcome) -> None:
    """Write the outcome into the row, unsaved, and end its lease."""
    tried.tested_at = clock.now()
    tried.outcome_kind, tried.outcome_code = outcome.kind[:40], outcome.code[:64]
    tried.outcome_http_status = outcome.http_status
    tried.outcome_message = outcome.message[:300]
    found = outcome.found
    tried.found_total_tools = found.total_tools if found else None
    tried.found_enabled_tools = found.enabled_tools if found else None
    tried.found_last_sync_at = found.last_sync_at if found else None
    tried.found_organization_id = found.organization_id[:128] if found else ""
    tried.lease_until, tried.lease_token = None, ""


def outcome_forget(tried: TriedSecret) -> None:
    """As if it had never been tested, unsaved: the worker takes it again."""
    outcome_note(tried, TestOutcome(kind=""))
    tried.tested_at = None


TRIED_FIELDS = (
    "tested_at",
    "outcome_kind",
    "outcome_code",
    "outcome_http_status",
    "outcome_message",
    "found_total_tools",
    "found_enabled_tools",
    "found_last_sync_at",
    "found_organization_id",
    "lease_until",
    "lease_token",
)


def decision_ends_at(candidate: KeyCandidate) -> datetime | None:
    """When it is thrown away unless somebody decides; None while it waits for its test."""
    if candidate.state == CandidateState.PENDING:
        return None
    return (candidate.tested_at or candidate.created_at) + DECIDE_WITHIN
