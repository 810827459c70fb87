"""The people of tests: one for each relation to the first organisation.

Their fixtures are in `tests/conftest.py`.
"""

from dataclasses import dataclass

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role


@dataclass(frozen=True)
class People:
    """One person per relation to the first organisation."""

    admin: User
    manager: User
    operator: User
    viewer: User
    stranger: User


def user_create(name: str, *, active: bool = True, admin: bool = False) -> User:
    """A person with this name and an address at example.org, without a password."""
    return User.objects.create(
        email=f"{name}@example.org",
        name=name.title(),
        is_active=active,
        is_platform_admin=admin,
        created_at=clock.now(),
    )


def member_create(organisation: Organisation, name: str, role: Role) -> User:
    """A person who is a member of this organisation."""
    user = user_create(name)
    Membership.objects.create(
        organisation=organisation, user=user, role=role, created_at=clock.now()
    )
    return user


def member_get_or_create(organisation: Organisation, name: str, role: Role) -> User:
    """The member with this name, whichever fixture comes first."""
    user = User.objects.filter(email=f"{name}@example.org").first()
    return user or member_create(organisation, name, role)
