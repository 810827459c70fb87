"""Members, and invitations whose link a test knows."""

from itertools import count
from typing import Any

from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.invitations import INVITATION_LIFETIME, token_digest
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import Role

_sequence = count(1)


def create_member(organisation: Organisation, role: str = Role.VIEWER, **values: Any) -> User:
    """A new member with a name and an e-mail address that no other has."""
    number, now = next(_sequence), clock.now()
    defaults = {"email": f"member-{number}@example.org", "name": f"Member {number}"}
    user = User.objects.create(created_at=now, **(defaults | values))
    Membership.objects.create(organisation=organisation, user=user, role=role, created_at=now)
    return user


def create_invitation(
    organisation: Organisation, email: str = "", role: str = Role.OPERATOR, **values: Any
) -> tuple[Invitation, str]:
    """A sent invitation, and the secret part of its link."""
    number, now = next(_sequence), clock.now()
    token = f"token-{number}-of-a-test"
    defaults = {
        "invited_by": "Manager (manager@example.org)",
        "created_at": now,
        "requested_at": now,
        "sent_at": now,
        "expires_at": now + INVITATION_LIFETIME,
    }
    invitation = Invitation.objects.create(
        organisation=organisation,
        email=email or f"invited-{number}@example.org",
        role=role,
        digest=token_digest(token),
        **(defaults | values),
    )
    return invitation, token


def create_unsent_mail(invitation: Invitation, **values: Any) -> OutboxMessage:
    """The mail of an invitation, as it waits in the outbox."""
    defaults = {"lane": "mail", "kind": "invitation", "requested_at": invitation.requested_at}
    return OutboxMessage.objects.create(object_id=invitation.pk, **(defaults | values))


def get_page_text(client: Client, address: str) -> str:
    """The HTML at an address, after its redirects."""
    return client.get(address, follow=True).content.decode()
