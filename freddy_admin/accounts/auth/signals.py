"""Receivers of the sign-in library's signals, which record them in the audit log."""

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

from freddy_admin.accounts.auth.known_devices import known_device_mark_request
from freddy_admin.accounts.models import User, email_normalize
from freddy_admin.accounts.people import is_last_second_factor
from freddy_admin.accounts.session_list import sessions_sign_out_all
from freddy_admin.accounts.sessions import (
    SIGNED_IN_AT_KEY,
    second_factor_mark_verified,
    session_record_sign_in,
)
from freddy_admin.audit.services import actor_from_user, audit_event_record
from freddy_admin.audit.tags import AuditTag

SINGLE_SIGN_ON: Final = "single sign-on"


@receiver(user_logged_in)
def _handle_user_logged_in(request: HttpRequest, user: User, **_: Any) -> None:
    records = get_authentication_records(request, user)
    methods = [record["method"] for record in records if record["method"] != "mfa"]
    is_oidc = methods[-1:] == ["socialaccount"]
    details: dict[str, Any] = {"way": SINGLE_SIGN_ON} if is_oidc else {}
    actor = actor_from_user(user, request)
    audit_event_record(tag=AuditTag.SIGNED_IN, actor=actor, subject=user.email, **details)
    request.session[SIGNED_IN_AT_KEY] = time.time()
    session_record_sign_in(request, user)
    known_device_mark_request(request, user.email)


@receiver(user_logged_out)
def _handle_user_logged_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        audit_event_record(
            tag=AuditTag.SIGNED_OUT, actor=actor_from_user(user, request), subject=user.email
        )


@receiver(user_login_failed)
def _handle_user_login_failed(
    credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    person = getattr(request, "user", None)
    if isinstance(person, User):
        _reauthentication_failure_record(request, person, "password")
        return
    login = email_normalize(credentials.get("email"))
    is_known = User.objects.filter(email=login).exists()
    audit_event_record(
        tag=AuditTag.SIGN_IN_FAILED,
        actor=actor_from_user(None, request),
        subject=login if is_known else _shorten_unknown_login(login),
        # Logins that are equal once shortened are counted apart, as known ones are.
        same_as=login,
        step="password",
    )


@receiver(authentication_failed)
def _handle_second_factor_failed(
    request: HttpRequest, user: User, reauthentication: bool = False, **_: Any
) -> None:
    if reauthentication:
        _reauthentication_failure_record(request, user, "second factor")
        return
    audit_event_record(
        tag=AuditTag.SIGN_IN_FAILED,
        actor=actor_from_user(None, request),
        subject=user.email,
        step="second factor",
    )


def oidc_failure_record(request: HttpRequest, *, reason: str, subject: str) -> None:
    """Record that a sign-in or a reauthentication by OIDC failed; `reason` holds no secret."""
    person = request.user if isinstance(request.user, User) else None
    audit_event_record(
        tag=AuditTag.CONFIRMATION_FAILED if person else AuditTag.SIGN_IN_FAILED,
        actor=actor_from_user(person, request),
        subject=person.email if person else subject,
        step=SINGLE_SIGN_ON,
        reason=reason,
    )


def passkey_failure_record(request: HttpRequest, user: User | None) -> None:
    """Record that a passkey was not accepted, for which the library sends no signal."""
    if isinstance(request.user, User):
        _reauthentication_failure_record(request, request.user, "passkey")
        return
    subject = user.email if user else ""
    actor = actor_from_user(None, request)
    audit_event_record(tag=AuditTag.SIGN_IN_FAILED, actor=actor, subject=subject, step="passkey")


def passkey_rename_record(request: HttpRequest, passkey: Authenticator) -> None:
    """Record that a passkey was renamed, for which the library sends no signal."""
    user = passkey.user
    _second_factor_change_record(AuditTag.SECOND_FACTOR_CHANGED, request, user, passkey)


def _reauthentication_failure_record(request: HttpRequest | None, user: User, step: str) -> None:
    actor = actor_from_user(user, request)
    audit_event_record(tag=AuditTag.CONFIRMATION_FAILED, actor=actor, subject=user.email, step=step)


@receiver([password_changed, password_reset])
def _handle_password_changed(request: HttpRequest, user: User, **_: Any) -> None:
    audit_event_record(
        tag=AuditTag.PASSWORD_CHANGED, actor=actor_from_user(user, request), subject=user.email
    )
    # Whoever had the mailed link or the former password owns the account: know their browser.
    known_device_mark_request(request, user.email)
    # A new password makes all other sessions invalid, so their rows are deleted.
    current_key = request.session.session_key if request.user == user else None
    sessions_sign_out_all(actor=actor_from_user(user, request), user=user, keep=current_key)


@receiver(authenticator_added)
def _handle_authenticator_added(
    request: HttpRequest, user: User, authenticator: Any, **_: Any
) -> None:
    _second_factor_change_record(AuditTag.SECOND_FACTOR_ADDED, request, user, authenticator)
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return
    second_factor_mark_verified(request, user)
    if is_last_second_factor(authenticator):
        # Of a first factor: a session that knows the password alone could remove it again.
        actor, current_key = actor_from_user(user, request), request.session.session_key
        sessions_sign_out_all(actor=actor, user=user, keep=current_key)


@receiver(authenticator_removed)
def _handle_authenticator_removed(
    request: HttpRequest, user: User, authenticator: Any, **_: Any
) -> None:
    _second_factor_change_record(AuditTag.SECOND_FACTOR_REMOVED, request, user, authenticator)


@receiver(authenticator_reset)
def _handle_authenticator_reset(
    request: HttpRequest, user: User, authenticator: Any, **_: Any
) -> None:
    _second_factor_change_record(AuditTag.SECOND_FACTOR_CHANGED, request, user, authenticator)


def _second_factor_change_record(
    tag: AuditTag, request: HttpRequest, user: User, authenticator: Any
) -> None:
    details: dict[str, Any] = {"kind": str(authenticator.type)}
    if authenticator.type == Authenticator.Type.WEBAUTHN:
        details["name"] = str(authenticator.data["name"])
    audit_event_record(tag=tag, actor=actor_from_user(user, request), subject=user.email, **details)


def _shorten_unknown_login(login: str) -> str:
    # It may be a password typed into the wrong field, so most of it is left out.
    return f"{login[:2]}…" if login else ""
