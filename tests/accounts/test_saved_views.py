"""Saved views: clean names, one view per name, a limit per person, nobody else's."""

import pytest

from freddy_admin.accounts.models import SavedView, User
from freddy_admin.accounts.saved_views import (
    QUERY_LIMIT,
    VIEWS_AT_MOST,
    saved_view_delete,
    saved_view_save,
)
from freddy_admin.audit.services import OPERATOR
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return User.objects.create(email="ana@example.org")


@pytest.fixture
def ben() -> User:
    return User.objects.create(email="ben@example.org")


def saved_view_names(user: User) -> list[str]:
    return [view.name for view in user.saved_views_by_name()]


def test_view_is_saved_under_a_clean_name(ana: User) -> None:
    view = saved_view_save(
        actor=OPERATOR, user=ana, name="  Late in EMEA ", query="state=late&tag=emea"
    )
    assert (view.name, view.query) == ("Late in EMEA", "state=late&tag=emea")
    assert ana.saved_views_by_name() == [view]


def test_views_are_listed_by_name_whatever_its_case(ana: User) -> None:
    for name in ("b", "C", "a"):
        saved_view_save(actor=OPERATOR, user=ana, name=name, query="state=late")
    assert saved_view_names(ana) == ["a", "b", "C"]


@pytest.mark.parametrize(("first", "second"), [("Mine", "mINE"), ("Ärger", "äRGER")])
def test_existing_view_name_gets_the_new_query(first: str, second: str, ana: User) -> None:
    saved_view_save(actor=OPERATOR, user=ana, name=first, query="state=late")
    saved_view_save(actor=OPERATOR, user=ana, name=second, query="q=alder")
    assert [(view.name, view.query) for view in ana.saved_views_by_name()] == [(first, "q=alder")]


@pytest.mark.parametrize(
    ("name", "query", "field"),
    [
        ("", "q=a", "name"),
        ("x" * 61, "q=a", "name"),
        ("a\u202eb", "q=a", "name"),
        ("Mine", "", "query"),
        ("Mine", "q=" + "a" * QUERY_LIMIT, "query"),
    ],
)
def test_invalid_view_is_refused_with_its_field(
    name: str, query: str, field: str, ana: User
) -> None:
    with pytest.raises(InvalidInput) as error:
        saved_view_save(actor=OPERATOR, user=ana, name=name, query=query)
    assert error.value.field == field
    assert not SavedView.objects.exists()


def test_twenty_views_are_saved_and_each_can_still_change(ana: User, ben: User) -> None:
    for number in range(VIEWS_AT_MOST):
        saved_view_save(actor=OPERATOR, user=ana, name=str(number), query="q=a")
    with pytest.raises(Conflict, match="20 views"):
        saved_view_save(actor=OPERATOR, user=ana, name="one more", query="q=a")
    saved_view_save(actor=OPERATOR, user=ana, name="7", query="q=b")
    saved_view_save(actor=OPERATOR, user=ben, name="7", query="q=c")
    assert len(ana.saved_views_by_name()) == VIEWS_AT_MOST
    assert SavedView.objects.get(user=ana, name="7").query == "q=b"


def test_view_of_somebody_else_is_not_found(ana: User, ben: User) -> None:
    view = saved_view_save(actor=OPERATOR, user=ana, name="Mine", query="q=a")
    with pytest.raises(NotFound):
        saved_view_delete(actor=OPERATOR, user=ben, view_id=view.pk)
    assert saved_view_names(ana) == ["Mine"]
    assert saved_view_names(ben) == []
    assert saved_view_delete(actor=OPERATOR, user=ana, view_id=view.pk) == "Mine"
    with pytest.raises(NotFound):
        saved_view_delete(actor=OPERATOR, user=ana, view_id=view.pk)


def test_views_go_with_their_person(ana: User) -> None:
    saved_view_save(actor=OPERATOR, user=ana, name="Mine", query="q=a")
    ana.delete()
    assert not SavedView.objects.exists()
