"""Drill S31: two at once, in threads; exactly one wins, and nobody meets a broken database."""

from collections.abc import Callable
from functools import partial

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import PublicError
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.services import (
    member_set,
    organisation_create,
    organisation_remove,
    organisation_rename,
    organisations_ensure,
)
from tests.at_once import (
    ON_SQLITE,
    alone,
    at_once,
    shared,  # noqa: F401  the database of these tests
)
from tests.organisations.conftest import ACTOR, person

AT_ONCE = 4

pytestmark = [
    pytest.mark.django_db(transaction=not ON_SQLITE),
    pytest.mark.usefixtures("shared"),
]


def outcomes(*calls: Callable[[], object]) -> list[str]:
    def outcome(call: Callable[[], object]) -> str:
        try:
            call()
        except PublicError as refused:
            return type(refused).__name__
        return "done"

    return at_once([lambda call=call: outcome(call) for call in calls])


def acme() -> Organisation:
    return alone(lambda: Organisation.objects.create(name="Acme", slug="acme"))


def mine(organisation: Organisation) -> Organisation:
    """The organisation as one more request read it."""
    return alone(lambda: Organisation.objects.get(pk=organisation.pk))


def count(tag: Tag) -> int:
    return alone(AuditEvent.objects.filter(tag=tag).count)


def test_of_many_who_remove_it_one_does() -> None:
    made = acme()
    copies = [mine(made) for _ in range(AT_ONCE)]
    ends = outcomes(
        *[lambda one=one: organisation_remove(organisation=one, actor=ACTOR) for one in copies]
    )

    assert sorted(ends) == ["NotFound"] * (AT_ONCE - 1) + ["done"]
    assert count(Tag.ORGANISATION_REMOVED) == 1


@pytest.mark.parametrize("_round", range(3))
def test_a_name_given_while_it_is_removed_is_the_last_or_not_found(_round: int) -> None:
    made = acme()
    other = mine(made)
    removed, renamed = outcomes(
        lambda: organisation_remove(organisation=made, actor=ACTOR),
        lambda: organisation_rename(organisation=other, actor=ACTOR, name="Other"),
    )

    assert (removed, renamed) in {("done", "done"), ("done", "NotFound")}
    assert count(Tag.ORGANISATION_RENAMED) == (renamed == "done")
    assert not alone(Organisation.objects.exists)


@pytest.mark.parametrize("_round", range(3))
def test_a_member_who_comes_while_it_is_removed_breaks_nothing(_round: int) -> None:
    made: Organisation = acme()
    user: User = alone(lambda: person("member"))
    removed, added = outcomes(
        lambda: organisation_remove(organisation=made, actor=ACTOR),
        lambda: member_set(organisation=made, actor=ACTOR, user=user, role="viewer"),
    )

    assert (removed, added) in {("done", "done"), ("done", "NotFound")}
    assert not alone(Membership.objects.exists)


def test_of_many_who_take_the_same_name_whatever_its_case_one_gets_it() -> None:
    names = ["Acme", "ACME", "acme", "aCME"]
    ends = outcomes(*[partial(organisation_create, actor=ACTOR, name=name) for name in names])

    assert ends.count("done") == 1
    assert set(ends) <= {"done", "Conflict", "InvalidInput"}
    assert alone(Organisation.objects.count) == 1


@pytest.mark.parametrize("_round", range(4))
def test_two_imports_at_once_make_each_organisation_once(_round: int) -> None:
    names = [f"Customer {number}" for number in range(40)]
    ends = outcomes(
        lambda: organisations_ensure(actor=ACTOR, names=names),
        lambda: organisations_ensure(actor=ACTOR, names=names[::-1]),
    )

    assert "done" in ends
    assert set(ends) <= {"done", "Conflict"}
    assert alone(Organisation.objects.count) == 40
