"""The import finds organisations by their exact name and adds the missing ones, all at once."""

from typing import Any

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import organisations_ensure
from tests.organisations.conftest import ACTOR

pytestmark = pytest.mark.django_db


def test_an_existing_organisation_is_found_by_its_stripped_name(organisation: Organisation) -> None:
    found = organisations_ensure(actor=ACTOR, names=["  Acme ", "Acme"])

    assert found == {"  Acme ": organisation, "Acme": organisation}
    assert AuditEvent.objects.count() == 0


def test_missing_ones_are_added_with_numbered_slugs(organisation: Organisation) -> None:
    made = organisations_ensure(actor=ACTOR, names=["Acme!", "ACME", "日本", "Acme!"])

    assert {name: made[name].slug for name in made} == {
        "Acme!": "acme-2",
        "ACME": "acme-3",
        "日本": "organisation",
    }
    assert all(one.pk for one in made.values())


def test_a_second_run_changes_nothing() -> None:
    first = organisations_ensure(actor=ACTOR, names=["One", "Two"])
    second = organisations_ensure(actor=ACTOR, names=["Two", "One"])

    assert first == second
    assert AuditEvent.objects.filter(tag=Tag.ORGANISATION_CREATED).count() == 2


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
    monkeypatch.setattr(Organisation.objects, "all", list)  # nobody was there a moment ago

    with pytest.raises(Conflict, match="same moment"):
        organisations_ensure(actor=ACTOR, names=["Acme"])
