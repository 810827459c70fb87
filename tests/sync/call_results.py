"""Results of checks that name an organisation at Aitronos or were too many, and their storing."""

from dataclasses import replace

from freddy_admin.aitronos.types import CallInfo
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.sync.models import CallBudget
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import (
    failed_result,
    good_result,
    lease_key,
)


def answer(key: ApiKey, *, org: str = "", requests_sent: int = 1) -> CheckResult:
    """A good check whose response names this organisation at Aitronos."""
    info = CallInfo("req-1", "", org, elapsed_ms=12.0, requests_sent=requests_sent)
    return replace(good_result(key), info=info)


def limited(key: ApiKey, *, org: str = "", retry_after: float | None = 600.0) -> CheckResult:
    return failed_result(
        key, "rate_limited", http_status=429, retry_after=retry_after, organization_id=org, calls=1
    )


def store(*results: CheckResult) -> None:
    for result in results:
        lease_key(ApiKey.objects.get(pk=result.key_id))
    check_results_record(results)


def calls_by_group() -> dict[str, int]:
    return dict(CallBudget.objects.values_list("budget_group", "calls"))
