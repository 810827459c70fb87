"""One check: open the secret, make the call, say how it ended. No database, any thread."""

import logging

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError
from freddy_admin.aitronos.types import Answer, SyncStatus
from freddy_admin.core import clock
from freddy_admin.sync.claims import claim_secret
from freddy_admin.sync.leases import Claim
from freddy_admin.sync.models import Outcome
from freddy_admin.sync.outcomes import Checked, OwnFailure, Problem, outcome_of, problem_of
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit

log = logging.getLogger(__name__)


def check_perform(client: AitronosClient, claim: Claim) -> Checked:
    """Call *Get sync status* once with this key. Never raises: every end is a `Checked`."""
    try:
        answer = _ask(client, claim)
    except KeyUnreadable:
        return _ended(claim, Outcome.FAILED, Problem(kind=OwnFailure.KEY_UNREADABLE))
    except MasterKeyMisfit:
        return _ended(claim, Outcome.FAILED, Problem(kind=OwnFailure.MASTER_KEY_MISFIT))
    except AitronosError as error:
        return _ended(claim, outcome_of(error), problem_of(error), elapsed_ms=error.elapsed_ms)
    except Exception as error:  # noqa: BLE001  one key must never take the others with it
        # The type alone: the text of an unforeseen error is not ours to vouch for.
        log.error("Check of key %s broke: %s", claim.key_id, type(error).__name__)  # noqa: TRY400
        return _ended(claim, Outcome.FAILED, Problem(kind=OwnFailure.INTERNAL))
    return Checked(
        key_id=claim.key_id,
        key_version=claim.key_version,
        token=claim.token,
        finished_at=clock.now(),
        outcome=Outcome.GOOD,
        elapsed_ms=answer.info.elapsed_ms,
        figures=answer.value,
        info=answer.info,
    )


def _ask(client: AitronosClient, claim: Claim) -> Answer[SyncStatus]:
    return client.get_sync_status(secret=claim_secret(claim), connection=claim.connection)


def _ended(
    claim: Claim, outcome: Outcome, problem: Problem, *, elapsed_ms: float | None = None
) -> Checked:
    return Checked(
        key_id=claim.key_id,
        key_version=claim.key_version,
        token=claim.token,
        finished_at=clock.now(),
        outcome=outcome,
        elapsed_ms=elapsed_ms,
        problem=problem,
    )
