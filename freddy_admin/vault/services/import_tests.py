"""What the worker does with rows of an import: take, settle, make into keys, let go."""

import secrets as random_tokens
from collections.abc import Collection, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from freddy_admin.core import clock
from freddy_admin.core.clock_guard import deletion_now
from freddy_admin.core.sqlite_wal import wal_empty_after_commit
from freddy_admin.vault.import_reads import KEPT_FOR
from freddy_admin.vault.master_keys import master_key_is_missing
from freddy_admin.vault.models import Fate, ImportDraft, ImportDraftRow, ImportState, Verdict
from freddy_admin.vault.sealing import sealed_wipe
from freddy_admin.vault.services.imports import ImportOutcome, ImportResult
from freddy_admin.vault.trying import TestOutcome, outcome_note

_FIELDS = ["fate", "verdict", "key", "ciphertext", "master_key_id", "fingerprint"]


def import_rows_claim(*, limit: int, lease_seconds: float) -> list[ImportDraftRow]:
    """Lease up to `limit` rows that wait for their test, in their order.

    A lease that runs out makes a row claimable again; of several processes one gets each.
    """
    span = timedelta(seconds=lease_seconds)
    ids = list(_claimable(span).order_by("pk").values_list("pk", flat=True)[:limit])
    if not ids:
        return []
    token = random_tokens.token_hex(16)
    # One conditional statement is the lock: whoever comes second finds the lease taken.
    _claimable(span).filter(pk__in=ids).update(lease_until=clock.now() + span, lease_token=token)
    return list(ImportDraftRow.objects.filter(lease_token=token).order_by("pk"))


def import_rows_release(*, token: str, row_ids: Collection[int]) -> None:
    """Give claimed rows back untested, so that whoever comes next tests them."""
    mine = ImportDraftRow.objects.filter(lease_token=token, pk__in=row_ids)
    mine.filter(verdict=Verdict.WAITING).update(lease_until=None, lease_token="")


def import_row_settle(*, row_id: int, token: str, verdict: Verdict, outcome: TestOutcome) -> bool:
    """Write down how the test of one row ended; False where its lease is another one's by now."""
    with transaction.atomic():
        rows = ImportDraftRow.objects.select_for_update(no_key=True)
        row = rows.filter(pk=row_id, lease_token=token, verdict=Verdict.WAITING).first()
        if row is None:
            return False
        outcome_note(row, outcome)
        row.verdict = verdict
        row.save()
    return True


def import_rows_confirmed(*, limit: int) -> list[ImportDraftRow]:
    """Rows of one confirmed draft that are to be made into keys, locked with it.

    Call inside a transaction. Of several workers one gets each draft. Rows of a master key that
    is missing wait for it and hold no others up.
    """
    keeping = ImportDraftRow.objects.filter(fate=Fate.KEEPING)
    drafts = ImportDraft.objects.filter(
        Exists(keeping.filter(draft=OuterRef("pk"))), state=ImportState.CONFIRMED
    )
    waiting = list(drafts.values_list("pk", flat=True))
    if not waiting:
        return []
    rows = _openable(keeping.filter(draft__in=waiting))
    drafts = drafts.filter(Exists(rows.filter(draft=OuterRef("pk"))))
    draft = drafts.select_for_update(no_key=True, skip_locked=True).order_by("confirmed_at").first()
    if draft is None:
        return []
    mine = rows.filter(draft=draft).select_related("draft__person", "organisation")
    return list(mine.order_by("number")[:limit])


def import_rows_kept(
    *, pairs: Sequence[tuple[ImportDraftRow, ImportResult]], shut: Sequence[ImportDraftRow]
) -> None:
    """Write down what became of the rows, and wipe them; `shut` are those that did not open."""
    for row, result in pairs:
        added = result.outcome == ImportOutcome.ADDED
        row.fate, row.key = (Fate.KEPT if added else Fate.DROPPED), result.key
        row.verdict = row.verdict if added else Verdict.HERE
        sealed_wipe(row)
    for row in shut:
        row.fate, row.verdict, row.outcome_kind = Fate.DROPPED, Verdict.UNTESTED, "key_unreadable"
        sealed_wipe(row)
    rows = [*(row for row, _result in pairs), *shut]
    ImportDraftRow.objects.bulk_update(rows, [*_FIELDS, "outcome_kind"], batch_size=100)
    wal_empty_after_commit()


def import_drafts_expire() -> int:
    """Wipe what nobody confirmed for a day, and what was confirmed and done a day ago.

    Nothing while the clocks disagree; its maker cannot open it any more all the same.
    """
    now = deletion_now()
    if now is None:
        return 0
    before = now - KEPT_FOR
    keeping = ImportDraftRow.objects.filter(draft=OuterRef("pk"), fate=Fate.KEEPING)
    over = Q(state=ImportState.OPEN, created_at__lte=before) | Q(
        ~Exists(keeping), state=ImportState.CONFIRMED, confirmed_at__lte=before
    )
    gone, _each = ImportDraft.objects.filter(over).delete()
    if gone:
        wal_empty_after_commit()
    return gone


def _openable(rows: QuerySet[ImportDraftRow]) -> QuerySet[ImportDraftRow]:
    ids = rows.order_by().values_list("master_key_id", flat=True).distinct()
    return rows.exclude(master_key_id__in=[one for one in ids if master_key_is_missing(one)])


def _claimable(span: timedelta) -> QuerySet[ImportDraftRow]:
    now = clock.now()
    # A lease longer than ours could be was given before our clock was set back.
    free = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_until__gt=now + 2 * span)
    waiting = ImportDraftRow.objects.filter(free, verdict=Verdict.WAITING)
    return waiting.filter(draft__state=ImportState.OPEN, draft__created_at__gt=now - KEPT_FOR)
