"""Drill S31: concurrent changes of organisations in threads; one succeeds, none breaks."""

from collections.abc import Callable
from functools import partial

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import PublicError
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.services import (
    member_ensure,
    organisation_create,
    organisation_delete,
    organisation_rename,
    organisations_ensure,
)
from tests.concurrency import (  # noqa: F401  the database of these tests
    IS_SQLITE,
    run_concurrently,
    run_in_thread,
    shared_database,
)
from tests.organisations.conftest import ACTOR, user_create

CONCURRENT_CALLS = 4

pytestmark = [
    pytest.mark.django_db(transaction=not IS_SQLITE),
    pytest.mark.usefixtures("shared_database"),
]


def service_outcomes(*calls: Callable[[], object]) -> list[str]:
    def service_outcome(call: Callable[[], object]) -> str:
        try:
            call()
        except PublicError as error:
            return type(error).__name__
        return "done"

    return run_concurrently([lambda call=call: service_outcome(call) for call in calls])


def organisation_alder_create() -> Organisation:
    return run_in_thread(lambda: Organisation.objects.create(name="Alder", slug="alder"))


def organisation_reload(organisation: Organisation) -> Organisation:
    """The organisation as another request would read it."""
    return run_in_thread(lambda: Organisation.objects.get(pk=organisation.pk))


def audit_event_count(tag: AuditTag) -> int:
    return run_in_thread(AuditEvent.objects.filter(tag=tag).count)


def test_of_many_concurrent_deletions_of_an_organisation_one_succeeds() -> None:
    organisation = organisation_alder_create()
    copies = [organisation_reload(organisation) for _ in range(CONCURRENT_CALLS)]
    results = service_outcomes(
        *[lambda copy=copy: organisation_delete(organisation=copy, actor=ACTOR) for copy in copies]
    )

    assert sorted(results) == ["NotFound"] * (CONCURRENT_CALLS - 1) + ["done"]
    assert audit_event_count(AuditTag.ORGANISATION_REMOVED) == 1


@pytest.mark.parametrize("_round", range(3))
def test_an_organisation_renamed_while_it_is_deleted_is_gone(_round: int) -> None:
    organisation = organisation_alder_create()
    copy = organisation_reload(organisation)
    delete_result, rename_result = service_outcomes(
        lambda: organisation_delete(organisation=organisation, actor=ACTOR),
        lambda: organisation_rename(organisation=copy, actor=ACTOR, name="Other"),
    )

    assert (delete_result, rename_result) in {("done", "done"), ("done", "NotFound")}
    assert audit_event_count(AuditTag.ORGANISATION_RENAMED) == (rename_result == "done")
    assert not run_in_thread(Organisation.objects.exists)


@pytest.mark.parametrize("_round", range(3))
def test_a_member_added_while_the_organisation_is_deleted_is_gone(_round: int) -> None:
    organisation: Organisation = organisation_alder_create()
    user: User = run_in_thread(lambda: user_create("member"))
    delete_result, add_result = service_outcomes(
        lambda: organisation_delete(organisation=organisation, actor=ACTOR),
        lambda: member_ensure(organisation=organisation, actor=ACTOR, user=user, role="viewer"),
    )

    assert (delete_result, add_result) in {("done", "done"), ("done", "NotFound")}
    assert not run_in_thread(Membership.objects.exists)


def test_of_many_organisations_created_with_one_name_one_is_stored() -> None:
    names = ["Alder", "ALDER", "alder", "aLder"]
    results = service_outcomes(
        *[partial(organisation_create, actor=ACTOR, name=name) for name in names]
    )

    assert results.count("done") == 1
    assert set(results) <= {"done", "Conflict", "InvalidInput"}
    assert run_in_thread(Organisation.objects.count) == 1


@pytest.mark.parametrize("_round", range(4))
def test_two_concurrent_imports_create_each_organisation_once(_round: int) -> None:
    names = [f"Customer {number}" for number in range(40)]
    results = service_outcomes(
        lambda: organisations_ensure(actor=ACTOR, names=names),
        lambda: organisations_ensure(actor=ACTOR, names=names[::-1]),
    )

    assert "done" in results
    assert set(results) <= {"done", "Conflict"}
    assert run_in_thread(Organisation.objects.count) == 40
