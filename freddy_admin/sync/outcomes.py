"""What one check brought, before it is written down."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from freddy_admin.aitronos.errors import (
    AitronosError,
    FailureKind,
    KeyNotPermitted,
    KeyRefused,
)
from freddy_admin.aitronos.types import CallInfo, SyncStatus
from freddy_admin.sync.models import Outcome


class OwnFailure(StrEnum):
    """Why a check ended before it reached the API; stored beside the client's failure kinds."""

    KEY_UNREADABLE = "key_unreadable"
    MASTER_KEY_MISFIT = "master_key_misfit"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there are no figures. Texts come cleaned and cut from the client; never a secret."""

    kind: str
    code: str = ""
    http_status: int | None = None
    message: str = ""
    field: str = ""
    detail: str = ""
    trace_id: str = ""
    request_id: str = ""
    retry_after: float | None = None
    spending_limit: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """The end of one check of one key version."""

    key_id: int
    key_version: int
    token: str  # the lease it ran under
    finished_at: datetime
    outcome: Outcome
    elapsed_ms: float | None = None
    figures: SyncStatus | None = None
    info: CallInfo | None = None
    problem: Problem | None = None

    @property
    def withheld(self) -> bool:
        """Nothing was asked: the lease was over, or nearly, by the time the connection stood."""
        return self.problem is not None and self.problem.kind == FailureKind.WITHHELD


def problem_of(error: AitronosError) -> Problem:
    """The client's typed error as plain values."""
    return Problem(
        kind=str(error.kind),
        code=error.code or "",
        http_status=error.http_status,
        message=error.message or "",
        field=error.field or "",
        detail=error.detail or "",
        trace_id=error.trace_id or "",
        request_id=error.request_id or "",
        retry_after=error.retry_after,
        spending_limit=bool(getattr(error, "spending_limit", False)),
    )


def outcome_of(error: AitronosError) -> Outcome:
    """Conclusive refusals are told apart from failed checks."""
    refused = isinstance(error, KeyRefused | KeyNotPermitted)
    return Outcome.REFUSED if refused else Outcome.FAILED
