"""Reads drafts of imports. A draft is its maker's alone, platform admins included."""

from collections import Counter
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.either_clock import latest_now
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.vault.models import ImportDraft, ImportDraftRow, ImportState

# What nobody confirms for so long is wiped.
KEPT_FOR: Final = timedelta(hours=24)


def import_drafts_of(*, user: User) -> QuerySet[ImportDraft]:
    """This person's drafts that wait for a decision, the latest first."""
    alive = ImportDraft.objects.filter(created_at__gt=latest_now() - KEPT_FOR)
    return alive.filter(person=user, state=ImportState.OPEN).order_by("-created_at")


def import_draft_get(*, user: User, draft_id: UUID) -> ImportDraft:
    """This person's draft, open or confirmed; NotFound for everybody else's and a missing one."""
    found = _alive().filter(person=user, pk=draft_id).first()
    if found is None:
        raise _gone()
    return found


def import_draft_lock(*, user: User, draft_id: UUID, state: ImportState) -> ImportDraft:
    """As `import_draft_get`, locked; Conflict where it is in another state by now."""
    found = _alive().select_for_update(no_key=True).filter(person=user, pk=draft_id).first()
    if found is None:
        raise _gone()
    if found.state != state:
        raise Conflict(_("This import was confirmed already. Look at what became of it."))
    return found


def import_counts(*, draft: ImportDraft) -> Counter[tuple[str, str]]:
    """How many rows there are of each verdict and fate; one query."""
    pairs = draft.rows.order_by().values_list("verdict", "fate").annotate(count=Count("pk"))
    return Counter({(verdict, fate): count for verdict, fate, count in pairs})


def import_rows(*, draft: ImportDraft, verdict: str = "") -> QuerySet[ImportDraftRow]:
    """The rows as they stood in the text, without their sealed bytes."""
    rows = draft.rows.defer("ciphertext").select_related("organisation").order_by("number")
    return rows.filter(verdict=verdict) if verdict else rows


def sealed_drafts_old(*, sealing_id: str, after: int, limit: int) -> list[ImportDraftRow]:
    """Sealed rows under other master keys than this one, locked, to be sealed anew in `place`.

    In the order of their ids, those after `after`; call inside a transaction.
    """
    rows = ImportDraftRow.objects.select_related("draft").exclude(ciphertext=None)
    rows = rows.exclude(master_key_id=sealing_id).filter(pk__gt=after).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True)[:limit])


def _alive() -> QuerySet[ImportDraft]:
    # One that was confirmed stays readable as long as one that waits.
    return ImportDraft.objects.filter(created_at__gt=latest_now() - 2 * KEPT_FOR).exclude(
        state=ImportState.OPEN, created_at__lte=latest_now() - KEPT_FOR
    )


def _gone() -> NotFound:
    return NotFound(
        _("There is no such import. What is not confirmed within 24 hours is thrown away.")
    )
