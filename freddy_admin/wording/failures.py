"""Why a call brought nothing, in plain words: what happened, who can fix it, what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.checks.results import LocalFailureKind
from freddy_admin.sync.status.rows import CheckError
from freddy_admin.vault.models import CandidateSecret
from freddy_admin.wording.environments import ENVIRONMENT_MISSING
from freddy_admin.wording.sentences import EMPTY, Sentence, Text, say


@dataclass(frozen=True, slots=True)
class FailureWording:
    """`brief` is a phrase for lists, `words` a sentence for a panel.

    `responsible_party` can fix it by `advice`. Of a refused key, `next_move` says whose move it is
    where that differs from what its state says, and `needs_new_key` whether a new key helps.
    `quotes_message` where `words` hold what Aitronos said.
    """

    brief: Sentence
    words: Sentence
    responsible_party: Text
    advice: Text
    next_move: Text = ""
    needs_new_key: bool = True
    quotes_message: bool = False

    @property
    def is_only_waited_for(self) -> bool:
        """Whether nobody on our side can do anything but wait."""
        return self.responsible_party is _AITRONOS or self.advice is _WE_RETRY


def failure_wording(error: CheckError) -> FailureWording:
    """The sentences for this failure; one of an unknown kind still gets sentences."""
    found = _FAILURES.get(error.kind, _UNKNOWN_FAILURE)
    wording = found(error) if callable(found) else found
    status = error.http_status or _USUAL_STATUSES.get(error.kind) or "?"
    parts = {"status": str(status), "field": error.field, "message": error.message}
    parts |= {"code": error.code}
    parts |= {"reason": error.detail, "n": f"{_timeout_seconds(error.kind):g}"}
    return replace(
        wording,
        brief=replace(wording.brief, parts=parts),
        words=replace(wording.words, parts=parts),
    )


def check_error_from_candidate(candidate: CandidateSecret) -> CheckError:
    """Why the test of a new secret brought no figures."""
    names = (field.name for field in fields(CheckError))
    return CheckError(**{name: getattr(candidate, f"result_{name}") for name in names})


def failure_reason(kind: str, code: str, http_status: int | None) -> Sentence:
    """Why a call failed, as a phrase, from what events keep; empty where no kind was kept."""
    if not kind:
        return EMPTY
    if kind == FailureKind.SERVER_ERROR and http_status is None:
        return say(_("Aitronos had an error of its own"))  # which one was not written down
    return failure_wording(CheckError(kind, code, http_status)).brief


def quoted_message(message: str) -> Sentence:
    """What Aitronos says for people to read, quoted since it is foreign; empty without any."""
    return say(_("Aitronos says: “{message}”"), message=message) if message else EMPTY


def failure_sentences(error: CheckError) -> tuple[Sentence, ...]:
    """What happened, and what Aitronos said of it, unless that is known to say nothing."""
    wording = failure_wording(error)
    if wording.quotes_message or error.kind == FailureKind.SERVER_ERROR:
        return (wording.words,)
    return (wording.words, quoted_message(error.message))


_MANAGER = _("A manager of this organisation.")
_PANEL_OPERATORS = _("The people who run this panel.")
_AITRONOS = _("Aitronos.")
_AITRONOS_OR_NETWORK = _("Aitronos, or whoever runs your network.")
_WE_RETRY = _("Nothing for you to do: we try again on our own.")
_SEND_DETAILS = _("We try again on our own. If it goes on, send the details to support.")
_NEW_KEY_ADVICE = _("Make a new key at Aitronos and paste it here.")
_USUAL_STATUSES: Final[Mapping[str, int]] = {
    FailureKind.SERVER_ERROR: 500,
    FailureKind.FIREWALL: 403,
}


def _timeout_seconds(kind: str) -> float:
    if kind == FailureKind.CONNECT_TIMEOUT:
        return settings.AITRONOS_CONNECT_TIMEOUT
    if kind == FailureKind.READ_TIMEOUT:
        return settings.AITRONOS_READ_TIMEOUT
    return settings.AITRONOS_TOTAL_TIMEOUT


def _failure(
    brief: Text, words: Text, responsible_party: Text, advice: Text, next_move: Text = ""
) -> FailureWording:
    """One line of the tables; its texts may name the parts of `failure_wording`."""
    return FailureWording(say(brief), say(words), responsible_party, advice, next_move)


# By the code of a 401.
_KEY_REFUSALS: Final[Mapping[str, FailureWording]] = {
    "API_KEY_EXPIRED": _failure(
        _("The key has expired"), _("The key has expired."), _MANAGER, _NEW_KEY_ADVICE
    ),
    "API_KEY_PAUSED": _failure(
        _("The key is paused at Aitronos"),
        _("The key is paused at Aitronos."),
        _MANAGER,
        _("Resume the key at Aitronos, or make a new one there and paste it here."),
    ),
    "API_KEY_DEACTIVATED": _failure(
        _("The key was switched off at Aitronos"),
        _("The key was switched off at Aitronos."),
        _MANAGER,
        _NEW_KEY_ADVICE,
    ),
}
_KEY_REFUSED = _failure(
    _("Key refused"), _("Aitronos does not accept this API key."), _MANAGER, _NEW_KEY_ADVICE
)
_NO_ADMIN_RIGHT = _failure(
    _("Key has no admin right"),
    _(
        "This key has no admin right. The key itself is valid, but Aitronos does not let it "
        "read the sync status."
    ),
    _MANAGER,
    _("Make a key as an owner or admin at Aitronos and paste it here."),
)
_OTHER_ORGANISATION = _failure(
    _("Not a key of this organisation"),
    _("This key is valid, but it does not belong to this organisation at Aitronos."),
    _MANAGER,
    _("Make a key in the right organisation at Aitronos and paste it here."),
    _("A manager pastes a key that was made in the right organisation at Aitronos."),
)
# By the code of a 403 with the API's own error body.
_NOT_PERMITTED: Final[Mapping[str, FailureWording]] = {
    "INSUFFICIENT_PERMISSIONS": _NO_ADMIN_RIGHT,
    "ORGANIZATION_ACCESS_DENIED": _OTHER_ORGANISATION,
    "NO_ORGANIZATION_MEMBERSHIP": _OTHER_ORGANISATION,
    "AMBIGUOUS_ORGANIZATION": _failure(
        _("Key of several organisations"),
        _("This key belongs to several organisations, so Aitronos cannot tell which one is meant."),
        _MANAGER,
        _("Make a key that belongs to one organisation at Aitronos and paste it here."),
        _("A manager pastes a key that belongs to one organisation."),
    ),
    "OPERATION_NOT_ALLOWED": FailureWording(
        say(_("Not allowed at present")),
        say(
            _(
                "Aitronos allows this to nobody at present. This says nothing about the key, and "
                "another one would not help."
            )
        ),
        _AITRONOS,
        _("Nothing for you to do: we try again on our own. Tell Aitronos if it goes on."),
        _("Nothing for you to do: we keep trying."),
        needs_new_key=False,
    ),
}
_NOT_PERMITTED_WITH_MESSAGE = FailureWording(
    say(_("Not permitted")),
    say(_("Aitronos does not let this key read the sync status. It says: “{message}”")),
    _MANAGER,
    _("Follow what Aitronos says, or send the details to support."),
    _("A manager follows what Aitronos says."),
    needs_new_key=False,
    quotes_message=True,
)
_NOT_PERMITTED_WITH_CODE = replace(
    _NOT_PERMITTED_WITH_MESSAGE,
    brief=say(_("Not permitted ({code})")),
    words=say(
        _("Aitronos does not let this key read the sync status, and names nothing but {code}.")
    ),
    quotes_message=False,
)
_NOT_PERMITTED_WITHOUT_REASON = replace(
    _NOT_PERMITTED_WITH_CODE,
    brief=say(_("Not permitted")),
    words=say(_("Aitronos does not let this key read the sync status, and gives no reason.")),
    advice=_("Send the details to support."),
    next_move=_("A manager asks Aitronos what this key lacks."),
)


def _key_not_permitted(error: CheckError) -> FailureWording:
    """By the code; for an unknown one the words of Aitronos, where it gave any."""
    if error.code in _NOT_PERMITTED:
        return _NOT_PERMITTED[error.code]
    if error.message:
        return _NOT_PERMITTED_WITH_MESSAGE
    return _NOT_PERMITTED_WITH_CODE if error.code else _NOT_PERMITTED_WITHOUT_REASON


_UNREADABLE_ANSWER = _failure(
    _("Unreadable answer"),
    _("Aitronos answered, but the answer cannot be read."),
    _AITRONOS,
    _SEND_DETAILS,
)
_UNREADABLE_FIELD = replace(
    _UNREADABLE_ANSWER,
    words=say(
        _(
            "Aitronos answered, but the answer cannot be read. The part that cannot be used: "
            "{field}."
        )
    ),
)
_TLS = _failure(
    _("Secure connection failed"),
    _("Secure connection failed. The key was not sent."),
    _AITRONOS_OR_NETWORK,
    _("Have the server's certificate, or the certificates this panel trusts, checked."),
)
_TLS_WITH_REASON = replace(
    _TLS, words=say(_("Secure connection failed: {reason}. The key was not sent."))
)
_PROXY_REFUSED = _failure(
    _("The proxy refused"),
    _(
        "The proxy of this panel did not let us through to Aitronos. The key was not sent, and "
        "this says nothing about it."
    ),
    _PANEL_OPERATORS,
    _("Check OUTBOUND_PROXY, its user and password, and what the proxy allows."),
)
_PROXY_REFUSED_WITH_REASON = replace(
    _PROXY_REFUSED,
    words=say(
        _(
            "The proxy of this panel did not let us through to Aitronos ({reason}). The key was "
            "not sent, and this says nothing about it."
        )
    ),
)
_TOO_SLOW = _failure(
    _("No answer in {n} s"),
    _("Aitronos gave no complete answer within {n} seconds."),
    _AITRONOS,
    _WE_RETRY,
)
_NO_CONNECTION = _failure(
    _("Not reachable"), _("No connection to Aitronos can be made."), _AITRONOS_OR_NETWORK, _WE_RETRY
)
_UNKNOWN_FAILURE = _failure(
    _("No answer to rely on"),
    _("The check ended without an answer to rely on."),
    _PANEL_OPERATORS,
    _SEND_DETAILS,
)
_FAILURES: Final[Mapping[str, FailureWording | Callable[[CheckError], FailureWording]]] = {
    FailureKind.KEY_REFUSED: lambda error: _KEY_REFUSALS.get(error.code, _KEY_REFUSED),
    FailureKind.KEY_NOT_PERMITTED: _key_not_permitted,
    FailureKind.RATE_LIMITED: _failure(
        _("Limited by Aitronos"),
        _("Aitronos limits how often this organisation may ask, and asked us to wait."),
        _AITRONOS,
        _WE_RETRY,
    ),
    FailureKind.SPENDING_LIMIT: _failure(
        _("Spending limit reached"),
        _("This organisation has reached its spending limit at Aitronos."),
        _("Whoever looks after the organisation's contract with Aitronos."),
        _("Raise the spending limit at Aitronos. We try again every 15 minutes."),
    ),
    FailureKind.SERVER_ERROR: _failure(
        _("Aitronos error {status}"),
        _("Aitronos had an error of its own ({status}) and gave no status."),
        _AITRONOS,
        _("Nothing for you to do: we try again on our own. Tell Aitronos if it goes on."),
    ),
    FailureKind.FIREWALL: _failure(
        _("Blocked on the way"),
        _(
            "Something between us and Aitronos, most likely a firewall, turned the request "
            "away ({status}). This says nothing about the key."
        ),
        _AITRONOS_OR_NETWORK,
        _("Ask whether this panel's address is allowed to reach Aitronos."),
    ),
    FailureKind.UNEXPECTED_STATUS: _failure(
        _("Unexpected answer {status}"),
        _("Aitronos gave an answer that this panel did not expect ({status})."),
        _("The people who run this panel, with Aitronos."),
        _("Check the address of the API on the system page, or send the details to support."),
    ),
    FailureKind.UNREADABLE_ANSWER: lambda error: (
        _UNREADABLE_FIELD if error.field else _UNREADABLE_ANSWER
    ),
    FailureKind.NAME_NOT_FOUND: _failure(
        _("Not reachable: name not found"),
        _("The name of the API's server cannot be found in the network."),
        _AITRONOS_OR_NETWORK,
        _WE_RETRY,
    ),
    FailureKind.CONNECTION_REFUSED: _NO_CONNECTION,
    FailureKind.UNREACHABLE: _NO_CONNECTION,
    FailureKind.CONNECTION_LOST: _failure(
        _("Connection lost"),
        _("The connection to Aitronos broke off before the answer was complete."),
        _AITRONOS_OR_NETWORK,
        _WE_RETRY,
    ),
    FailureKind.TLS: lambda error: _TLS_WITH_REASON if error.detail else _TLS,
    FailureKind.CONNECT_TIMEOUT: _TOO_SLOW,
    FailureKind.READ_TIMEOUT: _TOO_SLOW,
    FailureKind.TOTAL_TIMEOUT: _TOO_SLOW,
    FailureKind.INVALID_SECRET: _failure(
        _("Key cannot be sent"),
        _("The stored text cannot be sent as an API key."),
        _MANAGER,
        _("Paste the key again, exactly as Aitronos shows it."),
    ),
    FailureKind.PROXY_REFUSED: lambda error: (
        _PROXY_REFUSED_WITH_REASON if error.detail else _PROXY_REFUSED
    ),
    FailureKind.PROXY_FAILED: _failure(
        _("No way through the proxy"),
        _(
            "The proxy of this panel made no connection to Aitronos. The key was not sent, and "
            "this says nothing about it."
        ),
        _PANEL_OPERATORS,
        _("Check OUTBOUND_PROXY, and whether the proxy runs and may reach Aitronos."),
    ),
    FailureKind.ENVIRONMENT_MISSING: _failure(*ENVIRONMENT_MISSING),
    FailureKind.WITHHELD: _failure(
        _("Held up, not sent"),
        _("The worker was held up for too long, so nothing was sent."),
        _PANEL_OPERATORS,
        _("Ask again. If it goes on, the worker's machine is stopped or overloaded."),
    ),
    LocalFailureKind.KEY_UNREADABLE: _failure(
        _("Key unreadable, enter it again"),
        _(
            "The stored key is damaged and cannot be opened. Aitronos was not asked; other "
            "keys are not affected."
        ),
        _MANAGER,
        _("Paste the key again, or a new one."),
    ),
    LocalFailureKind.MASTER_KEY_MISFIT: _failure(
        _("Master key does not fit"),
        _(
            "This panel's master key does not fit its database, so no key can be opened. The "
            "keys themselves are not lost."
        ),
        _PANEL_OPERATORS,
        _("Put the right master key back. Nobody needs to paste a key again."),
    ),
    LocalFailureKind.INTERNAL: _failure(
        _("Our own error"),
        _("The check broke on our side. This says nothing about the key or the sync."),
        _PANEL_OPERATORS,
        _SEND_DETAILS,
    ),
}
