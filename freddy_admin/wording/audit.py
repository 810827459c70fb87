"""The audit log in words: what people did, what is known of it, and whether the log is intact."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.audit.chain_verification import (
    ChainProblem,
    ChainProblemKind,
    VerificationProgress,
)
from freddy_admin.audit.models import AuditEvent, AuditVerification
from freddy_admin.audit.repeats import DETAIL_DIFFERING, DETAIL_MORE_TIMES, DETAIL_UNTIL
from freddy_admin.core import clock
from freddy_admin.wording.audit_actions import AUDIT_ACTIONS
from freddy_admin.wording.event_details import WRITTEN_AHEAD
from freddy_admin.wording.sentences import (
    Moment,
    MomentStyle,
    Phrases,
    Sentence,
    Text,
    say,
    say_counted,
)
from freddy_admin.wording.states import BAD, GOOD, QUIET


def audit_action(event: AuditEvent) -> Text:
    """What happened, as a phrase that follows a name; the tag where it is of another version."""
    return AUDIT_ACTIONS.get(event.tag, event.tag)


def audit_details(event: AuditEvent, *, is_for_file: bool = False) -> list[Sentence]:
    """Old and new values, and what else is known, a short line each.

    In a file times stand as they were written down, in UTC.
    """
    lines = []
    if isinstance(event.details, dict):
        lines = _details(event.details, event.tag, is_for_file=is_for_file)
    return [*lines, WRITTEN_AHEAD] if clock.is_over_an_hour_in_future(event.at) else lines


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


def _details(details: dict[str, Any], tag: str, *, is_for_file: bool) -> list[Sentence]:
    lines = [_repeats(details, is_for_file=is_for_file)] if DETAIL_MORE_TIMES in details else []
    changes = details.get("changes")
    if isinstance(changes, dict):
        lines += [
            _named(name, _old_to_new(*pair))
            if isinstance(pair, list) and len(pair) == 2
            else _detail(name, pair)
            for name, pair in changes.items()
        ]
    if "new" in details:
        old, new = details.get("old"), details["new"]
        value = _value(new) if old is None else _old_to_new(old, new)
        lines.append(_named("role", value) if tag.startswith("member_") else value)
    if "enable" in details:
        is_on = bool(details["enable"])
        lines.append(say(_("to be switched on") if is_on else _("to be switched off")))
    lines += [
        _detail(name, value)
        for name, value in details.items()
        if name not in _HIDDEN_DETAIL_NAMES and value not in (None, "", [], {}, False)
    ]
    return lines


def _repeats(details: dict[str, Any], *, is_for_file: bool) -> Sentence:
    """`37 more times until 10:12`."""
    until = str(details.get(DETAIL_UNTIL, ""))
    return say_counted(
        _REPEATS_THAT_DIFFER if details.get(DETAIL_DIFFERING) else _REPEATS,
        int(details[DETAIL_MORE_TIMES]),
        time=until if is_for_file else Moment(datetime.fromisoformat(until)),
    )


_REPEATS = ngettext_lazy("once more until {time}", "{n} more times until {time}", "n")
_REPEATS_THAT_DIFFER = ngettext_lazy(
    "once more until {time}, in another way",
    "{n} more times until {time}, in different ways",
    "n",
)


def _old_to_new(old: Any, new: Any) -> Sentence:
    return say("{old} → {new}", old=_value(old), new=_value(new))


def _detail(name: str, value: Any) -> Sentence:
    return say(_label(name)) if value is True else _named(name, _value(value))


def _named(name: str, value: Sentence) -> Sentence:
    return say(_("{name}: {value}"), name=_label(name), value=value)


def _label(name: str) -> Text:
    return _DETAIL_LABELS.get(name, name.replace("_", " "))


def _value(value: Any) -> Sentence:
    if value in (None, "", []):
        return say(_("nothing"))
    if isinstance(value, bool):
        return say(_("yes") if value else _("no"))
    if isinstance(value, list):
        return say("{all}", all=Phrases(tuple(_value(item) for item in value), ", "))
    if isinstance(value, dict):
        pairs = (
            say("{name} {value}", name=_label(str(name)), value=_value(item))
            for name, item in value.items()
        )
        return say("{all}", all=Phrases(tuple(pairs), ", "))
    return say("{value}", value=_VALUE_LABELS.get(str(value), str(value)))


# Numbers that name a row of the database tell a reader nothing.
_HIDDEN_DETAIL_NAMES = {"key_id", "changes", "old", "new", "enable", "draft_id", "token_id"} | {
    *(DETAIL_MORE_TIMES, DETAIL_UNTIL, DETAIL_DIFFERING)
}

_DETAIL_LABELS: Final[Mapping[str, Text]] = {
    "added": _("added"),
    "already_here": _("already here"),
    "candidates": _("new keys sealed anew"),
    "days": _("days until it ends"),
    "drop": _("left out"),
    "expires_on": _("expires on"),
    "filters": _("filters"),
    "from": _("first day"),
    "full": _("everything anew"),
    "grace_minutes": _("grace in minutes"),
    "http": _("HTTP status"),
    "http_status": _("HTTP status"),
    "import_rows": _("rows of imports sealed anew"),
    "invited_by": _("invited by"),
    "keep": _("to be saved"),
    "keys": _("keys sealed anew"),
    "kind": _("kind"),
    "label": _("label"),
    "method": _("method"),
    "name": _("name"),
    "number": _("how many"),
    "organisation": _("organisation"),
    "organisations": _("organisations"),
    "organization_id": _("id at Aitronos"),
    "outcome": _("outcome"),
    "owner": _("owner"),
    "place_ended": _("it came from"),
    "platform_admin": _("as a platform admin"),
    "q": _("search"),
    "reason": _("reason"),
    "request": _("request"),
    "role": _("role"),
    "rows": _("rows"),
    "scope": _("scope"),
    "step": _("step"),
    "tag": _("what"),
    "tags": _("tags"),
    "to": _("last day"),
    "to_test": _("to be tried out"),
    "tool": _("connector"),
    "unreadable": _("could not be opened"),
    "version": _("version"),
    "versions": _("versions"),
    "was_member": _("was a member already"),
    "way": _("sign-in method"),
    "who": _("who"),
}

_VALUE_LABELS: Final[Mapping[str, Text]] = {
    "act": _("act"),
    "auth_configs": _("auth configs"),
    "connectors": _("connectors"),
    "differs": _("reports something else than expected"),
    "done": _("done"),
    "failed": _("failed"),
    "kept": _("kept"),
    "manager": _("manager"),
    "nobody decided": _("nobody decided about it in time"),
    "operator": _("operator"),
    "panel token": _("panel token"),
    "password": _("password"),
    "read": _("read"),
    "recovery_codes": _("recovery codes"),
    "refused": _("refused"),
    "second factor": _("second factor"),
    "single sign-on": _("single sign-on"),
    "taken": _("there is one of this name already"),
    "too often": _("tried too often"),
    "totp": _("authenticator app"),
    "unknown": _("unknown"),
    "untested": _("could not be tested"),
    "viewer": _("viewer"),
    "webauthn": _("passkey"),
}
