"""People, organisations and keys of the vault's tests. All secrets are made up."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.services.candidates import candidate_promote
from freddy_admin.vault.services.keys import api_key_create

SECRET = "ak_live_0123456789abcdefghijklmnopqrstuv"
OTHER_SECRET = "ak_live_zyxwvutsrqponmlkjihgfedcba9876543"
MakeKey = Callable[..., ApiKey]


class ManualClock:
    """A clock that a test moves by setting `at`."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def hand_clock() -> Iterator[ManualClock]:
    manual_clock = ManualClock()
    with clock.override_clock(manual_clock):
        yield manual_clock


@pytest.fixture
def actor() -> Actor:
    return Actor(name="Mara", id=7, address="192.0.2.7")


@pytest.fixture
def organisation(db: None) -> Organisation:
    return Organisation.objects.create(name="Acme", slug="acme")


@pytest.fixture
def other_organisation(db: None) -> Organisation:
    return Organisation.objects.create(name="Other", slug="other")


@pytest.fixture
def member(organisation: Organisation) -> User:
    user = User.objects.create(email="mara@example.org", created_at=clock.now())
    Membership.objects.create(
        organisation=organisation, user=user, role=Role.MANAGER, created_at=clock.now()
    )
    return user


@pytest.fixture
def draft_key(organisation: Organisation, actor: Actor) -> MakeKey:
    """Creates a key whose first secret is a candidate that waits for its test."""

    def make(
        secret: str = SECRET, *, label: str = "Main", key_organisation: Organisation | None = None
    ) -> ApiKey:
        return api_key_create(
            organisation=key_organisation or organisation,
            actor=actor,
            details=KeyDetails(label=label),
            secret=secret,
        )

    return make


@pytest.fixture
def active_key(draft_key: MakeKey, actor: Actor) -> MakeKey:
    """Creates a key in use."""

    def make(
        secret: str = SECRET, *, label: str = "Main", key_organisation: Organisation | None = None
    ) -> ApiKey:
        key = draft_key(secret, label=label, key_organisation=key_organisation)
        return candidate_promote(
            organisation=key.organisation, actor=actor, key=key, version=key.candidate.version
        )

    return make
