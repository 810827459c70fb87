"""Import rows: each pasted key is tested by one call, and becomes a key once confirmed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from freddy_admin.aitronos.client import ApiClients
from freddy_admin.audit.services import Actor
from freddy_admin.core.fair_shares import Shares
from freddy_admin.core.leases import Lease, free_rows, lease_values
from freddy_admin.core.tasks import Moment
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import organisations_ensure
from freddy_admin.sync.candidates.verification import (
    candidate_result_from_check,
    check_result_organization_id,
)
from freddy_admin.sync.checks.budget import check_usage, organisation_calls_record
from freddy_admin.sync.checks.execution import check_perform_with_secret
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.sync.key_lifecycle import key_monitoring_start, known_refusals_record
from freddy_admin.sync.models import CheckOutcome
from freddy_admin.vault.models import (
    ImportDraft,
    ImportDraftRow,
    ImportRowState,
    ImportSaveState,
)
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit, import_secret_open
from freddy_admin.vault.sealing import import_row_context
from freddy_admin.vault.services import import_rows as vault
from freddy_admin.vault.services.bulk_import import ImportRow, api_keys_import

log = logging.getLogger(__name__)

PROMOTION_BATCH_SIZE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRowLease(Lease):
    """A lease on one row for its test; there is no key yet."""

    seal_context: bytes
    organisation_id: int  # 0 for one that does not exist yet
    entered_organization_id: str
    environment: str
    master_key_id: str = field(repr=False)
    ciphertext: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImportRowResult:
    """The result of the test of one row."""

    row_id: int
    token: str
    organisation_id: int
    entered_organization_id: str
    check_result: CheckResult


def import_rows_waiting(now: Moment) -> QuerySet[ImportDraftRow]:
    """The rows that wait for their test and that no test holds."""
    return free_rows(vault.waiting_import_rows(now), now=now, duration=check_policy().lease)


def import_rows_to_save(now: Moment) -> QuerySet[ImportDraftRow]:
    """The confirmed rows that are to become keys, whatever the time."""
    del now
    return ImportDraftRow.objects.filter(save_state=ImportSaveState.SAVING)


def import_row_leases_acquire(*, limit: int, shares: Shares | None = None) -> list[ImportRowLease]:
    """Lease up to `limit` rows that wait for their test, in the order of `shares`."""
    lease_seconds = check_policy().lease.total_seconds()
    claims = vault.import_rows_claim(limit=limit, lease_seconds=lease_seconds, shares=shares)
    return [
        ImportRowLease(
            **lease_values(lease),
            seal_context=import_row_context(row),
            organisation_id=row.organisation_id or 0,
            entered_organization_id=row.organization_id,
            environment=row.environment,
            master_key_id=row.master_key_id,
            ciphertext=bytes(row.ciphertext) if row.ciphertext is not None else None,
        )
        for lease, row in claims
    ]


def import_row_leases_release(leases: Sequence[ImportRowLease]) -> None:
    """Release the leases of untested rows, so that the next worker tests them."""
    for lease in leases:
        vault.import_row_release(row_id=lease.row_id, token=lease.token)


def import_row_check(clients: ApiClients, lease: ImportRowLease) -> ImportRowResult:
    """Call *Get sync status* once with the pasted key, in its environment.

    Never raises; no database, any thread.
    """
    check_result = check_perform_with_secret(
        clients,
        lambda: import_secret_open(
            row_id=lease.row_id,
            context=lease.seal_context,
            ciphertext=lease.ciphertext,
            master_key_id=lease.master_key_id,
        ),
        environment=lease.environment,
        deadline=lease.deadline,
        log_name=f"row {lease.row_id} of an import",
    )
    return ImportRowResult(
        lease.row_id,
        lease.token,
        lease.organisation_id,
        lease.entered_organization_id,
        check_result,
    )


def import_row_results_record(results: Sequence[ImportRowResult]) -> list[int]:
    """Store the results; returns the ids of the rows whose lease was still valid.

    A row with which nothing was sent, for its lease was over, waits for its test again.
    """
    for result in results:
        if result.check_result.is_withheld:
            vault.import_row_release(row_id=result.row_id, token=result.token)
    # Of an organisation that does not exist yet there is nothing to count but what a header names.
    organisation_calls_record(
        [
            (result.organisation_id, result.entered_organization_id, "", usage)
            for result in results
            if (usage := check_usage(result.check_result)).organization_id or result.organisation_id
        ]
    )
    return [
        result.row_id
        for result in results
        if not result.check_result.is_withheld
        and vault.import_row_record_result(
            row_id=result.row_id,
            token=result.token,
            state=_import_row_state_from_result(result),
            outcome=candidate_result_from_check(result.check_result),
        )
    ]


def _import_row_state_from_result(result: ImportRowResult) -> ImportRowState:
    if result.check_result.outcome == CheckOutcome.REFUSED:
        return ImportRowState.REJECTED
    if result.check_result.outcome != CheckOutcome.GOOD:
        return ImportRowState.UNTESTED
    reported = check_result_organization_id(result.check_result)
    differs = (
        result.entered_organization_id and reported and result.entered_organization_id != reported
    )
    return ImportRowState.DIFFERS if differs else ImportRowState.WORKS


def import_rows_promote(*, limit: int = PROMOTION_BATCH_SIZE) -> int:
    """Make up to `limit` confirmed rows into keys that are due at once; returns how many.

    One transaction: a worker that is killed leaves every row either a key or still to be one.
    """
    with transaction.atomic():
        rows = vault.confirmed_import_rows_lock(limit=limit)
        if not rows:
            return 0
        return _create_keys_from_rows(rows[0].draft, rows)


@sensitive_variables()
def _create_keys_from_rows(draft: ImportDraft, rows: Sequence[ImportDraftRow]) -> int:
    actor = Actor(name=draft.actor_name, id=draft.person_id, address=draft.actor_address)
    rows_with_secret, unreadable = _open_secrets(rows)
    organisations = _organisations_by_row([row for row, _secret in rows_with_secret], actor)
    results = api_keys_import(
        actor=actor,
        rows=[
            ImportRow(
                organisation=organisations[row.pk],
                label=row.label,
                secret=secret,
                organization_id=row.organization_id,
                tags=tuple(row.tags),
                environment=row.environment,
                owner=row.owner,
                expires_on=row.expires_on,
                grace_minutes=row.grace_minutes,
            )
            for row, secret in rows_with_secret
        ],
    )
    key_monitoring_start(
        keys=[result.key for result in results if result.key is not None], actor=actor
    )
    pairs = [
        (row, result) for (row, _secret), result in zip(rows_with_secret, results, strict=True)
    ]
    known_refusals_record(
        pairs=[
            (result.key, row)
            for row, result in pairs
            if row.state == ImportRowState.REJECTED and result.key is not None
        ]
    )
    vault.import_rows_record_saved(pairs=pairs, unreadable=unreadable)
    return len(pairs) + len(unreadable)


@sensitive_variables()
def _open_secrets(
    rows: Sequence[ImportDraftRow],
) -> tuple[list[tuple[ImportDraftRow, str]], list[ImportDraftRow]]:
    """Rows with their secrets, and damaged rows; rows of a missing master key wait for it."""
    rows_with_secret, unreadable = [], []
    for row in rows:
        try:
            secret = import_secret_open(
                row_id=row.pk,
                context=import_row_context(row),
                ciphertext=row.ciphertext,
                master_key_id=row.master_key_id,
            )
        except KeyUnreadable:
            unreadable.append(row)
        except MasterKeyMisfit:
            log.warning("Row %s of an import waits for its master key.", row.pk)
        else:
            rows_with_secret.append((row, secret))
    return rows_with_secret, unreadable


def _organisations_by_row(rows: Sequence[ImportDraftRow], actor: Actor) -> dict[int, Organisation]:
    """The organisation of each row; new ones are created by `actor`, who confirmed the import."""
    new_names = dict.fromkeys(row.organisation_name for row in rows if row.organisation is None)
    created = organisations_ensure(actor=actor, names=list(new_names)) if new_names else {}
    return {row.pk: row.organisation or created[row.organisation_name] for row in rows}
