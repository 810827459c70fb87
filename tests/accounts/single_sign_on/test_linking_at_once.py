"""Several first sign-ins at the same moment end in one link, whoever is first."""

from functools import partial
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount

from freddy_admin.accounts.services import person_ensure
from freddy_admin.accounts.single_sign_on.faults import SignOnRefused
from freddy_admin.accounts.single_sign_on.links import link_make
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import ACTOR
from tests.at_once import (
    ON_SQLITE,
    alone,
    at_once,
    shared,  # noqa: F401  the database of these tests
)

pytestmark = [
    pytest.mark.django_db(transaction=not ON_SQLITE),
    pytest.mark.usefixtures("shared"),
]


@pytest.fixture(autouse=True)
def _two_people(settings: Any, shared: None) -> None:  # noqa: F811
    settings.OIDC_ISSUER = "https://login.example.org"
    for name in ("ada", "eve"):
        make = partial(person_ensure, actor=ACTOR, email=f"{name}@example.org", password=None)
        alone(make)


def _link(name: str, subject: str) -> str:
    try:
        return link_make(actor=ACTOR, email=f"{name}@example.org", subject=subject).email
    except SignOnRefused as refused:
        return refused.reason


def _kept() -> tuple[int, int]:
    linked = AuditEvent.objects.filter(tag="single_sign_on_linked").count()
    return SocialAccount.objects.count(), linked


def test_one_person_in_many_tabs_is_linked_once_and_comes_in_everywhere() -> None:
    assert at_once([partial(_link, "ada", "one")] * 6) == ["ada@example.org"] * 6
    assert alone(_kept) == (1, 1)


def test_of_two_subjects_for_one_account_one_is_refused() -> None:
    found = at_once([partial(_link, "ada", "one"), partial(_link, "ada", "two")])
    assert sorted(found) == ["ada@example.org", "linked to another subject"]
    assert alone(_kept) == (1, 1)


def test_of_two_accounts_for_one_subject_one_is_refused() -> None:
    found = at_once([partial(_link, "ada", "one"), partial(_link, "eve", "one")])
    assert sorted(found)[1] == "linked to another subject"
    assert alone(_kept) == (1, 1)
