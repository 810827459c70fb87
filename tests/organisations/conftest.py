import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role

ACTOR = Actor(name="tester", address="127.0.0.1")


def person(name: str, *, active: bool = True, admin: bool = False) -> User:
    return User.objects.create(
        email=f"{name}@example.org", is_active=active, is_platform_admin=admin
    )


@pytest.fixture
def organisation(db: None) -> Organisation:
    return Organisation.objects.create(name="Acme", slug="acme")


@pytest.fixture
def other(db: None) -> Organisation:
    return Organisation.objects.create(name="Nord", slug="nord")


@pytest.fixture
def member(organisation: Organisation) -> User:
    return enrolled(organisation, "member", Role.VIEWER)


@pytest.fixture
def manager(organisation: Organisation) -> User:
    return enrolled(organisation, "manager", Role.MANAGER)


@pytest.fixture
def stranger(other: Organisation) -> User:
    return enrolled(other, "stranger", Role.MANAGER)


@pytest.fixture
def admin(db: None) -> User:
    return person("admin", admin=True)


def enrolled(organisation: Organisation, name: str, role: Role) -> User:
    user = person(name)
    Membership.objects.create(organisation=organisation, user=user, role=role)
    return user
