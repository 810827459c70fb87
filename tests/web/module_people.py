"""The people of tests and their sessions, made once for a module whose tests only ask pages.

A module imports all four fixtures. Its tests change rows as they like, but no person's password.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from tests.hand_clock import HandClock, hand_clock_block
from tests.module_rows import module_rows
from tests.people import People, member_create, user_create
from tests.web.conftest import SignIn, client_sign_in


@dataclass(frozen=True)
class ModulePeople:
    """Everybody, with the cookies of their sessions by their ids."""

    organisation: Organisation
    people: People
    cookies: dict[int, SimpleCookie]


@pytest.fixture(scope="module")
def module_people(django_db_setup: None, django_db_blocker: Any) -> Iterator[ModulePeople]:
    """What the other fixtures here give to each test."""
    with hand_clock_block(), module_rows(django_db_blocker, _people_create) as made:
        yield made


def _people_create() -> ModulePeople:
    alder, birch = (
        Organisation.objects.create(name=name, slug=name.lower(), created_at=clock.now())
        for name in ("Alder", "Birch")
    )
    people = People(
        user_create("admin", admin=True),
        member_create(alder, "manager", Role.MANAGER),
        member_create(alder, "operator", Role.OPERATOR),
        member_create(alder, "viewer", Role.VIEWER),
        member_create(birch, "stranger", Role.MANAGER),
    )
    cookies = {user.pk: client_sign_in(user).cookies for user in vars(people).values()}
    return ModulePeople(alder, people, cookies)


@pytest.fixture
def people(module_people: ModulePeople, db: None, hand_clock: HandClock) -> People:
    return module_people.people


@pytest.fixture
def organisation(module_people: ModulePeople, db: None, hand_clock: HandClock) -> Organisation:
    return module_people.organisation


@pytest.fixture
def signed_in(module_people: ModulePeople) -> SignIn:
    """A function that returns a client of a person who just typed their password."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.cookies = SimpleCookie(module_people.cookies[user.pk])
        return client

    return sign_in
