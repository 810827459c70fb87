"""Errors of single sign-on, each with a message for the person and a reason for the log."""

from django.conf import settings
from django.utils.translation import gettext as _


class OidcError(Exception):
    """Single sign-on failed, so nobody was signed in or reauthenticated.

    `message` is for the person; `reason`, without a secret, for the log. `subject` is the e-mail
    address it is about, where the provider vouched for one.
    """

    def __init__(self, message: str, *, reason: str, subject: str = "") -> None:
        super().__init__(reason)
        self.message, self.reason, self.subject = message, reason, subject


def provider_unavailable_error(reason: str) -> OidcError:
    """The provider, or the network on the way to it, failed; the person did nothing wrong."""
    return _build_error(
        _(
            "%(name)s could not be reached, or gave an answer that makes no sense. Try again in a "
            "minute; if it stays, tell whoever looks after this panel."
        ),
        reason,
    )


def untrusted_response_error(reason: str) -> OidcError:
    """The provider's response does not prove who the person is."""
    return _build_error(
        _(
            "The answer of %(name)s could not be trusted, so nobody was signed in. Begin again; "
            "if it stays, tell whoever looks after this panel."
        ),
        reason,
    )


def email_not_verified_error(reason: str) -> OidcError:
    """The provider gave no verified e-mail address to find an account by."""
    return _build_error(
        _(
            "%(name)s did not say that your e-mail address is verified, so it opens no account "
            "here. Have it verified there, or sign in with your password."
        ),
        reason,
    )


def account_not_found_error(email: str) -> OidcError:
    """There is no active account for this address; an inactive one gets the same message."""
    return OidcError(
        _(
            "There is no account for %(email)s in this panel. If you were invited, open the link "
            "of the invitation first; else ask a manager for one."
        )
        % {"email": email},
        reason="no such account",
        subject=email,
    )


def account_already_linked_error(email: str) -> OidcError:
    """The account of this address is linked to another subject at the provider."""
    return _build_error(
        _(
            "The account of this address is linked to another person at %(name)s. If that is "
            "you, ask a platform admin to unlink it, then sign in again."
        ),
        "linked to another subject",
        email,
    )


def unknown_state_error() -> OidcError:
    """The attempt began in another browser or too long ago, or was used already."""
    return OidcError(
        _("This sign-in did not begin in this browser, or is too old. Begin again."),
        reason="unknown state",
    )


def authorization_denied_error(error: str) -> OidcError:
    """The provider sent the person back with `error` instead of a code."""
    if error == "access_denied":
        return _build_error(
            _("%(name)s did not let you in, or you turned back. Nobody was signed in."),
            "turned back",
        )
    return provider_unavailable_error("error instead of an answer")


def _build_error(sentence: str, reason: str, subject: str = "") -> OidcError:
    return OidcError(sentence % {"name": settings.OIDC_NAME}, reason=reason, subject=subject)
