"""What the sign-in library reports, written down in the audit log."""

import time
from typing import Any, Final

from allauth.account.authentication import get_authentication_records
from allauth.account.signals import password_changed, password_reset
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from freddy_admin.accounts.actors import actor_for
from freddy_admin.accounts.models import User
from freddy_admin.accounts.second_factor.required import (
    second_factor_is_last,
    second_factor_remember,
)
from freddy_admin.accounts.selectors import address_typed
from freddy_admin.accounts.sessions import session_begin, sessions_end_all
from freddy_admin.accounts.signing_in.known_devices import device_remember
from freddy_admin.audit.services import audit_record
from freddy_admin.audit.tags import Tag

SIGNED_IN_AT: Final = "signed_in_at"
SINGLE_SIGN_ON: Final = "single sign-on"


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    records = get_authentication_records(request, user)
    ways = [record["method"] for record in records if record["method"] != "mfa"]
    details: dict[str, Any] = {"way": SINGLE_SIGN_ON} if ways[-1:] == ["socialaccount"] else {}
    actor = actor_for(user, request)
    audit_record(tag=Tag.SIGNED_IN, actor=actor, subject=user.email, **details)
    request.session[SIGNED_IN_AT] = time.time()
    session_begin(request, user)
    device_remember(request, user.email)


@receiver(user_logged_out)
def _signed_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        audit_record(tag=Tag.SIGNED_OUT, actor=actor_for(user, request), subject=user.email)


@receiver(user_login_failed)
def _sign_in_failed(
    credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    person = getattr(request, "user", None)
    if isinstance(person, User):
        _confirmation_failed(request, person, "password")
        return
    typed = address_typed(credentials.get("email"))
    known = User.objects.filter(email=typed).exists()
    audit_record(
        tag=Tag.SIGN_IN_FAILED,
        actor=actor_for(None, request),
        subject=typed if known else _shortened(typed),
        # Two that look alike when shortened: counted apart, as two that are known are.
        same_as=typed,
        step="password",
    )


@receiver(authentication_failed)
def _second_factor_failed(
    request: HttpRequest, user: User, reauthentication: bool = False, **_: Any
) -> None:
    if reauthentication:
        _confirmation_failed(request, user, "second factor")
        return
    audit_record(
        tag=Tag.SIGN_IN_FAILED,
        actor=actor_for(None, request),
        subject=user.email,
        step="second factor",
    )


def single_sign_on_failed(request: HttpRequest, *, reason: str, subject: str) -> None:
    """Nobody came in through the provider, or nobody was confirmed; `reason` holds no secret."""
    person = request.user if isinstance(request.user, User) else None
    audit_record(
        tag=Tag.CONFIRMATION_FAILED if person else Tag.SIGN_IN_FAILED,
        actor=actor_for(person, request),
        subject=person.email if person else subject,
        step=SINGLE_SIGN_ON,
        reason=reason,
    )


def passkey_failed(request: HttpRequest, user: User | None) -> None:
    """A passkey was shown that does not fit; the library reports it to nobody."""
    if isinstance(request.user, User):
        _confirmation_failed(request, request.user, "passkey")
        return
    subject = user.email if user else ""
    actor = actor_for(None, request)
    audit_record(tag=Tag.SIGN_IN_FAILED, actor=actor, subject=subject, step="passkey")


def passkey_renamed(request: HttpRequest, passkey: Authenticator) -> None:
    """The same for a new name."""
    user = passkey.user
    _second_factor_changed(Tag.SECOND_FACTOR_CHANGED, request, user, passkey)


def _confirmation_failed(request: HttpRequest | None, user: User, step: str) -> None:
    actor = actor_for(user, request)
    audit_record(tag=Tag.CONFIRMATION_FAILED, actor=actor, subject=user.email, step=step)


@receiver([password_changed, password_reset])
def _password_changed(request: HttpRequest, user: User, **_: Any) -> None:
    audit_record(tag=Tag.PASSWORD_CHANGED, actor=actor_for(user, request), subject=user.email)
    # By the mailed link or by the former password: it is them, in this browser.
    device_remember(request, user.email)
    # They cannot be used any more, and so they go: all but the one it was changed in.
    own = request.session.session_key if request.user == user else None
    sessions_end_all(actor=actor_for(user, request), user=user, keep=own)


@receiver(authenticator_added)
def _second_factor_added(request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    _second_factor_changed(Tag.SECOND_FACTOR_ADDED, request, user, authenticator)
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return
    second_factor_remember(request, user)
    if second_factor_is_last(authenticator):
        # The first one: what came in by a password alone could take it away by that password.
        actor, own = actor_for(user, request), request.session.session_key
        sessions_end_all(actor=actor, user=user, keep=own)


@receiver(authenticator_removed)
def _second_factor_removed(request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    _second_factor_changed(Tag.SECOND_FACTOR_REMOVED, request, user, authenticator)


@receiver(authenticator_reset)
def _codes_made_anew(request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    _second_factor_changed(Tag.SECOND_FACTOR_CHANGED, request, user, authenticator)


def _second_factor_changed(tag: Tag, request: HttpRequest, user: User, authenticator: Any) -> None:
    details: dict[str, Any] = {"kind": str(authenticator.type)}
    if authenticator.type == Authenticator.Type.WEBAUTHN:
        details["name"] = str(authenticator.data["name"])
    audit_record(tag=tag, actor=actor_for(user, request), subject=user.email, **details)


def _shortened(typed: str) -> str:
    # Not an address of ours: perhaps a password in the wrong field, so most of it is left out.
    return f"{typed[:2]}…" if typed else ""
