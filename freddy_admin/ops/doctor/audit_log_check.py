"""The `doctor` check of the audit log: every event is verified, a thousand at a time."""

from freddy_admin.audit.append_only_triggers import append_only_triggers_missing
from freddy_admin.audit.chain import unlinked_events
from freddy_admin.audit.chain_verification import chain_verify, secret_key_change_times
from freddy_admin.wording.audit import (
    intact_chain_sentences,
    missing_triggers_sentence,
    tampering_sentences,
)
from freddy_admin.wording.sentences import render_text


def audit_log_check() -> tuple[bool, str]:
    """Whether the audit log is in order, and a sentence."""
    progress, problem = chain_verify()
    if problem is not None:
        return False, render_text(tampering_sentences(problem))
    missing_triggers = append_only_triggers_missing()
    if missing_triggers:
        return False, render_text(missing_triggers_sentence(missing_triggers))
    sentences = intact_chain_sentences(
        progress,
        secret_key_changes=secret_key_change_times()[-3:],
        unlinked_count=unlinked_events().count(),
    )
    return True, render_text(sentences)
