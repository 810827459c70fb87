"""In words whether the audit log is intact: on the system page, and for `doctor`."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.audit.chain_verification import (
    ChainProblem,
    ChainProblemKind,
    VerificationProgress,
)
from freddy_admin.audit.models import AuditVerification
from freddy_admin.wording.sentences import Moment, MomentStyle, Sentence, Text, say, say_counted
from freddy_admin.wording.states import BAD, GOOD, QUIET


def audit_verification_status(
    verification: AuditVerification | None,
) -> tuple[str, Text, tuple[Sentence, ...]]:
    """The log's condition as the worker last found it: tone, a word, and sentences."""
    if verification is None or verification.verified_at is None:
        sentence = say(_("The worker verifies the log once a day, a little at a time."))
        return QUIET, _("not verified yet"), (sentence,)
    verified_at = Moment(verification.verified_at, MomentStyle.AGO)
    verified, problem = say(_("Last verified {ago}."), ago=verified_at), verification.problem
    if not problem:
        return GOOD, _("in order"), (verified, say_counted(_NONE_CHANGED, verification.events))
    at = str(problem.get("at") or "")
    what = _chain_problem(
        str(problem.get("wrong")),
        number=problem.get("number"),
        at=at and Moment(datetime.fromisoformat(at), MomentStyle.EXACT),
    )
    advice = say(_("Keep a copy of the database and run `manage.py doctor`."))
    return BAD, _("tampered with"), (what, advice, verified)


def tampering_sentences(problem: ChainProblem) -> tuple[Sentence, ...]:
    """What was changed by hand, and what to do, for the command line."""
    return (
        _chain_problem(problem.kind, number=problem.number, at=_format_utc(problem.at)),
        say(_("Keep a copy of the database, and compare it with a backup.")),
    )


def missing_triggers_sentence(names: Iterable[str]) -> Sentence:
    """That the database lets events be changed, for the command line."""
    return say(
        _("the database no longer refuses changes ({names}): run `manage.py migrate`."),
        names=", ".join(names),
    )


def intact_chain_sentences(
    progress: VerificationProgress, *, secret_key_changes: Iterable[datetime], unlinked_count: int
) -> list[Sentence]:
    """That nothing was changed, and what could not be proven, for the command line."""
    sentences = [say_counted(_IN_ORDER, progress.place, last=progress.last[:16])]
    sentences += [
        say(_("SECRET_KEY was changed on {at}."), at=_format_utc(at.isoformat()))
        for at in secret_key_changes
    ]
    if progress.former:
        first, last = str(progress.former[0][0]), str(progress.former[-1][1])
        text = _("Events {first} to {last} are as they were then.")
        sentences.append(say(text, first=first, last=last))
    if progress.unproven_since:
        text = _(
            "SECRET_KEY is another one since event {n}: only with the former one in "
            "SECRET_KEY_FALLBACKS can be proven that nothing was changed."
        )
        sentences.append(say(text, n=str(progress.unproven_since)))
    if unlinked_count:
        sentences.append(say_counted(_UNLINKED, unlinked_count))
    return sentences


_NONE_CHANGED = ngettext_lazy(
    "{n} event, none was changed or removed.", "{n} events, none was changed or removed.", "n"
)
_IN_ORDER = ngettext_lazy(
    "in order: {n} event, the last one {last}.", "in order: {n} events, the last one {last}.", "n"
)
_UNLINKED = ngettext_lazy(
    "{n} waits for the worker to link it.", "{n} wait for the worker to link them.", "n"
)


def _chain_problem(kind: str, *, number: int | None, at: object) -> Sentence:
    text = _CHAIN_PROBLEMS.get(kind, _("Something in it is wrong."))
    return say(text, n=str(number or "?"), at=at or _("the beginning"))


_CHAIN_PROBLEMS: Final[Mapping[str, Text]] = {
    ChainProblemKind.REMOVED: _("An event (number {n}) was removed by hand, written after {at}."),
    ChainProblemKind.CHANGED: _("Event {n} of {at} was changed or moved by hand."),
    ChainProblemKind.ADDED: _("Event {n} ({at}) was not written by this panel."),
    ChainProblemKind.NEWEST_REMOVED: _("The newest events, after {at}, were removed by hand."),
    ChainProblemKind.END_CHANGED: _(
        "The note of where the log ends was changed by hand, or events up to {at} were."
    ),
    ChainProblemKind.END_MISSING: _("The note of where the log ends was removed by hand."),
    ChainProblemKind.RESTARTED: _(
        "The note of where the log ends was removed by hand: begun anew with place {n} on {at}."
    ),
}


def _format_utc(at: str) -> str:
    if not at:
        return ""
    return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
