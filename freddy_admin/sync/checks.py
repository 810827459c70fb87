"""One check: open the secret, make the call, say how it ended. No database, any thread."""

import logging
from collections.abc import Callable
from dataclasses import replace

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.core import clock
from freddy_admin.sync.claims import claim_secret
from freddy_admin.sync.lease_age import LeaseAge
from freddy_admin.sync.leases import Claim
from freddy_admin.sync.models import Outcome
from freddy_admin.sync.outcomes import Checked, OwnFailure, Problem, outcome_of, problem_of
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit

log = logging.getLogger(__name__)


def check_perform(client: AitronosClient, claim: Claim) -> Checked:
    """Call *Get sync status* once with this key. Never raises: every end is a `Checked`."""
    ended = check_with(
        client,
        lambda: claim_secret(claim),
        connection=claim.connection,
        age=claim.age,
        named=f"key {claim.key_id}",
    )
    return replace(ended, key_id=claim.key_id, key_version=claim.key_version, token=claim.token)


def check_with(
    client: AitronosClient,
    opened: Callable[[], str],
    *,
    connection: str,
    age: LeaseAge,
    named: str,
) -> Checked:
    """Call *Get sync status* with whatever secret `opened` gives, while the lease of `age` lasts.

    Whose check it was is left to the caller. Never raises; asks no database.
    """
    try:
        # Never a name of ours: a traceback that prints locals would print the secret.
        answer = client.get_sync_status(secret=opened(), connection=connection, may_send=age.covers)
    except KeyUnreadable:
        return _ended(Outcome.FAILED, Problem(kind=OwnFailure.KEY_UNREADABLE))
    except MasterKeyMisfit:
        return _ended(Outcome.FAILED, Problem(kind=OwnFailure.MASTER_KEY_MISFIT))
    except AitronosError as error:
        return _ended(outcome_of(error), problem_of(error), elapsed_ms=error.elapsed_ms)
    except Exception as error:  # noqa: BLE001  one key must never take the others with it
        # The type alone: the text of an unforeseen error is not ours to vouch for.
        log.error("Check of %s broke: %s", named, type(error).__name__)  # noqa: TRY400
        return _ended(Outcome.FAILED, Problem(kind=OwnFailure.INTERNAL))
    return Checked(
        key_id=0,
        key_version=0,
        token="",
        finished_at=clock.now(),
        outcome=Outcome.GOOD,
        elapsed_ms=answer.info.elapsed_ms,
        figures=answer.value,
        info=answer.info,
    )


def _ended(outcome: Outcome, problem: Problem, *, elapsed_ms: float | None = None) -> Checked:
    return Checked(
        key_id=0,
        key_version=0,
        token="",
        finished_at=clock.now(),
        outcome=outcome,
        elapsed_ms=elapsed_ms,
        problem=problem,
    )
