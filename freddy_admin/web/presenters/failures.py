"""Why a check brought no figures, in plain words: what happened, who can fix it, what to do."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind as Kind
from freddy_admin.sync.outcomes import OwnFailure as Own
from freddy_admin.sync.rows import CheckError

NETWORK = frozenset(
    {
        Kind.NAME_NOT_FOUND,
        Kind.CONNECTION_REFUSED,
        Kind.UNREACHABLE,
        Kind.CONNECTION_LOST,
        Kind.CONNECT_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """`brief` stands in a list, `words` in a panel; `who` can fix it by doing `todo`."""

    brief: str
    words: str
    who: str
    todo: str


def failure(error: CheckError) -> Failure:
    """The sentences for this failure; one that is not known yet still gets sentences."""
    make = _SENTENCES.get(error.kind, _unforeseen)
    return make(error)


def _aitronos_or_network() -> str:
    return _("Aitronos, or whoever runs your network")


def _nothing_to_do() -> str:
    return _("Nothing for you to do: we try again on our own.")


def _refused(error: CheckError) -> Failure:
    reasons = {
        "API_KEY_EXPIRED": _("The key has expired."),
        "API_KEY_PAUSED": _("The key is paused at Aitronos."),
        "API_KEY_DEACTIVATED": _("The key was switched off at Aitronos."),
    }
    paused = error.code == "API_KEY_PAUSED"
    return Failure(
        brief=reasons.get(error.code, _("Key refused")).removesuffix("."),
        words=reasons.get(error.code, _("Aitronos does not accept this API key.")),
        who=_("a manager of this organisation"),
        todo=_("Resume the key at Aitronos, or make a new one there and paste it here.")
        if paused
        else _("Make a new key at Aitronos and paste it here."),
    )


def _not_permitted(_error: CheckError) -> Failure:
    return Failure(
        brief=_("Key has no admin right"),
        words=_(
            "This key has no admin right. The key itself is valid, but Aitronos does not let it "
            "read the sync status."
        ),
        who=_("a manager of this organisation"),
        todo=_("Make a key as an owner or admin at Aitronos and paste it here."),
    )


def _limited(_error: CheckError) -> Failure:
    return Failure(
        brief=_("Limited by Aitronos"),
        words=_("Aitronos limits how often this organisation may ask, and asked us to wait."),
        who=_("Aitronos"),
        todo=_nothing_to_do(),
    )


def _spending(_error: CheckError) -> Failure:
    return Failure(
        brief=_("Spending limit reached"),
        words=_("This organisation has reached its spending limit at Aitronos."),
        who=_("whoever looks after the organisation's contract with Aitronos"),
        todo=_("Raise the spending limit at Aitronos. We try again every 15 minutes."),
    )


def _server_error(error: CheckError) -> Failure:
    return Failure(
        brief=_("Aitronos error %(status)s") % {"status": error.http_status or 500},
        words=_("Aitronos had an error of its own (%(status)s) and gave no status.")
        % {"status": error.http_status or 500},
        who=_("Aitronos"),
        todo=_("Nothing for you to do: we try again on our own. Tell Aitronos if it goes on."),
    )


def _firewall(error: CheckError) -> Failure:
    return Failure(
        brief=_("Blocked on the way"),
        words=_(
            "Something between us and Aitronos, most likely a firewall, turned the request away "
            "(%(status)s). This says nothing about the key."
        )
        % {"status": error.http_status or 403},
        who=_aitronos_or_network(),
        todo=_("Ask whether this panel's address is allowed to reach Aitronos."),
    )


def _unexpected(error: CheckError) -> Failure:
    status = error.http_status or "?"
    return Failure(
        brief=_("Unexpected answer %(status)s") % {"status": status},
        words=_("Aitronos gave an answer that this panel did not expect (%(status)s).")
        % {"status": status},
        who=_("the people who run this panel, with Aitronos"),
        todo=_("Check the address of the API on the system page, or send the details to support."),
    )


def _unreadable(error: CheckError) -> Failure:
    named = _(" The part that cannot be used: %(field)s.") % {"field": error.field}
    return Failure(
        brief=_("Unreadable answer"),
        words=_("Aitronos answered, but the answer cannot be read.")
        + (named if error.field else ""),
        who=_("Aitronos"),
        todo=_("We try again on our own. If it goes on, send the details to support."),
    )


def _name(_error: CheckError) -> Failure:
    return Failure(
        brief=_("Not reachable: name not found"),
        words=_("The name of the API's server cannot be found in the network."),
        who=_aitronos_or_network(),
        todo=_nothing_to_do(),
    )


def _no_connection(_error: CheckError) -> Failure:
    return Failure(
        brief=_("Not reachable"),
        words=_("No connection to Aitronos can be made."),
        who=_aitronos_or_network(),
        todo=_nothing_to_do(),
    )


def _lost(_error: CheckError) -> Failure:
    return Failure(
        brief=_("Connection lost"),
        words=_("The connection to Aitronos broke off before the answer was complete."),
        who=_aitronos_or_network(),
        todo=_nothing_to_do(),
    )


def _tls(error: CheckError) -> Failure:
    reason = f": {error.detail}" if error.detail else ""
    return Failure(
        brief=_("Secure connection failed"),
        words=_("Secure connection failed%(reason)s. The key was not sent.") % {"reason": reason},
        who=_aitronos_or_network(),
        todo=_("Have the server's certificate, or the certificates this panel trusts, checked."),
    )


def _too_slow(seconds: float) -> Failure:
    n = f"{seconds:g}"
    return Failure(
        brief=_("No answer in %(n)s s") % {"n": n},
        words=_("Aitronos gave no complete answer within %(n)s seconds.") % {"n": n},
        who=_("Aitronos"),
        todo=_nothing_to_do(),
    )


def _invalid_secret(_error: CheckError) -> Failure:
    return Failure(
        brief=_("Key cannot be sent"),
        words=_("The stored text cannot be sent as an API key."),
        who=_("a manager of this organisation"),
        todo=_("Paste the key again, exactly as Aitronos shows it."),
    )


def _key_unreadable(_error: CheckError) -> Failure:
    return Failure(
        brief=_("Key unreadable, enter it again"),
        words=_(
            "The stored key is damaged and cannot be opened. Aitronos was not asked; other keys "
            "are not affected."
        ),
        who=_("a manager of this organisation"),
        todo=_("Paste the key again, or a new one."),
    )


def _misfit(_error: CheckError) -> Failure:
    return Failure(
        brief=_("Master key does not fit"),
        words=_(
            "This panel's master key does not fit its database, so no key can be opened. The keys "
            "themselves are not lost."
        ),
        who=_("the people who run this panel"),
        todo=_("Put the right master key back. Nobody needs to paste a key again."),
    )


def _internal(_error: CheckError) -> Failure:
    return Failure(
        brief=_("Our own error"),
        words=_("The check broke on our side. This says nothing about the key or the sync."),
        who=_("the people who run this panel"),
        todo=_("We try again on our own. If it goes on, send the details to support."),
    )


def _unforeseen(_error: CheckError) -> Failure:
    return Failure(
        brief=_("No answer to rely on"),
        words=_("The check ended without an answer to rely on."),
        who=_("the people who run this panel"),
        todo=_("We try again on our own. If it goes on, send the details to support."),
    )


def _withheld(_error: CheckError) -> Failure:
    return Failure(
        brief=_("Held up, not sent"),
        words=_("The worker was held up for too long, so nothing was sent."),
        who=_("the people who run this panel"),
        todo=_("Ask again. If it goes on, the worker's machine is stopped or overloaded."),
    )


_SENTENCES: dict[str, Callable[[CheckError], Failure]] = {
    Kind.KEY_REFUSED: _refused,
    Kind.KEY_NOT_PERMITTED: _not_permitted,
    Kind.RATE_LIMITED: _limited,
    Kind.SPENDING_LIMIT: _spending,
    Kind.SERVER_ERROR: _server_error,
    Kind.FIREWALL: _firewall,
    Kind.UNEXPECTED_STATUS: _unexpected,
    Kind.UNREADABLE_ANSWER: _unreadable,
    Kind.NAME_NOT_FOUND: _name,
    Kind.CONNECTION_REFUSED: _no_connection,
    Kind.UNREACHABLE: _no_connection,
    Kind.CONNECTION_LOST: _lost,
    Kind.TLS: _tls,
    Kind.CONNECT_TIMEOUT: lambda _: _too_slow(settings.AITRONOS_CONNECT_TIMEOUT),
    Kind.READ_TIMEOUT: lambda _: _too_slow(settings.AITRONOS_READ_TIMEOUT),
    Kind.TOTAL_TIMEOUT: lambda _: _too_slow(settings.AITRONOS_TOTAL_TIMEOUT),
    Kind.INVALID_SECRET: _invalid_secret,
    Kind.WITHHELD: _withheld,
    Own.KEY_UNREADABLE: _key_unreadable,
    Own.MASTER_KEY_MISFIT: _misfit,
    Own.INTERNAL: _internal,
}
