"""Pasted rows, and a worker that tells of each what a test wants."""

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.vault.models import ImportDraft, Verdict
from freddy_admin.vault.services.import_drafts import import_draft_open
from freddy_admin.vault.services.import_tests import import_row_settle, import_rows_claim
from freddy_admin.vault.trying import Found, TestOutcome

HEADER = "organisation,label,api_key,organization_id,tags"
FOUND = Found(total_tools=42, enabled_tools=7, last_sync_at=None, organization_id="org_1")


def secret(name: str) -> str:
    """A made-up secret that is told apart by its name."""
    return f"ak_live_{name}_0123456789abcdefghijkl"


def pasted(*rows: str) -> bytes:
    """The text with its header."""
    return "\n".join([HEADER, *rows]).encode()


def laid_out(user: User, *rows: str) -> ImportDraft:
    """A draft of these rows."""
    return import_draft_open(actor=Actor(name="Mara", id=user.pk), user=user, data=pasted(*rows))


def verdicts_come(verdicts: dict[str, Verdict] | None = None, *, kind: str = "") -> int:
    """Settle what waits: by its label, else as working; how many it were."""
    rows = import_rows_claim(limit=100, lease_seconds=30)
    for row in rows:
        verdict = (verdicts or {}).get(row.label, Verdict.WORKS)
        found = FOUND if verdict in {Verdict.WORKS, Verdict.DIFFERS} else None
        import_row_settle(
            row_id=row.pk,
            token=row.lease_token,
            verdict=verdict,
            outcome=TestOutcome(kind=kind, found=found),
        )
    return len(rows)
