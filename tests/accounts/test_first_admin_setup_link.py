"""An empty panel is opened once, by whoever has the link that was printed at its start."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from freddy_admin.accounts.auth.first_admin_setup_link import (
    first_admin_create,
    setup_link_create,
)
from freddy_admin.accounts.models import SetupLink, User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import InvalidInput, NotFound
from tests.accounts.conftest import ACTOR, PASSWORD
from tests.accounts.test_allauth_pages_are_styled import assert_page_is_styled

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ADA = {"name": "Ada", "email": "Ada@example.org", "password": PASSWORD}


@pytest.fixture
def setup_link_path(db: None) -> str:
    return f"/first-visit/{setup_link_create()}/"


def test_setup_link_creates_an_administrator_who_is_signed_in(
    client: Client, setup_link_path: str
) -> None:
    assert "You become its administrator" in assert_page_is_styled(client.get(setup_link_path))
    assert client.post(setup_link_path, ADA)["Location"] == "/"
    ada = User.objects.get()
    assert (ada.email, ada.name, ada.is_platform_admin) == ("ada@example.org", "Ada", True)
    assert client.get("/system/").status_code == 200
    assert (
        AuditEvent.objects.get(tag=AuditTag.PERSON_CREATED).actor_name == "somebody not signed in"
    )


def test_setup_link_works_once_and_is_gone_then(client: Client, setup_link_path: str) -> None:
    client.post(setup_link_path, ADA)
    for path in (setup_link_path, "/first-visit/"):
        assert Client().get(path).status_code == 404
        assert client.get(path).status_code == 404
    assert Client().post(setup_link_path, ADA | {"email": "eve@example.org"}).status_code == 404
    assert User.objects.count() == 1
    with pytest.raises(NotFound):
        setup_link_create()


def test_invalid_form_leaves_the_setup_link_usable(client: Client, setup_link_path: str) -> None:
    for invalid_fields in (
        {"password": "short"},
        {"email": "nobody"},
        {"name": "a\u202eb"},
        {"name": ""},
    ):
        response = client.post(setup_link_path, ADA | invalid_fields)
        assert "field-error" in assert_password_not_shown(response)
    assert not User.objects.exists()
    assert client.post(setup_link_path, ADA).status_code == 302


def assert_password_not_shown(response) -> str:  # type: ignore[no-untyped-def]
    assert response.status_code == 200
    assert PASSWORD not in response.content.decode()
    return str(response.content.decode())


def test_setup_link_expires_after_an_hour(client: Client) -> None:
    with clock.override_clock(lambda: NOON):
        setup_link_path = f"/first-visit/{setup_link_create()}/"
    with clock.override_clock(lambda: NOON + timedelta(minutes=59)):
        assert client.get(setup_link_path).status_code == 200
    with clock.override_clock(lambda: NOON + timedelta(minutes=60)):
        response = client.get(setup_link_path)
        assert response.status_code == 403
        assert "make run" in response.content.decode()
        assert client.post(setup_link_path, ADA).status_code == 403
    assert not User.objects.exists()


def test_new_setup_link_ends_the_former_one(client: Client, setup_link_path: str) -> None:
    setup_link_create()
    assert client.get(setup_link_path).status_code == 403


def test_visitor_without_the_setup_link_reads_where_it_is(
    client: Client, setup_link_path: str
) -> None:
    assert "printed in the terminal" in assert_page_is_styled(client.get("/first-visit/"))
    assert client.get("/first-visit/freddy_made-up/").status_code == 403
    assert "Nobody is here yet" in assert_page_is_styled(client.get("/accounts/login/"))


def test_only_the_digest_of_a_setup_link_is_stored(setup_link_path: str) -> None:
    token = setup_link_path.split("/")[2]
    assert token not in str(SetupLink.objects.values().get())


def test_only_one_of_two_concurrent_set_ups_succeeds(setup_link_path: str) -> None:
    token = setup_link_path.split("/")[2]
    first_admin_create(token=token, actor=ACTOR, **ADA)
    User.objects.update(is_platform_admin=False)  # what the second had looked at
    with pytest.raises(InvalidInput, match="works no longer"):
        first_admin_create(token=token, actor=ACTOR, **(ADA | {"email": "eve@example.org"}))
    assert User.objects.count() == 1


def test_inactive_admin_does_not_block_a_setup_link(client: Client) -> None:
    User.objects.create(email="old@example.org", is_platform_admin=True, is_active=False)
    assert client.get(f"/first-visit/{setup_link_create()}/").status_code == 200


def test_sign_in_page_does_not_mention_the_set_up_later(client: Client, admin: User) -> None:
    assert "Nobody is here yet" not in client.get("/accounts/login/").content.decode()
