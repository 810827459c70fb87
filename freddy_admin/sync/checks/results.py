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
from freddy_admin.aitronos.types import CallInfo, SyncStatusResponse
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.sync.models import CheckOutcome
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit


class LocalFailureKind(StrEnum):
    """Why a check ended before it reached the API; stored beside the client's failure kinds."""

    KEY_UNREADABLE = "key_unreadable"
    MASTER_KEY_MISFIT = "master_key_misfit"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class CallFailure:
    """Why there are no figures. Texts come cleaned and cut from the client; never a secret."""

    kind: str
    code: str = ""
    http_status: int | None = None
    message: str = ""
    field: str = ""
    detail: str = ""
    trace_id: str = ""
    request_id: str = ""
    organization_id: str = ""  # at Aitronos, which it counted the call for
    system_message: str = ""
    error_type: str = ""
    timestamp: str = ""
    retry_after: float | None = None
    spending_limit: bool = False
    calls: int = 0  # requests that may have reached it


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check of one key version."""

    key_id: int
    key_version: int
    token: str  # the lease it ran under
    finished_at: datetime
    outcome: CheckOutcome
    elapsed_ms: float | None = None
    figures: SyncStatusResponse | None = None
    info: CallInfo | None = None
    failure: CallFailure | None = None
    environment: str = DEFAULT_ENVIRONMENT  # where the call was made

    @property
    def is_withheld(self) -> bool:
        """Whether nothing was sent: the lease was over, or nearly, once the connection stood."""
        return self.failure is not None and self.failure.kind == FailureKind.WITHHELD


def call_failure_from_error(error: Exception) -> CallFailure:
    """The failure of a call that raised `error`; INTERNAL where nobody foresaw the error."""
    if isinstance(error, KeyUnreadable):
        return CallFailure(kind=LocalFailureKind.KEY_UNREADABLE)
    if isinstance(error, MasterKeyMisfit):
        return CallFailure(kind=LocalFailureKind.MASTER_KEY_MISFIT)
    if not isinstance(error, AitronosError):
        return CallFailure(kind=LocalFailureKind.INTERNAL)
    return CallFailure(
        kind=str(error.kind),
        code=error.code or "",
        http_status=error.http_status,
        message=error.message or "",
        field=error.field or "",
        detail=error.detail or "",
        trace_id=error.trace_id or "",
        request_id=error.request_id or "",
        organization_id=error.organization_id or "",
        system_message=error.system_message or "",
        error_type=error.error_type or "",
        timestamp=error.timestamp or "",
        retry_after=error.retry_after,
        spending_limit=bool(getattr(error, "spending_limit", False)),
        calls=error.requests_sent,
    )


def check_outcome_from_error(error: Exception) -> CheckOutcome:
    """REFUSED for a conclusive refusal of the key, FAILED for anything else."""
    is_refused = isinstance(error, KeyRefused | KeyNotPermitted)
    return CheckOutcome.REFUSED if is_refused else CheckOutcome.FAILED
