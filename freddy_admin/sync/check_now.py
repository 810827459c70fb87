"""Checks keys in this process at an operator's word, whatever the schedule says."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.api import api_client
from freddy_admin.sync.checks import check_perform
from freddy_admin.sync.leases import Claim, claims_release, claims_take_these
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.outcomes import Checked
from freddy_admin.sync.policy import policy
from freddy_admin.sync.recording import checks_store
from freddy_admin.sync.rounds import CallPool
from freddy_admin.sync.selectors import sync_rows_of
from freddy_admin.sync.states import State
from freddy_admin.vault.master_keys import master_key_state
from freddy_admin.vault.models import KeyStatus

PARALLEL = 32
_POLL = 0.1
CheckPool = CallPool[Claim, Checked, KeySync]


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one key."""

    organisation_name: str
    key_label: str
    key_id: int
    state: State
    problem: str  # a kind of failure, "" where figures came
    tried: bool  # False for a paused key: a person said not to call

    @property
    def missed(self) -> bool:
        """Should have been tried, and was not: somebody else would not let the key go."""
        return not self.tried and self.problem == "busy_elsewhere"


def keys_check_now(
    *,
    organisation: Organisation | None = None,
    client: AitronosClient | None = None,
    parallel: int = PARALLEL,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Line]:
    """Check every active key (of one organisation), a line for each as it ends.

    Always makes a new call: ignores freshness, back-off and wait hints. A check of the same key
    that runs elsewhere is waited for first. Paused keys are named and not called.
    """
    rows = {row.pk: row for row in sync_rows_of(organisation=organisation)}
    for row in rows.values():
        if row.key.paused_at is not None:
            yield _line(row, state=State.PAUSED, problem="")
    left = {pk for pk, row in rows.items() if row.key.paused_at is None}
    master_key_state()  # brings the canaries: a misfit of the master key is no key's own fault
    pool: CheckPool = CallPool(
        client or api_client(),
        parallel=parallel,
        perform=check_perform,
        store=checks_store,
        release=claims_release,
    )
    patience = policy().lease / clock.passing(1)  # in real seconds
    give_up_after = time.monotonic() + patience
    try:
        while left or pool.running:
            claims = claims_take_these(
                key_ids=sorted(left), limit=pool.free, now=clock.now(), policy=policy()
            )
            pool.submit(claims)
            left -= {claim.key_id for claim in claims}
            if claims or pool.running:
                # Progress: only keys that somebody else holds run the patience down.
                give_up_after = time.monotonic() + patience
            yield from _collected(pool, rows)
            if not pool.running and left:
                gone = left - _still_there(left)
                for pk in sorted(gone):
                    yield _line(rows[pk], state=State(rows[pk].state), problem="changed_meanwhile")
                left -= gone
                if time.monotonic() > give_up_after:
                    break
                if left:
                    sleep(_POLL)
    finally:
        pool.stop()
    for pk in sorted(left):
        yield _line(rows[pk], state=State(rows[pk].state), problem="busy_elsewhere")


def _collected(pool: CheckPool, rows: dict[int, KeySync]) -> Iterator[Line]:
    ended, stored = pool.collect(wait=_POLL)
    states = {row.pk: State(row.state) for row in stored}
    for one in ended:
        yield _ended_line(rows[one.key_id], one, states.get(one.key_id))


def _ended_line(row: KeySync, ended: Checked, state: State | None) -> Line:
    problem = ended.problem.kind if ended.problem else ""
    if state is None:
        # Replaced, paused or revoked while we asked: the answer was thrown away.
        return _line(row, state=State(row.state), problem="changed_meanwhile", tried=True)
    return _line(row, state=state, problem=problem, tried=True)


def _still_there(key_ids: set[int]) -> set[int]:
    """Those of the keys that can still be checked: neither revoked, removed nor paused since."""
    there = KeySync.objects.filter(key__status=KeyStatus.ACTIVE, key__paused_at=None)
    return set(there.values_list("pk", flat=True)) & key_ids


def _line(row: KeySync, *, state: State, problem: str, tried: bool = False) -> Line:
    return Line(
        organisation_name=row.key.organisation.name,
        key_label=row.key.label,
        key_id=row.pk,
        state=state,
        problem=problem,
        tried=tried,
    )
