"""Which account here belongs to whom at the provider. No token of the provider is kept."""

from datetime import datetime

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import IntegrityError, transaction

from freddy_admin.accounts.models import User
from freddy_admin.accounts.single_sign_on.faults import linked_elsewhere, nobody_here
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag


def link_person(*, subject: str) -> User | None:
    """Whose account is linked to this subject; switched off or not."""
    found = SocialAccount.objects.filter(provider=settings.OIDC_ISSUER, uid=subject)
    link = found.select_related("user").first()
    return link.user if link else None


@transaction.atomic
def link_make(*, actor: Actor, email: str, subject: str) -> User:
    """Link the account of this verified address for good, and give it.

    Raises SignOnRefused where there is none, or where it belongs to another subject.
    """
    person = User.objects.select_for_update().filter(email=email, is_active=True).first()
    if person is None:
        raise nobody_here(email)
    link = SocialAccount.objects.filter(provider=settings.OIDC_ISSUER, user=person).first()
    if link is not None and link.uid == subject:  # by another tab, at the same moment
        return person
    if link is not None:
        raise linked_elsewhere(email)
    try:
        with transaction.atomic():
            SocialAccount.objects.create(
                user=person, provider=settings.OIDC_ISSUER, uid=subject, extra_data={}
            )
    except IntegrityError:  # the same subject at the same moment, for another account
        raise linked_elsewhere(email) from None
    named = Actor(name=_name(person), id=person.pk, address=actor.address)
    audit_record(tag=Tag.SINGLE_SIGN_ON_LINKED, actor=named, subject=person.email)
    return person


@transaction.atomic
def link_remove(*, actor: Actor, user: User) -> bool:
    """Forget every link of this account; whether there was one."""
    gone, _each = SocialAccount.objects.filter(user=user).delete()
    if gone:
        audit_record(tag=Tag.SINGLE_SIGN_ON_UNLINKED, actor=actor, subject=user.email)
    return bool(gone)


def links_since(*, user: User) -> list[tuple[str, datetime]]:
    """The providers this account is linked to, and since when."""
    found = SocialAccount.objects.filter(user=user).order_by("pk")
    return list(found.values_list("provider", "date_joined"))


def is_linked(*, user: User) -> bool:
    """Whether this account can be confirmed through the provider of the settings."""
    if not settings.OIDC_ISSUER:
        return False
    return bool(SocialAccount.objects.filter(user=user, provider=settings.OIDC_ISSUER).exists())


def _name(person: User) -> str:
    return f"{person.name} ({person.email})" if person.name else person.email
