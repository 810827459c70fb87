"""Password resets: requested on the page, mailed by the worker; no response waits for mail."""

from datetime import timedelta
from functools import partial
from typing import Final

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import PasswordResetRequest, User, email_normalize
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import trusted_now
from freddy_admin.core.mail import MAIL_LANE, mail_send
from freddy_admin.core.outbox import (
    NothingToSend,
    OutboxKind,
    Send,
    outbox_cancel,
    outbox_enqueue,
    outbox_kind_register,
)
from freddy_admin.core.panel_urls import panel_url

PASSWORD_RESET_MAIL: Final = "password_reset"  # noqa: S105  the kind of its message in the outbox
EXPIRES_AFTER: Final = timedelta(hours=6)
_DISCARD_BATCH_SIZE: Final = 500


@transaction.atomic
def password_reset_request_create(*, email: str) -> None:
    """Record a request for a new password for this address, known or not."""
    values = {"requested_at": clock.now()}
    # The same statements, whether or not there was a request for the address before.
    (reset_request,) = PasswordResetRequest.objects.bulk_create(
        [PasswordResetRequest(email=email_normalize(email), **values)],
        update_conflicts=True,
        unique_fields=["email"],
        update_fields=list(values),
    )
    party = f"{PASSWORD_RESET_MAIL} {reset_request.pk}"  # each by itself
    outbox_enqueue(kind=PASSWORD_RESET_MAIL, object_id=reset_request.pk, party=party)


def password_reset_requests_prune() -> int:
    """Delete requests older than `EXPIRES_AFTER`; how many. None while the clocks disagree."""
    now = trusted_now()
    if now is None:
        return 0
    expired = PasswordResetRequest.objects.filter(requested_at__lt=now - EXPIRES_AFTER)
    deleted_count, _by_model = expired.delete()
    return deleted_count


def _requests_of_nobody_delete() -> None:
    """Delete requests without an active person: made-up addresses must delay nobody's mail."""
    person = User.objects.filter(email=OuterRef("email"), is_active=True)
    of_nobody = PasswordResetRequest.objects.exclude(Exists(person))
    while True:
        with transaction.atomic():
            rows = of_nobody.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
            ids = list(rows.values_list("pk", flat=True)[:_DISCARD_BATCH_SIZE])
            PasswordResetRequest.objects.filter(pk__in=ids).delete()
            outbox_cancel(kind=PASSWORD_RESET_MAIL, object_ids=ids)
        if len(ids) < _DISCARD_BATCH_SIZE:
            return


def _reset_mail_prepare(request_id: int) -> Send:
    rows = PasswordResetRequest.objects.select_for_update(no_key=True)
    reset_request = rows.filter(pk=request_id).first()
    if reset_request is None:
        raise NothingToSend
    person = User.objects.filter(email=reset_request.email, is_active=True).first()
    if person is None:
        reset_request.delete()
        raise NothingToSend
    return partial(mail_send, _reset_email(person))


def _reset_mail_record_sent(request_id: int, _answer: object) -> None:
    PasswordResetRequest.objects.filter(pk=request_id).delete()


def _reset_email(person: User) -> EmailMessage:
    token = default_token_generator.make_token(person)
    link = panel_url("account_reset_password_from_key", user_pk_to_url_str(person), token)
    # Never the host of a request, which the sender chooses.
    text = render_to_string("mail/password_reset.txt", {"link": link})
    return EmailMessage(_("Choose a new password for Freddy Admin"), text, to=[person.email])


outbox_kind_register(
    OutboxKind(
        name=PASSWORD_RESET_MAIL,
        lane=MAIL_LANE,
        lifetime=EXPIRES_AFTER,
        gives_up_after=EXPIRES_AFTER,
        prepare=_reset_mail_prepare,
        record_sent=_reset_mail_record_sent,
        discard=_requests_of_nobody_delete,
    )
)
