"""What can go wrong, each with a sentence for the person and a word for the log."""

from collections.abc import Callable

from django.conf import settings
from django.utils.translation import gettext as _


class SignOnRefused(Exception):
    """Nobody is signed in. `message` is for the person; `reason`, without a secret, for the log.

    `subject` is the address it is about, where the provider vouched for one.
    """

    def __init__(self, message: str, *, reason: str, subject: str = "") -> None:
        super().__init__(reason)
        self.message, self.reason, self.subject = message, reason, subject


def provider_fault(reason: str) -> SignOnRefused:
    """The provider, or the way to it, failed; there is nothing the person did wrong."""
    return _refused(
        lambda: _(
            "%(name)s could not be reached, or gave an answer that makes no sense. Try again in a "
            "minute; if it stays, tell whoever looks after this panel."
        ),
        reason,
    )


def answer_untrusted(reason: str) -> SignOnRefused:
    """What the provider said of the person does not prove it."""
    return _refused(
        lambda: _(
            "The answer of %(name)s could not be trusted, so nobody was signed in. Begin again; "
            "if it stays, tell whoever looks after this panel."
        ),
        reason,
    )


def address_not_vouched(reason: str) -> SignOnRefused:
    """Without a verified address nobody can be found here."""
    return _refused(
        lambda: _(
            "%(name)s did not say that your e-mail address is verified, so it opens no account "
            "here. Have it verified there, or sign in with your password."
        ),
        reason,
    )


def nobody_here(email: str) -> SignOnRefused:
    """There is no account for this address, or it is switched off: the two are not told apart."""
    return SignOnRefused(
        _(
            "There is no account for %(email)s in this panel. If you were invited, open the link "
            "of the invitation first; else ask a manager for one."
        )
        % {"email": email},
        reason="no such account",
        subject=email,
    )


def linked_elsewhere(email: str) -> SignOnRefused:
    """The address went to somebody else at the provider; the account here did not."""
    return _refused(
        lambda: _(
            "The account of this address is linked to another person at %(name)s. If that is "
            "you, ask a platform admin to unlink it, then sign in again."
        ),
        "linked to another subject",
        email,
    )


def attempt_unknown() -> SignOnRefused:
    """It began in another browser, too long ago, or was used already."""
    return SignOnRefused(
        _("This sign-in did not begin in this browser, or is too old. Begin again."),
        reason="unknown state",
    )


def cancelled(error: str) -> SignOnRefused:
    """The provider sent the person back without an answer."""
    if error == "access_denied":
        return _refused(
            lambda: _("%(name)s did not let you in, or you turned back. Nobody was signed in."),
            "turned back",
        )
    return provider_fault("error instead of an answer")


def _refused(sentence: Callable[[], str], reason: str, subject: str = "") -> SignOnRefused:
    message = sentence() % {"name": settings.OIDC_NAME}
    return SignOnRefused(message, reason=reason, subject=subject)
