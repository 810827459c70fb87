"""Forgotten passwords: noted by the page, mailed by the worker; no answer waits for mail."""

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

from freddy_admin.accounts.models import ResetWish, User
from freddy_admin.accounts.selectors import address_typed
from freddy_admin.core import clock
from freddy_admin.core.clock_guard import deletion_now

log = logging.getLogger(__name__)

AT_ONCE: Final = 20
GIVEN_UP_AFTER: Final = timedelta(hours=6)
_FIRST_WAIT: Final = timedelta(seconds=30)
_LONGEST_WAIT: Final = timedelta(minutes=30)


@transaction.atomic
def reset_ask(*, email: str) -> None:
    """Note that somebody asked for a new password for this address, known or not."""
    now = clock.now()
    fresh = {"asked_at": now, "attempts": 0, "next_attempt_at": now}
    rows = [ResetWish(email=address_typed(email), **fresh)]
    # One statement, whether or not the address was asked for before.
    ResetWish.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["email"], update_fields=list(fresh)
    )


def resets_send_due(*, limit: int = AT_ONCE) -> int:
    """Send what is due, one after the other; how many went out. Any number may run at once."""
    # Those of nobody go first and at once: made-up addresses must not keep anybody waiting.
    _due().exclude(Exists(User.objects.filter(email=OuterRef("email"), is_active=True))).delete()
    due = _due().order_by("next_attempt_at").values_list("pk", flat=True)[:limit]
    return sum(_send(pk) for pk in list(due))


def resets_prune() -> int:
    """Give up what could not be mailed for hours; how many. None while the clocks disagree."""
    now = deletion_now()
    if now is None:
        return 0
    gone, _by_kind = ResetWish.objects.filter(asked_at__lt=now - GIVEN_UP_AFTER).delete()
    return gone


def _due() -> QuerySet[ResetWish]:
    now = clock.now()
    return ResetWish.objects.filter(next_attempt_at__lte=now, asked_at__gte=now - GIVEN_UP_AFTER)


def _send(pk: int) -> bool:
    found = _claim(pk)
    if found is None:
        return False
    wish, person = found
    try:
        _mail(person).send()
    except Exception as error:  # noqa: BLE001  whatever it is, the next attempt is written down
        # Its text may name the person or the server.
        log.warning("A link to a new password was not sent (%s).", type(error).__name__)
        return False
    # Unless they asked once more while it was on its way.
    ResetWish.objects.filter(pk=wish.pk, asked_at=wish.asked_at).delete()
    return True


@transaction.atomic
def _claim(pk: int) -> tuple[ResetWish, User] | None:
    """The wish, its next attempt put off, and whose it is; one of nobody's is forgotten."""
    wish = _due().select_for_update(no_key=True).filter(pk=pk).first()
    if wish is None:
        return None
    person = User.objects.filter(email=wish.email, is_active=True).first()
    if person is None:
        wish.delete()
        return None
    wish.attempts += 1
    wish.next_attempt_at = clock.now() + back_off(wish.attempts)
    wish.save(update_fields=["attempts", "next_attempt_at"])
    return wish, person


def back_off(attempts: int) -> timedelta:
    """How long to wait after so many attempts: half a minute, 1, 2, 4 … 30 minutes."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(attempts - 1, 10)))


def _mail(person: User) -> EmailMessage:
    token = default_token_generator.make_token(person)
    page = reverse("account_reset_password_from_key", args=[user_pk_to_url_str(person), token])
    # Never the host of somebody's request: there is none here.
    text = render_to_string("mail/password_reset.txt", {"link": settings.PANEL_URL + page})
    return EmailMessage(_("Choose a new password for Freddy Admin"), text, to=[person.email])
