"""What became of something that we asked of Aitronos: a sync, or switching a connector."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.models import OperationState, RemoteOperation
from freddy_admin.sync.status.rows import CheckError, KeyRow
from freddy_admin.wording.failures import failure_wording, quoted_message
from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    MomentStyle,
    Phrases,
    Sentence,
    Text,
    say,
    say_counted,
)
from freddy_admin.wording.states import BAD, GOOD, QUIET, WARN


@dataclass(frozen=True, slots=True)
class OperationWording:
    """A requested sync: its state in a few words, sentences, and its figures or failure."""

    label: Text
    tone: str
    icon: str
    words: tuple[Sentence, ...]
    figures: tuple[Sentence, ...] = ()


OPERATION_STYLES: Final[Mapping[OperationState, tuple[str, str]]] = {
    OperationState.QUEUED: (QUIET, "hourglass"),
    OperationState.SENDING: (QUIET, "refresh"),
    OperationState.DONE: (GOOD, "circle-check"),
    OperationState.REFUSED: (BAD, "circle-x"),
    OperationState.UNCLEAR: (WARN, "alert-triangle"),
}


def requested_sync_wording(
    operation: RemoteOperation, *, requested_by: str, late: bool
) -> OperationWording:
    """The state of a requested sync; `late` says that it should have been seen by now.

    `requested_by` is the name of who asked for it, as the reader may see it.
    """
    requested = say(
        _("Requested {at} by {who}."), at=Moment(operation.requested_at), who=requested_by
    )
    state = OperationState(operation.state)
    if state == OperationState.UNCLEAR and operation.confirmed_sync_at is not None:
        state = OperationState.DONE
    return _REQUESTED_SYNCS[state](operation, requested, late)


def running_sync_sentence(row: KeyRow) -> Sentence:
    """That somebody's sync runs with this key; empty where none does."""
    if not row.is_sync_running or row.operation_requested_at is None:
        return EMPTY
    return say(
        _("A sync that {who} asked for at {at} runs already."),
        who=row.operation_requested_by,
        at=Moment(row.operation_requested_at),
    )


def running_sync_note(row: KeyRow) -> Sentence:
    """That somebody's sync runs with this key, in a few words; empty where none does."""
    if not row.is_sync_running:
        return EMPTY
    return say(_("requested by {who}, runs already"), who=row.operation_requested_by)


_ENDED_SYNCS: Final = ngettext_lazy(
    "{ended} of {total} sync has ended", "{ended} of {total} syncs have ended", "n"
)
_SYNCED_TOOLS: Final = ngettext_lazy("{n} tool: {changes}.", "{n} tools: {changes}.", "n")


def sync_batch_progress(states: Sequence[OperationState], unfinished: int) -> Sentence:
    """How many of the syncs that were started together have ended, and how many not well."""
    total = len(states)
    phrases = [say_counted(_ENDED_SYNCS, total, ended=total - unfinished, total=total)]
    if refused := states.count(OperationState.REFUSED):
        phrases.append(say(_("{n} not started"), n=refused))
    if unclear := states.count(OperationState.UNCLEAR):
        phrases.append(say(_("{n} not known"), n=unclear))
    return say("{progress}", progress=Phrases(tuple(phrases), " · "))


def sync_figures(result: Mapping[str, Any]) -> Sentence:
    """`42 tools: 1 new, 3 changed, 38 as they were.`; empty where no figures came."""
    synced, unchanged = result.get("synced"), result.get("unchanged")
    if not isinstance(synced, int):
        return EMPTY
    changes = [
        say(_("{n} new"), n=result.get("created") or 0),
        say(_("{n} changed"), n=result.get("updated") or 0),
    ]
    if isinstance(unchanged, int):
        changes.append(say(_("{n} as they were"), n=unchanged))
    return say_counted(_SYNCED_TOOLS, synced, changes=Phrases(tuple(changes), ", "))


def sync_problem(operation: RemoteOperation) -> Sentence:
    """Why the sync failed, or why its result is not known; empty without an error."""
    if not operation.error_kind:
        return EMPTY
    if operation.error_kind in _OWN_SYNC_PROBLEMS:
        return say(_OWN_SYNC_PROBLEMS[operation.error_kind])
    # The sentences on failures are those of a status check: these two would mislead here.
    if operation.error_kind == FailureKind.SERVER_ERROR:
        status = str(operation.error_http_status or 500)
        return say(_("Aitronos had an error of its own ({status})."), status=status)
    is_refused = operation.state == OperationState.REFUSED
    if is_refused and operation.error_kind == FailureKind.UNEXPECTED_STATUS:
        return say(_("Aitronos refused ({status})."), status=str(operation.error_http_status))
    return failure_wording(_operation_error(operation, operation.error_message)).words


def _operation_error(operation: RemoteOperation, message: str) -> CheckError:
    return CheckError(
        kind=operation.error_kind,
        code=operation.error_code,
        http_status=operation.error_http_status,
        message=message,
        field="",
        detail="",
        trace_id=operation.trace_id,
        request_id=operation.request_id,
    )


_HELD_UP = _("The worker was held up for too long, so it was not sent. Ask again.")
_OWN_SYNC_PROBLEMS: Final[Mapping[str, Text]] = {
    "not_taken": _("No worker took it for half an hour, so it was given up."),
    "worker_lost": _("The worker ended while it waited for the answer."),
    "withheld": _HELD_UP,
    "key_changed": _("The key was paused or revoked before it could be used."),
}


def _queued(operation: RemoteOperation, requested: Sentence, late: bool) -> OperationWording:
    words = (requested, say(_("The worker sends it next.")))
    return OperationWording(_("Waiting for the worker"), QUIET, "hourglass", words)


def _sending(operation: RemoteOperation, requested: Sentence, late: bool) -> OperationWording:
    runs = _("It runs at Aitronos, which may take minutes. Until it ends nobody can start another.")
    return OperationWording(_("Running"), QUIET, "refresh", (requested, say(runs)))


def _done(operation: RemoteOperation, requested: Sentence, late: bool) -> OperationWording:
    figures, problem = sync_figures(operation.result), sync_problem(operation)
    if operation.confirmed_sync_at is not None:
        synced = say(_("Synced {at}."), at=Moment(operation.confirmed_sync_at))
        unknown = (say(_("What it brought is not known.")), problem) if problem else ()
        return OperationWording(
            _("Synced"),
            GOOD,
            "circle-check",
            (requested, synced),
            (figures,) if figures else unknown,
        )
    if late:
        label, tone = _("Not finished yet"), WARN
        waiting = _(
            "Aitronos answered, but its status still names the former sync as the last one."
        )
    else:
        label, tone = _("Answered, not seen yet"), QUIET
        waiting = _("Aitronos answered. We look every minute until its status names the new sync.")
    return OperationWording(label, tone, "clock", (requested, say(waiting)), (figures or problem,))


def _refused(operation: RemoteOperation, requested: Sentence, late: bool) -> OperationWording:
    return OperationWording(
        _("Not started"),
        BAD,
        "circle-x",
        (requested, say(_("Nothing was started.")), sync_problem(operation)),
        (quoted_message(operation.error_message),),
    )


def _unclear(operation: RemoteOperation, requested: Sentence, late: bool) -> OperationWording:
    advice = (
        _("Not finished yet: its status still names the former sync. You may start it again.")
        if late
        else _("It is not sent again; we look every minute whether its status names a new sync.")
    )
    unknown = say(_("We do not know whether it was started."))
    return OperationWording(
        _("Not known whether it was started"),
        WARN,
        "help-hexagon",
        (requested, unknown, sync_problem(operation), say(advice)),
    )


_REQUESTED_SYNCS: Final[
    Mapping[OperationState, Callable[[RemoteOperation, Sentence, bool], OperationWording]]
] = {
    OperationState.QUEUED: _queued,
    OperationState.SENDING: _sending,
    OperationState.DONE: _done,
    OperationState.REFUSED: _refused,
    OperationState.UNCLEAR: _unclear,
}


def toggle_sentence(operation: RemoteOperation, *, requested_by: str) -> Sentence:
    """`Switching Gmail off, asked by Ana 5 s ago`, and its result once the operation has ended.

    `requested_by` is the name of who asked for it, as the reader may see it.
    """
    return say(
        _TOGGLES[OperationState(operation.state), operation.enable],
        name=operation.tool_name or operation.tool_key,
        who=requested_by,
        ago=Moment(operation.requested_at, MomentStyle.AGO),
    )


def toggle_announcement(operation: RemoteOperation) -> Sentence:
    """`Gmail: done`, for a screen reader."""
    name, state = operation.tool_name or operation.tool_key, OperationState(operation.state)
    return say(_("{name}: {state}"), name=name, state=state.label)


def toggle_notes(operation: RemoteOperation) -> tuple[Sentence, ...]:
    """What else is known of a switched connector: what it waits for, or why it failed."""
    if operation.state == OperationState.QUEUED:
        return (say(_("It waits for the worker.")),)
    if operation.state == OperationState.SENDING:
        return (say(_("It was sent; there is no answer yet.")),)
    if operation.state == OperationState.DONE:
        message = operation.result.get("message") if isinstance(operation.result, dict) else ""
        return (quoted_message(message or ""),)
    notes = (_toggle_problem(operation), quoted_message(operation.error_message))
    if operation.state != OperationState.UNCLEAR:
        return notes
    return (*notes, say(_("It was not sent again. Check the list: it shows what is on by now.")))


def _toggle_problem(operation: RemoteOperation) -> Sentence:
    if operation.error_http_status == 404:
        unknown = _("Aitronos knows no connector with the key {key}.")
        return say(unknown, key=operation.tool_key)
    if operation.error_kind in _OWN_TOGGLE_PROBLEMS:
        return say(_OWN_TOGGLE_PROBLEMS[operation.error_kind])
    return failure_wording(_operation_error(operation, "")).words


_OWN_TOGGLE_PROBLEMS: Final[Mapping[str, Text]] = {
    "worker_lost": _("The worker stopped before an answer came."),
    "withheld": _HELD_UP,
    "key_changed": _("The API key was changed or paused before this was sent."),
}
_SWITCHING_ON = _("Switching {name} on, asked by {who} {ago}")
_SWITCHING_OFF = _("Switching {name} off, asked by {who} {ago}")
_TOGGLES: Final[Mapping[tuple[OperationState, bool], Text]] = {
    (OperationState.QUEUED, True): _SWITCHING_ON,
    (OperationState.QUEUED, False): _SWITCHING_OFF,
    (OperationState.SENDING, True): _SWITCHING_ON,
    (OperationState.SENDING, False): _SWITCHING_OFF,
    (OperationState.DONE, True): _("{name} was switched on, asked by {who} {ago}"),
    (OperationState.DONE, False): _("{name} was switched off, asked by {who} {ago}"),
    (OperationState.REFUSED, True): _("{name} was not switched on, asked by {who} {ago}"),
    (OperationState.REFUSED, False): _("{name} was not switched off, asked by {who} {ago}"),
    (OperationState.UNCLEAR, True): _(
        "Nobody knows whether {name} was switched on, asked by {who} {ago}"
    ),
    (OperationState.UNCLEAR, False): _(
        "Nobody knows whether {name} was switched off, asked by {who} {ago}"
    ),
}
