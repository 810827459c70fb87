"""Everything that changes a key. Each service records one audit event in its transaction."""

from freddy_admin.vault.candidate_result import CandidateResult
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.rotation_report import ResealReport, UnreadableRow
from freddy_admin.vault.services.bulk_import import (
    ImportOutcome,
    ImportResult,
    ImportRow,
    api_keys_import,
)
from freddy_admin.vault.services.candidates import (
    candidate_discard,
    candidate_promote,
    candidate_record_differing,
    candidate_record_refused,
    candidate_record_untested,
    candidate_retry,
    candidates_claim,
    candidates_release,
)
from freddy_admin.vault.services.keys import (
    api_key_create,
    api_key_pause,
    api_key_replace,
    api_key_resume,
    api_key_revoke,
    api_key_update,
)
from freddy_admin.vault.services.reseal import api_keys_reseal

__all__ = [
    "CandidateResult",
    "ImportOutcome",
    "ImportResult",
    "ImportRow",
    "KeyDetails",
    "ResealReport",
    "UnreadableRow",
    "api_key_create",
    "api_key_pause",
    "api_key_replace",
    "api_key_resume",
    "api_key_revoke",
    "api_key_update",
    "api_keys_import",
    "api_keys_reseal",
    "candidate_discard",
    "candidate_promote",
    "candidate_record_differing",
    "candidate_record_refused",
    "candidate_record_untested",
    "candidate_retry",
    "candidates_claim",
    "candidates_release",
]
