"""Links of accounts to subjects at the provider. No token of the provider is stored."""

from datetime import datetime

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import IntegrityError, transaction

from freddy_admin.accounts.models import User
from freddy_admin.accounts.oidc.errors import (
    account_already_linked_error,
    account_not_found_error,
)
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag


def linked_person_get(*, subject: str) -> User | None:
    """The person whose account is linked to this subject, active or not; None without a link."""
    links = SocialAccount.objects.filter(provider=settings.OIDC_ISSUER, uid=subject)
    link = links.select_related("user").first()
    return link.user if link else None


@transaction.atomic
def account_link_create(*, actor: Actor, email: str, subject: str) -> User:
    """Link the account of this verified address to `subject` for good; returns its person.

    Raises OidcError where there is no such account, or it is linked to another subject.
    """
    person = User.objects.select_for_update().filter(email=email, is_active=True).first()
    if person is None:
        raise account_not_found_error(email)
    link = SocialAccount.objects.filter(provider=settings.OIDC_ISSUER, user=person).first()
    if link is not None and link.uid == subject:  # by another tab, at the same moment
        return person
    if link is not None:
        raise account_already_linked_error(email)
    try:
        with transaction.atomic():
            SocialAccount.objects.create(
                user=person, provider=settings.OIDC_ISSUER, uid=subject, extra_data={}
            )
    except IntegrityError:  # the same subject at the same moment, for another account
        raise account_already_linked_error(email) from None
    person_actor = Actor(name=_person_label(person), id=person.pk, address=actor.address)
    audit_event_record(tag=AuditTag.SINGLE_SIGN_ON_LINKED, actor=person_actor, subject=person.email)
    return person


@transaction.atomic
def account_link_delete(*, actor: Actor, user: User) -> bool:
    """Delete every link of this account; whether there was one."""
    deleted_count, _by_model = SocialAccount.objects.filter(user=user).delete()
    if deleted_count:
        audit_event_record(tag=AuditTag.SINGLE_SIGN_ON_UNLINKED, actor=actor, subject=user.email)
    return bool(deleted_count)


def account_links_list(*, user: User) -> list[tuple[str, datetime]]:
    """The providers this account is linked to, and since when."""
    links = SocialAccount.objects.filter(user=user).order_by("pk")
    return list(links.values_list("provider", "date_joined"))


def is_account_linked(*, user: User) -> bool:
    """Whether this account is linked to the provider that the settings name."""
    if not settings.OIDC_ISSUER:
        return False
    return bool(SocialAccount.objects.filter(user=user, provider=settings.OIDC_ISSUER).exists())


def _person_label(person: User) -> str:
    return f"{person.name} ({person.email})" if person.name else person.email
