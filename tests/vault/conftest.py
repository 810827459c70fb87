"""Keys of the vault's tests, and who sets them. All secrets are made up."""

from collections.abc import Callable

import pytest

from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.services.candidates import candidate_promote
from freddy_admin.vault.services.keys import api_key_create

SECRET = "ak_live_0123456789abcdefghijklmnopqrstuv"
OTHER_SECRET = "ak_live_zyxwvutsrqponmlkjihgfedcba9876543"
MakeKey = Callable[..., ApiKey]


@pytest.fixture
def actor() -> Actor:
    return Actor(name="Mara", id=7, address="192.0.2.7")


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
