"""Why a call brought nothing, in plain words: what happened, who can fix it, what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.checks.results import LocalFailureKind
from freddy_admin.sync.status.types import CheckError, KeyRow
from freddy_admin.wording.sentences import EMPTY, Sentence, Text, say


@dataclass(frozen=True, slots=True)
class RefusalWording:
    """What a refusal means for the key: whose move it is, and whether a new key helps."""

    next_move: Text = ""
    needs_new_key: bool = True


@dataclass(frozen=True, slots=True)
class FailureWording:
    """`brief` is a phrase for lists, `words` a sentence for a panel.

    `responsible_party` can fix it by `advice`; `refusal` is there where the key was refused;
    `quotes_message` where `words` hold what Aitronos said.
    """

    brief: Sentence
    words: Sentence
    responsible_party: Text
    advice: Text
    refusal: RefusalWording | None = None
    quotes_message: bool = False


def failure_wording(error: CheckError) -> FailureWording:
    """The sentences for this failure; one of an unknown kind still gets sentences."""
    wording = _FAILURES.get(error.kind, _UNKNOWN_FAILURE)
    return wording(error) if callable(wording) else wording


def quoted_message(message: str) -> Sentence:
    """What Aitronos says for people to read, quoted since it is foreign; empty without any."""
    return say(_("Aitronos says: “{message}”"), message=message) if message else EMPTY


def failure_sentences(error: CheckError) -> tuple[Sentence, ...]:
    """What happened, and what Aitronos said of it, unless that is known to say nothing."""
    wording = failure_wording(error)
    if wording.quotes_message or error.kind == FailureKind.SERVER_ERROR:
        return (wording.words,)
    return (wording.words, quoted_message(error.message))


def is_master_key_failure(row: KeyRow) -> bool:
    """Whether the key suffers from the panel's own master key, which no manager can mend."""
    return row.error is not None and row.error.kind == LocalFailureKind.MASTER_KEY_MISFIT


_MANAGER = _("A manager of this organisation.")
_PANEL_OPERATORS = _("The people who run this panel.")
_AITRONOS = _("Aitronos.")
_AITRONOS_OR_NETWORK = _("Aitronos, or whoever runs your network.")
_WE_RETRY = _("Nothing for you to do: we try again on our own.")
_SEND_DETAILS = _("We try again on our own. If it goes on, send the details to support.")

_REFUSED_BRIEFS: Final[Mapping[str, tuple[Text, Text]]] = {
    "API_KEY_EXPIRED": (_("The key has expired"), _("The key has expired.")),
    "API_KEY_PAUSED": (_("The key is paused at Aitronos"), _("The key is paused at Aitronos.")),
    "API_KEY_DEACTIVATED": (
        _("The key was switched off at Aitronos"),
        _("The key was switched off at Aitronos."),
    ),
}


def _key_refused(error: CheckError) -> FailureWording:
    brief, words = _REFUSED_BRIEFS.get(
        error.code, (_("Key refused"), _("Aitronos does not accept this API key."))
    )
    is_paused = error.code == "API_KEY_PAUSED"
    return FailureWording(
        brief=say(brief),
        words=say(words),
        responsible_party=_MANAGER,
        advice=_("Resume the key at Aitronos, or make a new one there and paste it here.")
        if is_paused
        else _("Make a new key at Aitronos and paste it here."),
        refusal=RefusalWording(),
    )


_NO_ADMIN_RIGHT = FailureWording(
    brief=say(_("Key has no admin right")),
    words=say(
        _(
            "This key has no admin right. The key itself is valid, but Aitronos does not let it "
            "read the sync status."
        )
    ),
    responsible_party=_MANAGER,
    advice=_("Make a key as an owner or admin at Aitronos and paste it here."),
    refusal=RefusalWording(),
)
_OTHER_ORGANISATION = FailureWording(
    brief=say(_("Not a key of this organisation")),
    words=say(_("This key is valid, but it does not belong to this organisation at Aitronos.")),
    responsible_party=_MANAGER,
    advice=_("Make a key in the right organisation at Aitronos and paste it here."),
    refusal=RefusalWording(
        next_move=_("A manager pastes a key that was made in the right organisation at Aitronos.")
    ),
)
_SEVERAL_ORGANISATIONS = FailureWording(
    brief=say(_("Key of several organisations")),
    words=say(
        _("This key belongs to several organisations, so Aitronos cannot tell which one is meant.")
    ),
    responsible_party=_MANAGER,
    advice=_("Make a key that belongs to one organisation at Aitronos and paste it here."),
    refusal=RefusalWording(next_move=_("A manager pastes a key that belongs to one organisation.")),
)
_NOT_ALLOWED_TO_ANYBODY = FailureWording(
    brief=say(_("Not allowed at present")),
    words=say(
        _(
            "Aitronos allows this to nobody at present. This says nothing about the key, and "
            "another one would not help."
        )
    ),
    responsible_party=_AITRONOS,
    advice=_("Nothing for you to do: we try again on our own. Tell Aitronos if it goes on."),
    refusal=RefusalWording(
        next_move=_("Nothing for you to do: we keep trying."), needs_new_key=False
    ),
)
# By the code of a 403 with the API's own error body.
_NOT_PERMITTED: Final[Mapping[str, FailureWording]] = {
    "INSUFFICIENT_PERMISSIONS": _NO_ADMIN_RIGHT,
    "ORGANIZATION_ACCESS_DENIED": _OTHER_ORGANISATION,
    "NO_ORGANIZATION_MEMBERSHIP": _OTHER_ORGANISATION,
    "AMBIGUOUS_ORGANIZATION": _SEVERAL_ORGANISATIONS,
    "OPERATION_NOT_ALLOWED": _NOT_ALLOWED_TO_ANYBODY,
}


def _key_not_permitted(error: CheckError) -> FailureWording:
    """By the code; for an unknown one the words of Aitronos, where it gave any."""
    known = _NOT_PERMITTED.get(error.code)
    if known is not None or not error.message:
        return known or _NO_ADMIN_RIGHT
    return FailureWording(
        brief=say(_("Not permitted")),
        words=say(
            _("Aitronos does not let this key read the sync status. It says: “{message}”"),
            message=error.message,
        ),
        responsible_party=_MANAGER,
        advice=_("Follow what Aitronos says, or send the details to support."),
        refusal=RefusalWording(next_move=_("A manager follows what Aitronos says.")),
        quotes_message=True,
    )


def _server_error(error: CheckError) -> FailureWording:
    status = str(error.http_status or 500)
    return FailureWording(
        brief=say(_("Aitronos error {status}"), status=status),
        words=say(
            _("Aitronos had an error of its own ({status}) and gave no status."), status=status
        ),
        responsible_party=_AITRONOS,
        advice=_("Nothing for you to do: we try again on our own. Tell Aitronos if it goes on."),
    )


def _firewall(error: CheckError) -> FailureWording:
    return FailureWording(
        brief=say(_("Blocked on the way")),
        words=say(
            _(
                "Something between us and Aitronos, most likely a firewall, turned the request "
                "away ({status}). This says nothing about the key."
            ),
            status=str(error.http_status or 403),
        ),
        responsible_party=_AITRONOS_OR_NETWORK,
        advice=_("Ask whether this panel's address is allowed to reach Aitronos."),
    )


def _unexpected_status(error: CheckError) -> FailureWording:
    status = str(error.http_status or "?")
    return FailureWording(
        brief=say(_("Unexpected answer {status}"), status=status),
        words=say(
            _("Aitronos gave an answer that this panel did not expect ({status})."), status=status
        ),
        responsible_party=_("The people who run this panel, with Aitronos."),
        advice=_(
            "Check the address of the API on the system page, or send the details to support."
        ),
    )


def _unreadable_answer(error: CheckError) -> FailureWording:
    words = (
        say(
            _(
                "Aitronos answered, but the answer cannot be read. The part that cannot be used: "
                "{field}."
            ),
            field=error.field,
        )
        if error.field
        else say(_("Aitronos answered, but the answer cannot be read."))
    )
    return FailureWording(
        brief=say(_("Unreadable answer")),
        words=words,
        responsible_party=_AITRONOS,
        advice=_SEND_DETAILS,
    )


def _tls(error: CheckError) -> FailureWording:
    words = (
        say(_("Secure connection failed: {reason}. The key was not sent."), reason=error.detail)
        if error.detail
        else say(_("Secure connection failed. The key was not sent."))
    )
    return FailureWording(
        brief=say(_("Secure connection failed")),
        words=words,
        responsible_party=_AITRONOS_OR_NETWORK,
        advice=_("Have the server's certificate, or the certificates this panel trusts, checked."),
    )


def _too_slow(seconds: float) -> FailureWording:
    n = f"{seconds:g}"
    return FailureWording(
        brief=say(_("No answer in {n} s"), n=n),
        words=say(_("Aitronos gave no complete answer within {n} seconds."), n=n),
        responsible_party=_AITRONOS,
        advice=_WE_RETRY,
    )


_NO_CONNECTION = FailureWording(
    brief=say(_("Not reachable")),
    words=say(_("No connection to Aitronos can be made.")),
    responsible_party=_AITRONOS_OR_NETWORK,
    advice=_WE_RETRY,
)
_UNKNOWN_FAILURE = FailureWording(
    brief=say(_("No answer to rely on")),
    words=say(_("The check ended without an answer to rely on.")),
    responsible_party=_PANEL_OPERATORS,
    advice=_SEND_DETAILS,
)

_FAILURES: Final[Mapping[str, FailureWording | Callable[[CheckError], FailureWording]]] = {
    FailureKind.KEY_REFUSED: _key_refused,
    FailureKind.KEY_NOT_PERMITTED: _key_not_permitted,
    FailureKind.RATE_LIMITED: FailureWording(
        brief=say(_("Limited by Aitronos")),
        words=say(_("Aitronos limits how often this organisation may ask, and asked us to wait.")),
        responsible_party=_AITRONOS,
        advice=_WE_RETRY,
    ),
    FailureKind.SPENDING_LIMIT: FailureWording(
        brief=say(_("Spending limit reached")),
        words=say(_("This organisation has reached its spending limit at Aitronos.")),
        responsible_party=_("Whoever looks after the organisation's contract with Aitronos."),
        advice=_("Raise the spending limit at Aitronos. We try again every 15 minutes."),
    ),
    FailureKind.SERVER_ERROR: _server_error,
    FailureKind.FIREWALL: _firewall,
    FailureKind.UNEXPECTED_STATUS: _unexpected_status,
    FailureKind.UNREADABLE_ANSWER: _unreadable_answer,
    FailureKind.NAME_NOT_FOUND: FailureWording(
        brief=say(_("Not reachable: name not found")),
        words=say(_("The name of the API's server cannot be found in the network.")),
        responsible_party=_AITRONOS_OR_NETWORK,
        advice=_WE_RETRY,
    ),
    FailureKind.CONNECTION_REFUSED: _NO_CONNECTION,
    FailureKind.UNREACHABLE: _NO_CONNECTION,
    FailureKind.CONNECTION_LOST: FailureWording(
        brief=say(_("Connection lost")),
        words=say(_("The connection to Aitronos broke off before the answer was complete.")),
        responsible_party=_AITRONOS_OR_NETWORK,
        advice=_WE_RETRY,
    ),
    FailureKind.TLS: _tls,
    FailureKind.CONNECT_TIMEOUT: lambda _error: _too_slow(settings.AITRONOS_CONNECT_TIMEOUT),
    FailureKind.READ_TIMEOUT: lambda _error: _too_slow(settings.AITRONOS_READ_TIMEOUT),
    FailureKind.TOTAL_TIMEOUT: lambda _error: _too_slow(settings.AITRONOS_TOTAL_TIMEOUT),
    FailureKind.INVALID_SECRET: FailureWording(
        brief=say(_("Key cannot be sent")),
        words=say(_("The stored text cannot be sent as an API key.")),
        responsible_party=_MANAGER,
        advice=_("Paste the key again, exactly as Aitronos shows it."),
    ),
    FailureKind.WITHHELD: FailureWording(
        brief=say(_("Held up, not sent")),
        words=say(_("The worker was held up for too long, so nothing was sent.")),
        responsible_party=_PANEL_OPERATORS,
        advice=_("Ask again. If it goes on, the worker's machine is stopped or overloaded."),
    ),
    LocalFailureKind.KEY_UNREADABLE: FailureWording(
        brief=say(_("Key unreadable, enter it again")),
        words=say(
            _(
                "The stored key is damaged and cannot be opened. Aitronos was not asked; other "
                "keys are not affected."
            )
        ),
        responsible_party=_MANAGER,
        advice=_("Paste the key again, or a new one."),
    ),
    LocalFailureKind.MASTER_KEY_MISFIT: FailureWording(
        brief=say(_("Master key does not fit")),
        words=say(
            _(
                "This panel's master key does not fit its database, so no key can be opened. The "
                "keys themselves are not lost."
            )
        ),
        responsible_party=_PANEL_OPERATORS,
        advice=_("Put the right master key back. Nobody needs to paste a key again."),
    ),
    LocalFailureKind.INTERNAL: FailureWording(
        brief=say(_("Our own error")),
        words=say(_("The check broke on our side. This says nothing about the key or the sync.")),
        responsible_party=_PANEL_OPERATORS,
        advice=_SEND_DETAILS,
    ),
}
