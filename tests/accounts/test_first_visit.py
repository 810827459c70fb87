"""An empty panel is opened once, by whoever has the link that was printed at its start."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from freddy_admin.accounts.models import FirstLink, User
from freddy_admin.accounts.signing_in.first_visit import first_admin_make, first_link_make
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.errors import InvalidInput, NotFound
from tests.accounts.conftest import ACTOR, PASSWORD
from tests.accounts.test_pages_are_dressed import check

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ADA = {"name": "Ada", "email": "Ada@example.org", "password": PASSWORD}


@pytest.fixture
def page(db: None) -> str:
    return f"/first-visit/{first_link_make()}/"


def test_the_link_makes_an_administrator_who_is_signed_in(client: Client, page: str) -> None:
    assert "You become its administrator" in check(client.get(page))
    assert client.post(page, ADA)["Location"] == "/"
    ada = User.objects.get()
    assert (ada.email, ada.name, ada.is_platform_admin) == ("ada@example.org", "Ada", True)
    assert client.get("/system/").status_code == 200
    assert AuditEvent.objects.get(tag=Tag.PERSON_CREATED).actor_name == "somebody not signed in"


def test_it_works_once_and_then_nothing_is_there(client: Client, page: str) -> None:
    client.post(page, ADA)
    for address in (page, "/first-visit/"):
        assert Client().get(address).status_code == 404
        assert client.get(address).status_code == 404
    assert Client().post(page, ADA | {"email": "eve@example.org"}).status_code == 404
    assert User.objects.count() == 1
    with pytest.raises(NotFound):
        first_link_make()


def test_what_is_refused_leaves_the_link_as_it_was(client: Client, page: str) -> None:
    for wrong in ({"password": "short"}, {"email": "nobody"}, {"name": "a\u202eb"}, {"name": ""}):
        answer = client.post(page, ADA | wrong)
        assert "field-error" in check_posted(answer)
    assert not User.objects.exists()
    assert client.post(page, ADA).status_code == 302


def check_posted(answer) -> str:  # type: ignore[no-untyped-def]
    assert answer.status_code == 200
    assert PASSWORD not in answer.content.decode()
    return str(answer.content.decode())


def test_it_expires_after_an_hour(client: Client) -> None:
    with clock.using(lambda: NOON):
        page = f"/first-visit/{first_link_make()}/"
    with clock.using(lambda: NOON + timedelta(minutes=59)):
        assert client.get(page).status_code == 200
    with clock.using(lambda: NOON + timedelta(minutes=60)):
        answer = client.get(page)
        assert answer.status_code == 403
        assert "make run" in answer.content.decode()
        assert client.post(page, ADA).status_code == 403
    assert not User.objects.exists()


def test_a_new_start_ends_the_former_link(client: Client, page: str) -> None:
    first_link_make()
    assert client.get(page).status_code == 403


def test_a_visitor_without_it_reads_where_it_is(client: Client, page: str) -> None:
    assert "printed in the terminal" in check(client.get("/first-visit/"))
    assert client.get("/first-visit/freddy_made-up/").status_code == 403
    assert "Nobody is here yet" in check(client.get("/accounts/login/"))


def test_only_a_digest_is_kept(page: str) -> None:
    token = page.split("/")[2]
    assert token not in str(FirstLink.objects.values().get())


def test_of_two_who_are_equally_fast_one_wins(page: str) -> None:
    token = page.split("/")[2]
    first_admin_make(token=token, actor=ACTOR, **ADA)
    User.objects.update(is_platform_admin=False)  # what the second had looked at
    with pytest.raises(InvalidInput, match="works no longer"):
        first_admin_make(token=token, actor=ACTOR, **(ADA | {"email": "eve@example.org"}))
    assert User.objects.count() == 1


def test_an_admin_who_was_switched_off_does_not_count(client: Client) -> None:
    User.objects.create(email="old@example.org", is_platform_admin=True, is_active=False)
    assert client.get(f"/first-visit/{first_link_make()}/").status_code == 200


def test_the_sign_in_page_says_nothing_of_it_later(client: Client, admin: User) -> None:
    assert "Nobody is here yet" not in client.get("/accounts/login/").content.decode()
