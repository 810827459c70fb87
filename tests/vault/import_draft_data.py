"""Import drafts for tests, and results of their rows as a worker records them."""

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.vault.candidate_result import CandidateResult, ReportedStatus
from freddy_admin.vault.models import ImportDraft, ImportRowState
from freddy_admin.vault.services.import_drafts import import_draft_create
from freddy_admin.vault.services.import_rows import import_row_record_result, import_rows_claim

HEADER = "organisation,label,api_key,organization_id,tags"
REPORTED_STATUS = ReportedStatus(
    total_tools=42, enabled_tools=7, last_sync_at=None, organization_id="org_1"
)


def secret(name: str) -> str:
    """A made-up secret, different for each name."""
    return f"ak_live_{name}_0123456789abcdefghijkl"


def csv_bytes(*rows: str) -> bytes:
    """A CSV file of these rows below the header."""
    return "\n".join([HEADER, *rows]).encode()


def import_draft_make(user: User, *rows: str) -> ImportDraft:
    """Create a draft of these rows."""
    return import_draft_create(
        actor=Actor(name="Mara", id=user.pk), user=user, data=csv_bytes(*rows)
    )


def import_rows_record_results(
    states: dict[str, ImportRowState] | None = None, *, kind: str = ""
) -> int:
    """Record a result for each waiting row, by its label, else WORKS; returns how many."""
    rows = import_rows_claim(limit=100, lease_seconds=30)
    for lease, row in rows:
        state = (states or {}).get(row.label, ImportRowState.WORKS)
        reported_status = (
            REPORTED_STATUS if state in {ImportRowState.WORKS, ImportRowState.DIFFERS} else None
        )
        import_row_record_result(
            row_id=row.pk,
            token=lease.token,
            state=state,
            outcome=CandidateResult(kind=kind, reported_status=reported_status),
        )
    return len(rows)
