"""More people, and invitations whose link a test knows."""

from itertools import count
from typing import Any

from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.invitations import VALID_FOR, token_digest
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import Role

_numbers = count(1)


def member_made(organisation: Organisation, role: str = Role.VIEWER, **values: Any) -> User:
    """One more member, of whom there is no other."""
    number, now = next(_numbers), clock.now()
    named = {"email": f"member-{number}@example.org", "name": f"Member {number}"}
    user = User.objects.create(created_at=now, **(named | values))
    Membership.objects.create(organisation=organisation, user=user, role=role, created_at=now)
    return user


def invitation_made(
    organisation: Organisation, email: str = "", role: str = Role.OPERATOR, **values: Any
) -> tuple[Invitation, str]:
    """An invitation that was sent, and the secret part of its link."""
    number, now = next(_numbers), clock.now()
    token = f"token-{number}-of-a-test"
    asked = {
        "invited_by": "Manager (manager@example.org)",
        "created_at": now,
        "asked_at": now,
        "sent_at": now,
        "expires_at": now + VALID_FOR,
    }
    made = Invitation.objects.create(
        organisation=organisation,
        email=email or f"invited-{number}@example.org",
        role=role,
        digest=token_digest(token),
        **(asked | values),
    )
    return made, token


def text(client: Client, address: str) -> str:
    """A page, wherever its address leads."""
    return client.get(address, follow=True).content.decode()
