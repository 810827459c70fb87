"""Performs one check: opens the secret and makes the call. No database, any thread."""

import logging
from collections.abc import Callable
from dataclasses import replace

from freddy_admin.aitronos.client import ApiClients
from freddy_admin.core import clock
from freddy_admin.core.leases import LeaseDeadline
from freddy_admin.sync.checks.leases import CheckLease
from freddy_admin.sync.checks.results import (
    CheckResult,
    LocalFailureKind,
    call_failure_from_error,
    check_outcome_from_error,
)
from freddy_admin.sync.key_leases import key_lease_open_secret
from freddy_admin.sync.models import CheckOutcome

log = logging.getLogger(__name__)


def check_perform(clients: ApiClients, lease: CheckLease) -> CheckResult:
    """Call *Get sync status* once with this key, in its environment.

    Never raises: failures are results too.
    """
    result = check_perform_with_secret(
        clients,
        lambda: key_lease_open_secret(lease),
        environment=lease.environment,
        deadline=lease.deadline,
        log_name=f"key {lease.key_id}",
    )
    return replace(result, key_id=lease.key_id, key_version=lease.key_version, token=lease.token)


def check_perform_with_secret(
    clients: ApiClients,
    open_secret: Callable[[], str],
    *,
    environment: str,
    deadline: LeaseDeadline,
    log_name: str,
) -> CheckResult:
    """Call *Get sync status* with the secret that `open_secret` gives, if `deadline` allows it.

    Where `environment` is not set up, nothing is opened or sent.
    The caller sets the key and lease of the result. Never raises; uses no database.
    """
    try:
        client = clients.for_environment(environment)
        # Never a name of ours: a traceback that prints locals would print the secret.
        response = client.get_sync_status(secret=open_secret(), may_send=deadline.covers)
    except Exception as error:  # noqa: BLE001  one key must never take the others with it
        failure = call_failure_from_error(error)
        if failure.kind == LocalFailureKind.INTERNAL:
            # The type alone: the text of an unforeseen error is not ours to vouch for.
            log.error("Check of %s broke: %s", log_name, type(error).__name__)  # noqa: TRY400
        return CheckResult(
            key_id=0,
            key_version=0,
            token="",
            finished_at=clock.now(),
            outcome=check_outcome_from_error(error),
            elapsed_ms=getattr(error, "elapsed_ms", None),
            failure=failure,
            environment=environment,
        )
    return CheckResult(
        key_id=0,
        key_version=0,
        token="",
        finished_at=clock.now(),
        outcome=CheckOutcome.GOOD,
        elapsed_ms=response.info.elapsed_ms,
        figures=response.value,
        info=response.info,
        environment=environment,
    )
