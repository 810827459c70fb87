"""The import finds organisations by name, whatever its case, and adds the missing ones at once."""

from typing import Any

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import organisation_create, organisations_ensure
from tests.organisations.conftest import ACTOR

pytestmark = pytest.mark.django_db


def test_an_existing_organisation_is_found_by_its_stripped_name(organisation: Organisation) -> None:
    found = organisations_ensure(actor=ACTOR, names=["  Acme ", "Acme"])

    assert found == {"  Acme ": organisation, "Acme": organisation}
    assert AuditEvent.objects.count() == 0


def test_missing_ones_are_added_with_numbered_slugs(organisation: Organisation) -> None:
    made = organisations_ensure(actor=ACTOR, names=["Acme!", "Acme?", "日本", "Acme!"])

    assert {name: made[name].slug for name in made} == {
        "Acme!": "acme-2",
        "Acme?": "acme-3",
        "日本": "organisation",
    }
    assert all(one.pk for one in made.values())


def test_a_second_run_changes_nothing() -> None:
    first = organisations_ensure(actor=ACTOR, names=["One", "Two"])
    second = organisations_ensure(actor=ACTOR, names=["Two", "One"])

    assert first == second
    assert AuditEvent.objects.filter(tag=Tag.ORGANISATION_CREATED).count() == 2


@pytest.mark.parametrize("again", [["ADD", "add"], ["add", "ADD"], ["Add", "ÄRZTE", "STRASSE"]])
def test_the_case_of_a_name_makes_no_second_organisation(again: list[str]) -> None:
    first = organisations_ensure(actor=ACTOR, names=["ADD", "add", "Ärzte", "Straße"])
    second = organisations_ensure(actor=ACTOR, names=again)

    assert first["ADD"] == first["add"] == second[again[0]]
    names = set(Organisation.objects.values_list("name", flat=True))
    assert names == {"ADD", "Ärzte", "Straße"}
    assert AuditEvent.objects.count() == 3


def test_twins_that_are_there_already_are_told_apart_by_their_exact_name() -> None:
    older = Organisation.objects.create(name="add", slug="add")
    younger = Organisation.objects.create(name="ADD", slug="add-2")
    found = organisations_ensure(actor=ACTOR, names=["ADD", "add", "Add"])

    assert found == {"ADD": younger, "add": older, "Add": older}


def test_a_form_finds_its_twin_as_the_import_does() -> None:
    organisations_ensure(actor=ACTOR, names=["Straße"])
    with pytest.raises(InvalidInput):
        organisation_create(actor=ACTOR, name="STRASSE")


def test_an_unusable_name_adds_nothing_at_all() -> None:
    with pytest.raises(InvalidInput) as refused:
        organisations_ensure(actor=ACTOR, names=["Good", "x" * 121])

    assert refused.value.field == "organisation"
    assert not Organisation.objects.exists()


def test_many_names_take_few_queries(django_assert_max_num_queries: Any) -> None:
    names = [f"Customer {number}" for number in range(400)]
    with django_assert_max_num_queries(12):
        made = organisations_ensure(actor=ACTOR, names=names)

    assert len({one.slug for one in made.values()}) == 400
    assert AuditEvent.objects.count() == 400


def test_somebody_faster_is_a_conflict(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Organisation.objects, "order_by", lambda _name: []
    )  # nobody was there a moment ago

    with pytest.raises(Conflict, match="same moment"):
        organisations_ensure(actor=ACTOR, names=["Acme"])
