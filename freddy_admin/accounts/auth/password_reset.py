"""Password resets: requested on the page, mailed by the worker; no response waits for mail."""

import logging
from datetime import timedelta
from typing import Final

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import PasswordResetRequest, User, email_normalize
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import trusted_now

log = logging.getLogger(__name__)

BATCH_SIZE: Final = 20
EXPIRES_AFTER: Final = timedelta(hours=6)
_FIRST_RETRY_DELAY: Final = timedelta(seconds=30)
_LONGEST_RETRY_DELAY: Final = timedelta(minutes=30)


@transaction.atomic
def password_reset_request_create(*, email: str) -> None:
    """Record a request for a new password for this address, known or not."""
    now = clock.now()
    values = {"requested_at": now, "attempts": 0, "next_attempt_at": now}
    rows = [PasswordResetRequest(email=email_normalize(email), **values)]
    # One statement, whether or not there was a request for the address before.
    PasswordResetRequest.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["email"], update_fields=list(values)
    )


def password_reset_requests_send_due(*, limit: int = BATCH_SIZE) -> int:
    """Send the requests that are due, one by one; returns how many. May run concurrently."""
    # Requests without a person are deleted first: made-up addresses must delay nobody's mail.
    _due_requests().exclude(
        Exists(User.objects.filter(email=OuterRef("email"), is_active=True))
    ).delete()
    pks = _due_requests().order_by("next_attempt_at").values_list("pk", flat=True)[:limit]
    return sum(_request_send(pk) for pk in list(pks))


def password_reset_requests_prune() -> int:
    """Delete requests older than `EXPIRES_AFTER`; how many. None while the clocks disagree."""
    now = trusted_now()
    if now is None:
        return 0
    expired = PasswordResetRequest.objects.filter(requested_at__lt=now - EXPIRES_AFTER)
    deleted_count, _by_model = expired.delete()
    return deleted_count


def _due_requests() -> QuerySet[PasswordResetRequest]:
    now = clock.now()
    return PasswordResetRequest.objects.filter(
        next_attempt_at__lte=now, requested_at__gte=now - EXPIRES_AFTER
    )


def _request_send(pk: int) -> bool:
    claim = _request_claim(pk)
    if claim is None:
        return False
    reset_request, person = claim
    try:
        _reset_email(person).send()
    except Exception as error:  # noqa: BLE001  whatever it is, the next attempt is scheduled
        # The error's text may name the person or the server.
        log.warning("A link to a new password was not sent (%s).", type(error).__name__)
        return False
    # Unless there was another request while the mail was being sent.
    PasswordResetRequest.objects.filter(
        pk=reset_request.pk, requested_at=reset_request.requested_at
    ).delete()
    return True


@transaction.atomic
def _request_claim(pk: int) -> tuple[PasswordResetRequest, User] | None:
    """The request, its next attempt scheduled, and its person; None if taken or nobody's."""
    reset_request = _due_requests().select_for_update(no_key=True).filter(pk=pk).first()
    if reset_request is None:
        return None
    person = User.objects.filter(email=reset_request.email, is_active=True).first()
    if person is None:
        reset_request.delete()
        return None
    reset_request.attempts += 1
    reset_request.next_attempt_at = clock.now() + retry_delay(reset_request.attempts)
    reset_request.save(update_fields=["attempts", "next_attempt_at"])
    return reset_request, person


def retry_delay(attempts: int) -> timedelta:
    """The wait after so many attempts: half a minute, then 1, 2, 4 … 30 minutes."""
    return min(_LONGEST_RETRY_DELAY, _FIRST_RETRY_DELAY * (1 << min(attempts - 1, 10)))


def _reset_email(person: User) -> EmailMessage:
    token = default_token_generator.make_token(person)
    path = reverse("account_reset_password_from_key", args=[user_pk_to_url_str(person), token])
    # Never the host of a request, which the sender chooses.
    text = render_to_string("mail/password_reset.txt", {"link": settings.PANEL_URL + path})
    return EmailMessage(_("Choose a new password for Freddy Admin"), text, to=[person.email])
