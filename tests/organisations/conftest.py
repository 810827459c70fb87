import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role

ACTOR = Actor(name="tester", address="127.0.0.1")


def user_create(name: str, *, active: bool = True, admin: bool = False) -> User:
    return User.objects.create(
        email=f"{name}@example.org", is_active=active, is_platform_admin=admin
    )


@pytest.fixture
def organisation(db: None) -> Organisation:
    return Organisation.objects.create(name="Acme", slug="acme")


@pytest.fixture
def other_organisation(db: None) -> Organisation:
    return Organisation.objects.create(name="Nord", slug="nord")


@pytest.fixture
def member(organisation: Organisation) -> User:
    return member_create(organisation, "member", Role.VIEWER)


@pytest.fixture
def manager(organisation: Organisation) -> User:
    return member_create(organisation, "manager", Role.MANAGER)


@pytest.fixture
def other_manager(other_organisation: Organisation) -> User:
    return member_create(other_organisation, "stranger", Role.MANAGER)


@pytest.fixture
def admin(db: None) -> User:
    return user_create("admin", admin=True)


def member_create(organisation: Organisation, name: str, role: Role) -> User:
    user = user_create(name)
    Membership.objects.create(organisation=organisation, user=user, role=role)
    return user
