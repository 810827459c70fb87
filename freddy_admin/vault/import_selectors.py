"""Reads drafts of imports. Only its creator sees a draft; platform admins do not."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.clock_skew import later_clock_now
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.vault.models import ImportDraft, ImportDraftRow, ImportDraftState, ImportRowState

# A draft that is not confirmed for this long is wiped.
IMPORT_DRAFT_LIFETIME: Final = timedelta(hours=24)
MAX_SIMILAR_NAMES: Final = 20


def open_import_drafts_list(*, user: User) -> QuerySet[ImportDraft]:
    """This person's open drafts, the latest first."""
    drafts = ImportDraft.objects.filter(created_at__gt=later_clock_now() - IMPORT_DRAFT_LIFETIME)
    return drafts.filter(person=user, state=ImportDraftState.OPEN).order_by("-created_at")


def import_draft_get(*, user: User, draft_id: UUID) -> ImportDraft:
    """This person's draft, open or confirmed; NotFound for a foreign one and a missing one."""
    return _import_draft_get(ImportDraft.objects.all(), user, draft_id)


def import_draft_lock(*, user: User, draft_id: UUID, state: ImportDraftState) -> ImportDraft:
    """This person's draft, locked; raises NotFound, and Conflict if it is in another state."""
    draft = _import_draft_get(ImportDraft.objects.select_for_update(no_key=True), user, draft_id)
    if draft.state != state:
        raise Conflict(_("This import was confirmed already. Look at what became of it."))
    return draft


def import_row_counts(*, draft: ImportDraft) -> Counter[tuple[str, str]]:
    """Number of rows by (state, save state); one query."""
    state_counts = (
        draft.rows.order_by().values_list("state", "save_state").annotate(count=Count("pk"))
    )
    return Counter({(state, save_state): count for state, save_state, count in state_counts})


def import_rows_list(*, draft: ImportDraft, state: str = "") -> QuerySet[ImportDraftRow]:
    """Rows in the order of the pasted text, of one state if given, without their sealed bytes."""
    rows = draft.rows.defer("ciphertext").select_related("organisation", "owner")
    rows = rows.order_by("number")
    return rows.filter(state=state) if state else rows


def similar_names_list(*, draft: ImportDraft) -> list[tuple[str, str]]:
    """New organisations of the draft that are nearly called like another, with that other name."""
    rows = draft.rows.exclude(similar_organisation_name="").exclude(state=ImportRowState.DUPLICATE)
    pairs = rows.values_list("organisation_name", "similar_organisation_name").distinct()
    return sorted(pairs.order_by()[:MAX_SIMILAR_NAMES])


@dataclass(frozen=True, slots=True)
class SharedOrganizationId:
    """An id at Aitronos that rows of several organisations of this panel answer for."""

    organization_id: str
    row_count: int
    organisation_names: tuple[str, ...]  # all of them, in order


def shared_organization_ids(*, draft: ImportDraft) -> list[SharedOrganizationId]:
    """The ids that tested rows of more than one organisation report, most rows first.

    Most likely one organisation's key was copied into the rows of others. An id of one environment
    is another organisation's than the same id of another one.
    """
    rows = draft.rows.exclude(reported_organization_id="").filter(ciphertext__isnull=False)
    names: dict[tuple[str, str], list[str]] = {}
    for environment, organization_id, name in rows.order_by("organisation_name").values_list(
        "environment", "reported_organization_id", "organisation_name"
    ):
        names.setdefault((environment, organization_id), []).append(name)
    found = [
        SharedOrganizationId(organization_id, len(row_names), tuple(dict.fromkeys(row_names)))
        for (_environment, organization_id), row_names in names.items()
    ]
    shared = [entry for entry in found if len(entry.organisation_names) > 1]
    return sorted(shared, key=lambda entry: (-entry.row_count, entry.organization_id))


def _import_draft_get(drafts: QuerySet[ImportDraft], user: User, draft_id: UUID) -> ImportDraft:
    now = later_clock_now()
    # A confirmed draft stays readable for another lifetime.
    unexpired_drafts = drafts.filter(created_at__gt=now - 2 * IMPORT_DRAFT_LIFETIME).exclude(
        state=ImportDraftState.OPEN, created_at__lte=now - IMPORT_DRAFT_LIFETIME
    )
    draft = unexpired_drafts.filter(person=user, pk=draft_id).first()
    if draft is None:
        raise NotFound(
            _("There is no such import. What is not confirmed within 24 hours is thrown away.")
        )
    return draft
