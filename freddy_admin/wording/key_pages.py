"""What a key's page says beside its state, and keys of one organisation that contradict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.disagreements import Disagreement, DisagreementKind
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.vault.models import CandidateState, KeyCandidate
from freddy_admin.vault.selectors import decision_deadline, is_retried_hourly
from freddy_admin.vault.services.candidates import RETRY_PERIOD
from freddy_admin.wording.failures import (
    check_error_from_candidate,
    failure_sentences,
    failure_wording,
)
from freddy_admin.wording.keys import key_expiry_sentence
from freddy_admin.wording.next_steps import error_identity
from freddy_admin.wording.sentences import (
    EMPTY,
    Interval,
    Moment,
    MomentStyle,
    Phrases,
    Sentence,
    Text,
    say,
    say_counted,
)
from freddy_admin.wording.states import BAD, QUIET, WARN

LISTED_NAMES_LIMIT = 3
CONTRADICTION_TITLE: Final = _("The keys of this organisation contradict each other")
IDENTICAL_FIGURES: Final = _(
    "All keys report identical figures. They most likely describe one shared catalogue of tools, "
    "so the numbers are not added up."
)


_CONTRADICTIONS: Final[Mapping[DisagreementKind, Text]] = {
    DisagreementKind.ORGANIZATION_ID: _("The organisation at Aitronos is {most}, but {last}."),
    DisagreementKind.TOTAL_TOOLS: _("The number of tools is {most}, but {last}."),
    DisagreementKind.INTERVAL: _("A sync runs {most}, but {last}."),
    DisagreementKind.LAST_SYNC: _("The last sync came {most}, but {last}."),
}
_OTHERS_DIFFER: Final[Any] = ngettext_lazy(
    "something else according to {n} more key",
    "something else according to {n} more keys",
    "n",
)


def contradiction(disagreement: Disagreement) -> Sentence:
    """Which keys say what."""
    listed = disagreement.labels_by_value[:LISTED_NAMES_LIMIT]
    versions = [_version(disagreement.kind, value, labels) for value, labels in listed]
    other_count = sum(
        len(labels) for __, labels in disagreement.labels_by_value[LISTED_NAMES_LIMIT:]
    )
    if other_count:
        versions.append(say_counted(_OTHERS_DIFFER, other_count))
    most = Phrases(tuple(versions[:-1]), ", ")
    return say(_CONTRADICTIONS[disagreement.kind], most=most, last=versions[-1])


def contradiction_meaning(disagreements: Sequence[Disagreement]) -> Sentence:
    """What it may mean, and what to do."""
    kinds = {disagreement.kind for disagreement in disagreements}
    if DisagreementKind.ORGANIZATION_ID in kinds:
        return say(
            _(
                "One of these keys may belong to another organisation at Aitronos: compare them "
                "before you rely on what they show."
            )
        )
    return say(
        _(
            "One of these keys may belong to another organisation at Aitronos, or only some of "
            "them share one catalogue of connectors."
        )
    )


def _version(kind: DisagreementKind, value: object, labels: Sequence[str]) -> Sentence:
    keys = _quoted_labels(labels)
    if isinstance(value, datetime):
        return say(_("at {time} according to {keys}"), time=Moment(value), keys=keys)
    if value is None:
        return say(_("never according to {keys}"), keys=keys)
    if kind is DisagreementKind.INTERVAL and isinstance(value, int):
        if not value:
            return say(_("on no schedule according to {keys}"), keys=keys)
        value = Interval(value)
    return say(_("{value} according to {keys}"), value=value, keys=keys)


_MORE_KEYS: Final[Any] = ngettext_lazy("{n} more key", "{n} more keys", "n")


def _quoted_labels(labels: Sequence[str]) -> Sentence:
    """`“a”`, `“a” and “b”`, `“a”, “b” and 3 more keys`."""
    phrases = [say(_("“{label}”"), label=label) for label in labels[:LISTED_NAMES_LIMIT]]
    other_count = len(labels) - len(phrases)
    if other_count:
        phrases.append(say_counted(_MORE_KEYS, other_count))
    if len(phrases) == 1:
        return phrases[0]
    return say(_("{most} and {last}"), most=Phrases(tuple(phrases[:-1]), ", "), last=phrases[-1])


def key_expiry_sentences(row: KeyRow) -> tuple[Sentence, ...]:
    """The expiry in full, with its date and what to do; empty while it is far ahead."""
    days_left = row.days_until_expiry
    if days_left is None or not row.is_expiring_soon:
        return ()
    advice = (
        _("As long as Aitronos accepts it we go on; if the date is wrong, correct it.")
        if days_left < 0
        else _("Replace it before; until then the present one works.")
    )
    date_sentence = say(_("By its date: {day}."), day=row.expires_on)
    return key_expiry_sentence(row), date_sentence, say(advice)


def affected_scope(row: KeyRow) -> tuple[Sentence, ...]:
    """What a failed check affects, and of when the status shown is."""
    if row.is_refused_alike:
        scope = say(_("All keys that are refused like this one: their status is not known."))
    elif row.state is HealthState.KEY_UNREADABLE or row.refusals >= 2 or row.needs_action:
        text = (
            _("This key alone: its status is not known until this is solved.")
            if row.others_work
            else _("This key: its status is not known until this is solved.")
        )
        scope = say(text)
    else:
        scope = say(_("What is shown here; the syncs at Aitronos go on without us."))
    if row.observed_at is None:
        return (scope,)
    return scope, say(_("Shown is the status of {at}."), at=Moment(row.observed_at))


def wrong_organisation_warning(row: KeyRow) -> Sentence:
    """That the key belongs to another organisation than the one entered; mostly empty."""
    entered_id, reported_id = row.organization_id, row.reported_organization_id
    if not entered_id or not reported_id or entered_id == reported_id:
        return EMPTY
    return say(
        _(
            "Aitronos answers for another organisation ({reported}) than the one entered here "
            "({entered}). The key may belong to somebody else: compare before you rely on it."
        ),
        reported=reported_id,
        entered=entered_id,
    )


def last_and_next_check(row: KeyRow, now: datetime) -> Sentence:
    """When we looked, and when we look again."""
    never: Text
    if row.paused_at is not None:
        never, looked = _("We have not looked yet"), _("We looked {ago}")
    elif row.is_check_pending:
        never = _("We have not looked yet · checking now")
        looked = _("We looked {ago} · checking now")
    elif row.hold_until is not None and row.hold_until > now:
        never = _("We have not looked yet · Aitronos asked us to wait, next try {at}")
        looked = _("We looked {ago} · Aitronos asked us to wait, next try {at}")
    else:
        never = _("We have not looked yet · next look {until}")
        looked = _("We looked {ago} · next look {until}")
    parts = {
        "at": Moment(max(row.hold_until or row.next_check_at, row.next_check_at)),
        "until": Moment(row.next_check_at, MomentStyle.UNTIL),
    }
    if row.checked_at is None:
        return say(never, **parts)
    return say(looked, ago=Moment(row.checked_at, MomentStyle.AGO), **parts)


_REQUEST_RETENTION = timedelta(minutes=10)
_REQUEST_SLOW_AFTER = timedelta(seconds=45)


def check_request_sentence(row: KeyRow, requested_at: datetime, now: datetime) -> Sentence:
    """What became of the check that was asked for at `requested_at`; empty once it is old."""
    if now - requested_at > _REQUEST_RETENTION:
        return EMPTY
    if row.checked_at is not None and row.checked_at >= requested_at:
        words = _("Checked at {at}, after you asked: {state}.")
        return say(words, at=Moment(row.checked_at), state=row.state.label)
    if row.state is HealthState.PAUSED:
        return EMPTY
    if is_check_request_slow(row, requested_at, now):
        return say(_("The check has not ended yet. The worker may be busy or stopped."))
    return say(_("Checking, as you asked {ago}…"), ago=Moment(requested_at, MomentStyle.AGO))


def is_check_request_slow(row: KeyRow, requested_at: datetime, now: datetime) -> bool:
    """Whether the check that was asked for should have ended by now, and has not."""
    is_finished = row.checked_at is not None and row.checked_at >= requested_at
    return not is_finished and now - requested_at > _REQUEST_SLOW_AFTER


def check_not_repeated(held_until: datetime | None) -> Sentence:
    """Why a check that was asked for is not made now."""
    if held_until is None:
        return say(_("This key was checked a moment ago: that result is shown here."))
    text = _("Aitronos asked us to wait, so the check comes at {at}, without you pressing again.")
    return say(text, at=Moment(held_until))


def fetch_not_repeated(held_until: datetime | None) -> Sentence:
    """Why a list that was asked for is not fetched now."""
    if held_until is None:
        return say(_("This list was fetched a moment ago: that result is shown here."))
    text = _("Aitronos asked us to wait until {at}. The list can be fetched after that.")
    return say(text, at=Moment(held_until))


@dataclass(frozen=True, slots=True)
class CandidateWording:
    """What came of the test, what to do, and what keeping a refused one means."""

    tone: str
    icon: str
    title: Text
    words: tuple[Sentence, ...]
    advice: Text = ""
    keep_advice: Text = ""


_KEEP_FIRST = _(
    "If this key is right and only something at Aitronos has to change, such as a right that is "
    "granted there, keep it: we try it again every hour until it works."
)
_KEEP_BESIDE = _(
    "If this key is right and only something at Aitronos has to change, such as a right that is "
    "granted there, keep it: we try it again every hour, and it takes over once it works. Until "
    "then the present key stays in use."
)


def candidate_wording(
    candidate: KeyCandidate, *, created_by: str, is_draft: bool
) -> CandidateWording:
    """The state of a new key; `created_by` is its giver's name as the reader may see it.

    `is_draft` where no key is in use yet.
    """
    if candidate.state == CandidateState.PENDING:
        text = _("Given {ago} by {who}. We ask Aitronos for the sync status with it, once.")
        created = Moment(candidate.created_at, MomentStyle.AGO)
        words = say(text, ago=created, who=created_by)
        return CandidateWording(QUIET, "loader-2", _("Testing the new key…"), (words,))
    tested = Moment(candidate.tested_at or candidate.created_at, MomentStyle.AGO)
    if candidate.state == CandidateState.DIFFERS:
        return CandidateWording(
            WARN,
            "alert-triangle",
            _("The new key reports something else"),
            (
                say(
                    _(
                        "Aitronos answered with it {ago}, but not as expected: it may be the key "
                        "of another organisation."
                    ),
                    ago=tested,
                ),
            ),
            _("Compare. If this is right, use it; if another key was pasted, throw it away."),
        )
    error = check_error_from_candidate(candidate)
    if candidate.state == CandidateState.REFUSED:
        is_kept = is_retried_hourly(candidate)
        return CandidateWording(
            BAD,
            "key-off",
            _("The new key was refused"),
            (
                *failure_sentences(error),
                error_identity(error),
                say(_("It was tested {ago}."), ago=tested),
            ),
            failure_wording(error).advice,
            "" if is_kept else _KEEP_FIRST if is_draft else _KEEP_BESIDE,
        )
    return CandidateWording(
        WARN,
        "help-hexagon",
        _("The new key could not be tested"),
        (
            *failure_sentences(error),
            error_identity(error),
            say(_("It was tried {ago}."), ago=tested),
        ),
        _("This says nothing about the key: keep it anyway, test it again, or throw it away."),
    )


def candidate_deadline(candidate: KeyCandidate) -> Sentence:
    """Until when somebody has to decide, or when it is tried next; empty while it is tested."""
    if is_retried_hourly(candidate) and candidate.tested_at is not None:
        retried_at = Moment(candidate.tested_at + RETRY_PERIOD)
        return say(_("It is kept and tried every hour, next at {at}."), at=retried_at)
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
