"""The import finds organisations by their exact name and adds the missing ones."""

from typing import Any

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import organisations_ensure
from tests.organisations.conftest import ACTOR
from tests.statement_hooks import before_first_statement

pytestmark = pytest.mark.django_db


def test_an_existing_organisation_is_found_by_its_stripped_name(organisation: Organisation) -> None:
    organisations = organisations_ensure(actor=ACTOR, names=["  Alder ", "Alder"])

    assert organisations == {"  Alder ": organisation, "Alder": organisation}
    assert AuditEvent.objects.count() == 0


def test_missing_organisations_are_added_with_numbered_slugs(organisation: Organisation) -> None:
    organisations = organisations_ensure(actor=ACTOR, names=["Alder!", "ALDER", "日本", "Alder!"])

    assert {name: organisations[name].slug for name in organisations} == {
        "Alder!": "alder-2",
        "ALDER": "alder-3",
        "日本": "organisation",
    }
    assert all(organisation.pk for organisation in organisations.values())


def test_a_second_run_changes_nothing() -> None:
    first_result = organisations_ensure(actor=ACTOR, names=["One", "Two"])
    second_result = organisations_ensure(actor=ACTOR, names=["Two", "One"])

    assert first_result == second_result
    assert AuditEvent.objects.filter(tag=AuditTag.ORGANISATION_CREATED).count() == 2


def test_an_unusable_name_adds_nothing_at_all() -> None:
    with pytest.raises(InvalidInput) as error:
        organisations_ensure(actor=ACTOR, names=["Good", "x" * 121])

    assert error.value.field == "organisation"
    assert not Organisation.objects.exists()


def test_many_names_take_few_queries(django_assert_max_num_queries: Any) -> None:
    names = [f"Customer {number}" for number in range(400)]
    with django_assert_max_num_queries(12):
        organisations = organisations_ensure(actor=ACTOR, names=names)

    assert len({organisation.slug for organisation in organisations.values()}) == 400
    assert AuditEvent.objects.count() == 400


def test_a_concurrent_creation_is_a_conflict() -> None:
    rival = Organisation(name="Alder", slug="alder")
    with (
        before_first_statement('INSERT INTO "organisations_organisation"', rival.save),
        pytest.raises(Conflict, match="same moment"),
    ):
        organisations_ensure(actor=ACTOR, names=["Alder"])
    assert rival.pk is not None
