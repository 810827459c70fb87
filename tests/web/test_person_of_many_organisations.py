"""People with many organisations: their pages show a part, and cost what others' cost."""

import re

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership, Organisation
from tests.web.conftest import People, SignIn


def join_as_manager(person: User, count: int) -> None:
    numbers = range(count)
    organisations = Organisation.objects.bulk_create(
        [Organisation(name=f"Aardvark {n:03}", slug=f"branch-{n:03}") for n in numbers]
    )
    Membership.objects.bulk_create(
        [Membership(organisation=row, user=person, role="manager") for row in organisations]
    )


def page_and_query_count(client: Client, path: str) -> tuple[str, int]:
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = client.get(path).content.decode()
    return page, len(queries)


def test_the_page_of_a_person_lists_their_organisations_by_pages(
    people: People, signed_in: SignIn
) -> None:
    join_as_manager(people.stranger, 45)
    client, path = signed_in(people.admin), f"/people/{people.stranger.pk}/"
    page = client.get(path).content.decode()
    assert "Organisations (46)" in page
    assert page.count('<li><a href="/organisations/') == 20
    assert "Aardvark 000" in page
    assert "The only manager of Aardvark 000, " in page
    assert "Aardvark 009 and others." in page
    assert "Aardvark 044" in client.get(f"{path}?page=3").content.decode()
    assert "Aardvark 044" in client.get(f"{path}?page=999").content.decode()


def test_pages_of_people_make_no_more_queries_for_more_organisations(
    people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.admin)
    person = people.stranger
    paths = ["/people/", f"/people/{person.pk}/", f"/people/{person.pk}/remove/"]
    before = [page_and_query_count(client, path)[1] for path in paths]
    join_as_manager(person, 60)
    after = [page_and_query_count(client, path) for path in paths]
    assert [count for _page, count in after] == before
    assert all(len(re.findall("Aardvark 0", page)) <= 31 for page, _count in after)


def test_the_list_of_people_shows_three_organisations_and_how_many_there_are(
    people: People, signed_in: SignIn
) -> None:
    join_as_manager(people.stranger, 10)
    page = signed_in(people.admin).get("/people/").content.decode()
    assert "all 11" in page
    assert page.count("Aardvark 0") == 3
