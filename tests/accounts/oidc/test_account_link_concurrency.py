"""Several first sign-ins at the same moment end in one link, whoever is first."""

from functools import partial
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount

from freddy_admin.accounts.oidc.account_links import account_link_create
from freddy_admin.accounts.oidc.errors import OidcError
from freddy_admin.accounts.people import person_get_or_create
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import ACTOR
from tests.concurrency import (  # noqa: F401  the database of these tests
    IS_SQLITE,
    run_concurrently,
    run_in_thread,
    shared_database,
)

pytestmark = [
    pytest.mark.django_db(transaction=not IS_SQLITE),
    pytest.mark.usefixtures("shared_database"),
]


@pytest.fixture(autouse=True)
def two_people(settings: Any, shared_database: None) -> None:  # noqa: F811  the fixture
    settings.OIDC_ISSUER = "https://login.example.org"
    for name in ("ada", "eve"):
        create_person = partial(
            person_get_or_create, actor=ACTOR, email=f"{name}@example.org", password=None
        )
        run_in_thread(create_person)


def create_link_or_reason(name: str, subject: str) -> str:
    try:
        return account_link_create(actor=ACTOR, email=f"{name}@example.org", subject=subject).email
    except OidcError as error:
        return error.reason


def link_and_audit_counts() -> tuple[int, int]:
    audit_count = AuditEvent.objects.filter(tag="single_sign_on_linked").count()
    return SocialAccount.objects.count(), audit_count


def test_person_in_many_tabs_is_linked_once_and_signed_in_everywhere() -> None:
    assert (
        run_concurrently([partial(create_link_or_reason, "ada", "one")] * 6)
        == ["ada@example.org"] * 6
    )
    assert run_in_thread(link_and_audit_counts) == (1, 1)


def test_of_two_subjects_for_one_account_one_is_refused() -> None:
    results = run_concurrently(
        [partial(create_link_or_reason, "ada", "one"), partial(create_link_or_reason, "ada", "two")]
    )
    assert sorted(results) == ["ada@example.org", "linked to another subject"]
    assert run_in_thread(link_and_audit_counts) == (1, 1)


def test_of_two_accounts_for_one_subject_one_is_refused() -> None:
    results = run_concurrently(
        [partial(create_link_or_reason, "ada", "one"), partial(create_link_or_reason, "eve", "one")]
    )
    assert sorted(results)[1] == "linked to another subject"
    assert run_in_thread(link_and_audit_counts) == (1, 1)
