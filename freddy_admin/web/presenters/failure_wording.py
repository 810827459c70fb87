"""Why a check brought no figures, in plain words: what happened, who can fix it, what to do."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind as Kind
from freddy_admin.sync.checks.results import LocalFailureKind as Own
from freddy_admin.sync.status.types import CheckError

NETWORK_FAILURE_KINDS = frozenset(
    {
        Kind.NAME_NOT_FOUND,
        Kind.CONNECTION_REFUSED,
        Kind.UNREACHABLE,
        Kind.CONNECTION_LOST,
        Kind.CONNECT_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True)
class FailureWording:
    """`brief` is for lists, `words` for the panel; `responsible_party` can fix it by `advice`."""

    brief: str
    words: str
    responsible_party: str
    advice: str


def failure_wording(error: CheckError) -> FailureWording:
    """The sentences for this failure; one that is not known yet still gets sentences."""
    make = _FAILURE_WORDINGS.get(error.kind, _unknown_failure_wording)
    return make(error)


def _aitronos_or_network_party() -> str:
    return _("Aitronos, or whoever runs your network")


def _retry_advice() -> str:
    return _("Nothing for you to do: we try again on our own.")


def _key_refused_wording(error: CheckError) -> FailureWording:
    reasons = {
        "API_KEY_EXPIRED": _("The key has expired."),
        "API_KEY_PAUSED": _("The key is paused at Aitronos."),
        "API_KEY_DEACTIVATED": _("The key was switched off at Aitronos."),
    }
    paused = error.code == "API_KEY_PAUSED"
    return FailureWording(
        brief=reasons.get(error.code, _("Key refused")).removesuffix("."),
        words=reasons.get(error.code, _("Aitronos does not accept this API key.")),
        responsible_party=_("a manager of this organisation"),
        advice=_("Resume the key at Aitronos, or make a new one there and paste it here.")
        if paused
        else _("Make a new key at Aitronos and paste it here."),
    )


def _key_not_permitted_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Key has no admin right"),
        words=_(
            "This key has no admin right. The key itself is valid, but Aitronos does not let it "
            "read the sync status."
        ),
        responsible_party=_("a manager of this organisation"),
        advice=_("Make a key as an owner or admin at Aitronos and paste it here."),
    )


def _rate_limited_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Limited by Aitronos"),
        words=_("Aitronos limits how often this organisation may ask, and asked us to wait."),
        responsible_party=_("Aitronos"),
        advice=_retry_advice(),
    )


def _spending_limit_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Spending limit reached"),
        words=_("This organisation has reached its spending limit at Aitronos."),
        responsible_party=_("whoever looks after the organisation's contract with Aitronos"),
        advice=_("Raise the spending limit at Aitronos. We try again every 15 minutes."),
    )


def _server_error_wording(error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Aitronos error %(status)s") % {"status": error.http_status or 500},
        words=_("Aitronos had an error of its own (%(status)s) and gave no status.")
        % {"status": error.http_status or 500},
        responsible_party=_("Aitronos"),
        advice=_("Nothing for you to do: we try again on our own. Tell Aitronos if it goes on."),
    )


def _firewall_wording(error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Blocked on the way"),
        words=_(
            "Something between us and Aitronos, most likely a firewall, turned the request away "
            "(%(status)s). This says nothing about the key."
        )
        % {"status": error.http_status or 403},
        responsible_party=_aitronos_or_network_party(),
        advice=_("Ask whether this panel's address is allowed to reach Aitronos."),
    )


def _unexpected_status_wording(error: CheckError) -> FailureWording:
    status = error.http_status or "?"
    return FailureWording(
        brief=_("Unexpected answer %(status)s") % {"status": status},
        words=_("Aitronos gave an answer that this panel did not expect (%(status)s).")
        % {"status": status},
        responsible_party=_("the people who run this panel, with Aitronos"),
        advice=_(
            "Check the address of the API on the system page, or send the details to support."
        ),
    )


def _unreadable_answer_wording(error: CheckError) -> FailureWording:
    field_text = _(" The part that cannot be used: %(field)s.") % {"field": error.field}
    return FailureWording(
        brief=_("Unreadable answer"),
        words=_("Aitronos answered, but the answer cannot be read.")
        + (field_text if error.field else ""),
        responsible_party=_("Aitronos"),
        advice=_("We try again on our own. If it goes on, send the details to support."),
    )


def _name_not_found_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Not reachable: name not found"),
        words=_("The name of the API's server cannot be found in the network."),
        responsible_party=_aitronos_or_network_party(),
        advice=_retry_advice(),
    )


def _no_connection_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Not reachable"),
        words=_("No connection to Aitronos can be made."),
        responsible_party=_aitronos_or_network_party(),
        advice=_retry_advice(),
    )


def _connection_lost_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Connection lost"),
        words=_("The connection to Aitronos broke off before the answer was complete."),
        responsible_party=_aitronos_or_network_party(),
        advice=_retry_advice(),
    )


def _tls_wording(error: CheckError) -> FailureWording:
    reason = f": {error.detail}" if error.detail else ""
    return FailureWording(
        brief=_("Secure connection failed"),
        words=_("Secure connection failed%(reason)s. The key was not sent.") % {"reason": reason},
        responsible_party=_aitronos_or_network_party(),
        advice=_("Have the server's certificate, or the certificates this panel trusts, checked."),
    )


def _timeout_wording(seconds: float) -> FailureWording:
    n = f"{seconds:g}"
    return FailureWording(
        brief=_("No answer in %(n)s s") % {"n": n},
        words=_("Aitronos gave no complete answer within %(n)s seconds.") % {"n": n},
        responsible_party=_("Aitronos"),
        advice=_retry_advice(),
    )


def _invalid_secret_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Key cannot be sent"),
        words=_("The stored text cannot be sent as an API key."),
        responsible_party=_("a manager of this organisation"),
        advice=_("Paste the key again, exactly as Aitronos shows it."),
    )


def _key_unreadable_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Key unreadable, enter it again"),
        words=_(
            "The stored key is damaged and cannot be opened. Aitronos was not asked; other keys "
            "are not affected."
        ),
        responsible_party=_("a manager of this organisation"),
        advice=_("Paste the key again, or a new one."),
    )


def _master_key_misfit_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Master key does not fit"),
        words=_(
            "This panel's master key does not fit its database, so no key can be opened. The keys "
            "themselves are not lost."
        ),
        responsible_party=_("the people who run this panel"),
        advice=_("Put the right master key back. Nobody needs to paste a key again."),
    )


def _internal_error_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Our own error"),
        words=_("The check broke on our side. This says nothing about the key or the sync."),
        responsible_party=_("the people who run this panel"),
        advice=_("We try again on our own. If it goes on, send the details to support."),
    )


def _unknown_failure_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("No answer to rely on"),
        words=_("The check ended without an answer to rely on."),
        responsible_party=_("the people who run this panel"),
        advice=_("We try again on our own. If it goes on, send the details to support."),
    )


def _withheld_wording(_error: CheckError) -> FailureWording:
    return FailureWording(
        brief=_("Held up, not sent"),
        words=_("The worker was held up for too long, so nothing was sent."),
        responsible_party=_("the people who run this panel"),
        advice=_("Ask again. If it goes on, the worker's machine is stopped or overloaded."),
    )


_FAILURE_WORDINGS: dict[str, Callable[[CheckError], FailureWording]] = {
    Kind.KEY_REFUSED: _key_refused_wording,
    Kind.KEY_NOT_PERMITTED: _key_not_permitted_wording,
    Kind.RATE_LIMITED: _rate_limited_wording,
    Kind.SPENDING_LIMIT: _spending_limit_wording,
    Kind.SERVER_ERROR: _server_error_wording,
    Kind.FIREWALL: _firewall_wording,
    Kind.UNEXPECTED_STATUS: _unexpected_status_wording,
    Kind.UNREADABLE_ANSWER: _unreadable_answer_wording,
    Kind.NAME_NOT_FOUND: _name_not_found_wording,
    Kind.CONNECTION_REFUSED: _no_connection_wording,
    Kind.UNREACHABLE: _no_connection_wording,
    Kind.CONNECTION_LOST: _connection_lost_wording,
    Kind.TLS: _tls_wording,
    Kind.CONNECT_TIMEOUT: lambda _: _timeout_wording(settings.AITRONOS_CONNECT_TIMEOUT),
    Kind.READ_TIMEOUT: lambda _: _timeout_wording(settings.AITRONOS_READ_TIMEOUT),
    Kind.TOTAL_TIMEOUT: lambda _: _timeout_wording(settings.AITRONOS_TOTAL_TIMEOUT),
    Kind.INVALID_SECRET: _invalid_secret_wording,
    Kind.WITHHELD: _withheld_wording,
    Own.KEY_UNREADABLE: _key_unreadable_wording,
    Own.MASTER_KEY_MISFIT: _master_key_misfit_wording,
    Own.INTERNAL: _internal_error_wording,
}
