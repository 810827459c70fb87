"""Everything that changes a key. Each service records one audit event in its transaction."""

from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.resealed import ResealReport, UnreadableRow
from freddy_admin.vault.services.candidates import (
    candidate_could_not_test,
    candidate_differ,
    candidate_discard,
    candidate_promote,
    candidate_refuse,
    candidate_retry,
    candidates_claim,
    candidates_release,
)
from freddy_admin.vault.services.imports import (
    ImportOutcome,
    ImportResult,
    ImportRow,
    api_keys_import,
)
from freddy_admin.vault.services.keys import (
    api_key_draft,
    api_key_pause,
    api_key_replace,
    api_key_resume,
    api_key_revoke,
    api_key_update,
)
from freddy_admin.vault.services.reseal import api_keys_reseal
from freddy_admin.vault.trying import TestOutcome

__all__ = [
    "ImportOutcome",
    "ImportResult",
    "ImportRow",
    "KeyDetails",
    "ResealReport",
    "TestOutcome",
    "UnreadableRow",
    "api_key_draft",
    "api_key_pause",
    "api_key_replace",
    "api_key_resume",
    "api_key_revoke",
    "api_key_update",
    "api_keys_import",
    "api_keys_reseal",
    "candidate_could_not_test",
    "candidate_differ",
    "candidate_discard",
    "candidate_promote",
    "candidate_refuse",
    "candidate_retry",
    "candidates_claim",
    "candidates_release",
]
