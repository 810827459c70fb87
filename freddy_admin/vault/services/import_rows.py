"""The worker's side of an import: claim rows, record results, save keys, expire drafts."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from freddy_admin.core import clock
from freddy_admin.core.clock_skew import trusted_now
from freddy_admin.core.fair_shares import Shares
from freddy_admin.core.leases import (
    Lease,
    held_row_lock,
    lease_release,
    leased_rows_list,
    leases_acquire,
)
from freddy_admin.core.sqlite_wal import wal_truncate_on_commit
from freddy_admin.core.tasks import Moment
from freddy_admin.vault.candidate_result import CandidateResult, candidate_result_set
from freddy_admin.vault.import_selectors import IMPORT_DRAFT_LIFETIME
from freddy_admin.vault.master_key_state import master_key_is_missing
from freddy_admin.vault.models import (
    ImportDraft,
    ImportDraftRow,
    ImportDraftState,
    ImportRowState,
    ImportSaveState,
)
from freddy_admin.vault.sealing import sealed_secret_wipe
from freddy_admin.vault.services.bulk_import import ImportOutcome, ImportResult

_SAVED_FIELDS = ["save_state", "state", "key", "ciphertext", "master_key_id", "fingerprint"]


def waiting_import_rows(now: Moment) -> QuerySet[ImportDraftRow]:
    """The rows of open drafts that wait for their test, leased or not."""
    return ImportDraftRow.objects.filter(
        state=ImportRowState.WAITING,
        draft__state=ImportDraftState.OPEN,
        draft__created_at__gt=now - IMPORT_DRAFT_LIFETIME,
    )


def import_rows_claim(
    *, limit: int, lease_seconds: float, shares: Shares | None = None
) -> list[tuple[Lease, ImportDraftRow]]:
    """Lease up to `limit` rows that wait for their test, by id or in the order of `shares`."""
    leases = leases_acquire(
        waiting_import_rows(clock.now()).order_by("pk"),
        limit=limit,
        now=clock.now(),
        duration=timedelta(seconds=lease_seconds),
        shares=shares,
    )
    return leased_rows_list(ImportDraftRow.objects.all(), leases)


def import_row_release(*, row_id: int, token: str) -> None:
    """Release the lease of a row untested, so that another claim gets it."""
    waiting = ImportDraftRow.objects.filter(pk=row_id, state=ImportRowState.WAITING)
    lease_release(waiting, token=token)


def import_row_record_result(
    *, row_id: int, token: str, state: ImportRowState, outcome: CandidateResult
) -> bool:
    """Store the result of one row's test; False if the lease is no longer this token's."""
    with transaction.atomic():
        waiting = ImportDraftRow.objects.filter(pk=row_id, state=ImportRowState.WAITING)
        row = held_row_lock(waiting, token=token)
        if row is None:
            return False
        candidate_result_set(row, outcome)
        row.state = state
        row.save()
    return True


def confirmed_import_rows_lock(*, limit: int) -> list[ImportDraftRow]:
    """Rows of one confirmed draft that are to be saved as keys, with the draft locked.

    Call inside a transaction. Of several workers one gets each draft; that of which the fewest
    rows are saved comes first, so that large ones hold up no small one. Rows whose master key is
    missing are left out until it is back, and hold no others up.
    """
    saving_rows = ImportDraftRow.objects.filter(save_state=ImportSaveState.SAVING)
    drafts = ImportDraft.objects.filter(
        Exists(saving_rows.filter(draft=OuterRef("pk"))), state=ImportDraftState.CONFIRMED
    )
    draft_ids = list(drafts.values_list("pk", flat=True))
    if not draft_ids:
        return []
    rows = _exclude_rows_of_missing_master_keys(saving_rows.filter(draft__in=draft_ids))
    drafts = drafts.filter(Exists(rows.filter(draft=OuterRef("pk"))))
    saved_rows = ImportDraftRow.objects.filter(
        draft=OuterRef("pk"), save_state=ImportSaveState.SAVED
    )
    saved_count = saved_rows.order_by().values("draft").annotate(n=Count("pk")).values("n")
    drafts = drafts.order_by(Coalesce(Subquery(saved_count), 0), "confirmed_at")
    draft = drafts.select_for_update(no_key=True, skip_locked=True).first()
    if draft is None:
        return []
    draft_rows = rows.filter(draft=draft).select_related("draft__person", "organisation", "owner")
    return list(draft_rows.order_by("number")[:limit])


def import_rows_record_saved(
    *, pairs: Sequence[tuple[ImportDraftRow, ImportResult]], unreadable: Sequence[ImportDraftRow]
) -> None:
    """Store what became of the rows and wipe them; `unreadable` are those that did not open."""
    for row, result in pairs:
        is_added = result.outcome == ImportOutcome.ADDED
        row.save_state = ImportSaveState.SAVED if is_added else ImportSaveState.DISCARDED
        row.key = result.key
        row.state = row.state if is_added else ImportRowState.DUPLICATE
        sealed_secret_wipe(row)
    for row in unreadable:
        row.save_state = ImportSaveState.DISCARDED
        row.state = ImportRowState.UNTESTED
        row.result_kind = "key_unreadable"
        sealed_secret_wipe(row)
    rows = [*(row for row, _result in pairs), *unreadable]
    ImportDraftRow.objects.bulk_update(rows, [*_SAVED_FIELDS, "result_kind"], batch_size=100)
    wal_truncate_on_commit()


def import_drafts_expire() -> int:
    """Delete drafts not confirmed for a day, and those saved a day ago; returns deleted rows.

    Deletes none while the clocks disagree; expired drafts are unreadable all the same.
    """
    now = trusted_now()
    if now is None:
        return 0
    cutoff = now - IMPORT_DRAFT_LIFETIME
    saving_rows = ImportDraftRow.objects.filter(
        draft=OuterRef("pk"), save_state=ImportSaveState.SAVING
    )
    is_expired = Q(state=ImportDraftState.OPEN, created_at__lte=cutoff) | Q(
        ~Exists(saving_rows), state=ImportDraftState.CONFIRMED, confirmed_at__lte=cutoff
    )
    deleted_count, _counts = ImportDraft.objects.filter(is_expired).delete()
    if deleted_count:
        wal_truncate_on_commit()
    return deleted_count


def _exclude_rows_of_missing_master_keys(
    rows: QuerySet[ImportDraftRow],
) -> QuerySet[ImportDraftRow]:
    ids = rows.order_by().values_list("master_key_id", flat=True).distinct()
    return rows.exclude(
        master_key_id__in=[
            master_key_id for master_key_id in ids if master_key_is_missing(master_key_id)
        ]
    )
