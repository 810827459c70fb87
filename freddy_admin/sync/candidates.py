"""The test of a new key: the worker asks the API once with it, and the page shows the outcome."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, NotFound, PublicError
from freddy_admin.sync.differences import Difference, Reported, differences
from freddy_admin.sync.history.telling import Telling, telling_store
from freddy_admin.sync.lease_age import LeaseAge
from freddy_admin.sync.leases import Claim
from freddy_admin.sync.lifecycle import keys_watch
from freddy_admin.sync.models import EventKind, HistoryEvent, KeySync, Outcome
from freddy_admin.sync.observations import observations_forget
from freddy_admin.sync.outcomes import Checked, Problem
from freddy_admin.sync.policy import policy
from freddy_admin.sync.recording import record
from freddy_admin.vault.models import ApiKey, KeyCandidate
from freddy_admin.vault.services import candidates as vault
from freddy_admin.vault.services.candidate_expiry import candidates_expire
from freddy_admin.vault.trying import Found, TestOutcome

log = logging.getLogger(__name__)


def candidate_claims_take(*, limit: int, now: datetime) -> list[Claim]:
    """Lease up to `limit` candidates that wait for their test, the longest waiting first."""
    if limit < 1:
        return []
    lease = policy().lease.total_seconds()
    return [
        Claim(
            key_id=candidate.key_id,
            organisation_id=candidate.key.organisation_id,
            key_version=candidate.version,
            token=candidate.lease_token,
            age=LeaseAge.until(candidate.lease_until or now),
            master_key_id=candidate.master_key_id,
            ciphertext=bytes(candidate.ciphertext) if candidate.ciphertext is not None else None,
        )
        for candidate in vault.candidates_claim(limit=limit, lease_seconds=lease)
    ]


def candidate_claims_release(claims: Sequence[Claim]) -> None:
    """Give untested candidates back, so that whoever comes next tests them."""
    for claim in claims:
        vault.candidates_release(token=claim.token, key_ids=[claim.key_id])


def candidates_store(ended: Sequence[Checked]) -> list[int]:
    """Settle each tested candidate; the ids of the keys whose new secret works."""
    working = []
    for one in ended:
        try:
            if one.withheld:
                vault.candidates_release(token=one.token, key_ids=[one.key_id])
            elif _settle(one):
                working.append(one.key_id)
        except (Conflict, NotFound):
            # Superseded, discarded or decided by a person meanwhile: the answer is thrown away.
            log.info("The test of a new secret for key %s came too late.", one.key_id)
        except PublicError as error:
            log.warning("A new secret of key %s was not kept: %s", one.key_id, error.reference)
    return working


def candidates_forget() -> int:
    """Throw new secrets away that nobody decided about for a week; how many. It is told."""
    return candidates_expire(tell=_forgotten)


def _forgotten(key: ApiKey, stays: bool) -> None:
    now = clock.now()
    HistoryEvent.objects.create(
        organisation_id=key.organisation_id,
        key_id=key.pk if stays else None,
        kind=EventKind.KEY_CHANGED,
        at=now,
        noticed_at=now,
        actor_name=WORKER.name,
        details={"what": "never_decided", "label": key.label},
    )


@transaction.atomic
def _settle(ended: Checked) -> bool:
    key = ApiKey.objects.select_related("organisation").filter(pk=ended.key_id).first()
    if key is None:
        return False
    # One whose lease ran out was tested by somebody else: what it brings late counts for nothing.
    vault.candidate_hold(key=key, version=ended.key_version, token=ended.token)
    if ended.outcome == Outcome.GOOD and not (differing := _differing(key, ended)):
        _keep(key, ended)
        return True
    outcome = outcome_of_test(ended)
    settle = vault.candidate_could_not_test
    if ended.outcome == Outcome.GOOD:
        outcome = replace(outcome, kind="differs", code=",".join(differing))
        settle = vault.candidate_differ
    elif ended.outcome == Outcome.REFUSED:
        settle = vault.candidate_refuse
    settle(
        organisation=key.organisation,
        actor=WORKER,
        key=key,
        version=ended.key_version,
        outcome=outcome,
    )
    return False


def outcome_of_test(ended: Checked) -> TestOutcome:
    """The end of a test as the vault keeps it."""
    problem, figures = ended.problem or Problem(kind=""), ended.figures
    return TestOutcome(
        kind=problem.kind,
        code=problem.code,
        http_status=problem.http_status,
        message=problem.message,
        found=Found(
            total_tools=figures.total_tools,
            enabled_tools=figures.enabled_tools,
            last_sync_at=figures.last_sync_at,
            organization_id=organization_id_told(ended),
        )
        if figures
        else None,
    )


def organization_id_told(ended: Checked) -> str:
    """The organisation the answer was for, as its header says; often nothing."""
    return ended.info.organization_id if ended.info else ""


def _differing(key: ApiKey, ended: Checked) -> tuple[Difference, ...]:
    if ended.figures is None:
        return ()
    new = Reported(
        total_tools=ended.figures.total_tools,
        last_sync_at=ended.figures.last_sync_at,
        interval_hours=ended.figures.sync_interval_hours,
        organization_id=organization_id_told(ended),
        seen_at=ended.finished_at,
    )
    return differences(_present(key), new, entered=key.organization_id)


def _present(key: ApiKey) -> Reported | None:
    """What the key itself reported last, with whichever of its secrets."""
    row = KeySync.objects.filter(pk=key.pk).first()
    if row is None or row.observed_at is None:
        return None
    return Reported(
        total_tools=row.total_tools or 0,
        last_sync_at=row.last_sync_at,
        interval_hours=row.sync_interval_hours or 0,
        organization_id=row.reported_organization_id,
        seen_at=row.observed_at,
    )


def _keep(key: ApiKey, ended: Checked) -> None:
    # The test was a check: its figures are the key's first observation, no second call is made.
    with transaction.atomic():
        waiting = KeyCandidate.objects.filter(key=key, version=ended.key_version)
        by = waiting.values_list("created_by", flat=True).first() or WORKER.name
        kept = vault.candidate_promote(
            organisation=key.organisation, actor=WORKER, key=key, version=ended.key_version
        )
        keys_watch(keys=[kept], actor=Actor(name=by), what="replaced")
        row = KeySync.objects.select_for_update().get(pk=kept.pk)
        lease = row.lease_token, row.lease_until
        telling = Telling()
        record(row, kept, ended, spans=policy(), telling=telling)
        # A check of the former secret may still run: its lease is not ours to end.
        row.lease_token, row.lease_until = lease
        row.save()
        telling_store(telling)
    observations_forget(rows=[row])
