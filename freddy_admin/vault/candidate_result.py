"""The result of testing a new secret, and how it is stored beside the secret."""

from dataclasses import dataclass
from datetime import datetime

from freddy_admin.core import clock
from freddy_admin.vault.models import CandidateSecret

# Kinds of a result where the sealed bytes could not be opened.
UNREADABLE_RESULT_KINDS = frozenset({"master_key_misfit", "key_unreadable"})


@dataclass(frozen=True, slots=True)
class ReportedStatus:
    """What Aitronos reported for the secret, for a person to compare."""

    total_tools: int
    enabled_tools: int
    last_sync_at: datetime | None
    organization_id: str = ""


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """How a test ended; texts are cleaned by the caller and cut to their columns' lengths."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    kind: str
    code: str = ""
    http_status: int | None = None
    message: str = ""
    field: str = ""
    detail: str = ""
    system_message: str = ""
    error_type: str = ""
    timestamp: str = ""
    trace_id: str = ""
    request_id: str = ""
    reported_status: ReportedStatus | None = None


# The texts of a result, each as long as its column `result_NAME`.
_TEXT_LENGTHS = {
    "kind": 40,
    "code": 64,
    "message": 300,
    "field": 64,
    "detail": 200,
    "system_message": 300,
    "error_type": 64,
    "timestamp": 64,
    "trace_id": 128,
    "request_id": 128,
}


def candidate_result_set(candidate_secret: CandidateSecret, result: CandidateResult) -> None:
    """Write the result into the row, unsaved, and release its lease."""
    candidate_secret.tested_at = clock.now()
    candidate_secret.result_http_status = result.http_status
    for name, length in _TEXT_LENGTHS.items():
        setattr(candidate_secret, f"result_{name}", getattr(result, name)[:length])
    reported_status = result.reported_status
    candidate_secret.reported_total_tools = reported_status.total_tools if reported_status else None
    candidate_secret.reported_enabled_tools = (
        reported_status.enabled_tools if reported_status else None
    )
    candidate_secret.reported_last_sync_at = (
        reported_status.last_sync_at if reported_status else None
    )
    candidate_secret.reported_organization_id = (
        reported_status.organization_id[:128] if reported_status else ""
    )
    candidate_secret.lease_until, candidate_secret.lease_token = None, ""


def candidate_result_clear(candidate_secret: CandidateSecret) -> None:
    """Clear the result, unsaved, so that the worker tests the secret again."""
    candidate_result_set(candidate_secret, CandidateResult(kind=""))
    candidate_secret.tested_at = None


CANDIDATE_RESULT_FIELDS = (
    "tested_at",
    "result_http_status",
    *(f"result_{name}" for name in _TEXT_LENGTHS),
    "reported_total_tools",
    "reported_enabled_tools",
    "reported_last_sync_at",
    "reported_organization_id",
    "lease_until",
    "lease_token",
)
