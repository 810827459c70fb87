"""The test of a new key: under way, refused and why, or not possible and what to do now."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from freddy_admin.sync.status.types import CheckError
from freddy_admin.vault.candidate_result import decision_deadline
from freddy_admin.vault.models import CandidateSecret, CandidateState, KeyCandidate
from freddy_admin.wording.failures import failure_wording
from freddy_admin.wording.sentences import EMPTY, Moment, MomentStyle, Sentence, Text, say
from freddy_admin.wording.states import BAD, QUIET, WARN


@dataclass(frozen=True, slots=True)
class CandidateWording:
    """What came of the test, and what to do."""

    tone: str
    icon: str
    title: Text
    words: Sentence
    advice: Text = ""


def candidate_wording(candidate: KeyCandidate, *, created_by: str) -> CandidateWording:
    """The state of a new key; `created_by` is its giver's name as the reader may see it."""
    if candidate.state == CandidateState.PENDING:
        text = _("Given {ago} by {who}. We ask Aitronos for the sync status with it, once.")
        created = Moment(candidate.created_at, MomentStyle.AGO)
        words = say(text, ago=created, who=created_by)
        return CandidateWording(QUIET, "loader-2", _("Testing the new key…"), words)
    tested = Moment(candidate.tested_at or candidate.created_at, MomentStyle.AGO)
    if candidate.state == CandidateState.DIFFERS:
        return CandidateWording(
            WARN,
            "alert-triangle",
            _("The new key reports something else"),
            say(
                _(
                    "Aitronos answered with it {ago}, but not as expected: it may be the key of "
                    "another organisation."
                ),
                ago=tested,
            ),
            _("Compare. If this is right, use it; if another key was pasted, throw it away."),
        )
    failure = failure_wording(check_error_from_candidate(candidate))
    if candidate.state == CandidateState.REFUSED:
        return CandidateWording(
            BAD,
            "key-off",
            _("The new key was refused"),
            say(_("{reason} It was tested {ago}."), reason=failure.words, ago=tested),
            failure.advice,
        )
    return CandidateWording(
        WARN,
        "help-hexagon",
        _("The new key could not be tested"),
        say(_("{reason} It was tried {ago}."), reason=failure.words, ago=tested),
        _("This says nothing about the key: keep it anyway, test it again, or throw it away."),
    )


def candidate_deadline(candidate: KeyCandidate) -> Sentence:
    """Until when somebody has to decide; empty where nobody has to."""
    ends_at = decision_deadline(candidate)
    if ends_at is None:
        return EMPTY
    return say(_("If nobody decides by {at}, it is thrown away."), at=Moment(ends_at))


def present_key_note(candidate: KeyCandidate, *, is_draft: bool) -> Text:
    """Which key is in use meanwhile; a draft has none yet."""
    if candidate.state == CandidateState.REFUSED:
        return _("Nothing is in use yet.") if is_draft else _("The present key stays in use.")
    if candidate.state == CandidateState.DIFFERS:
        return (
            _("Nothing is in use until you decide.")
            if is_draft
            else _("The present key stays in use until you decide.")
        )
    if is_draft:
        return _("The key is in use only once it works or you keep it.")
    return _("The present key stays in use until the new one works or you keep it.")


def check_error_from_candidate(candidate: CandidateSecret) -> CheckError:
    """What the test of a new secret ended with, as the error of a check."""
    return CheckError(
        kind=candidate.result_kind,
        code=candidate.result_code,
        http_status=candidate.result_http_status,
        message=candidate.result_message,
        field="",
        detail="",
        trace_id="",
        request_id="",
    )
