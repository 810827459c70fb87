"""Select fields: the chosen option is saved, and selected again when the form comes back."""

import re

import pytest

from freddy_admin.accounts.models import Theme, User
from freddy_admin.accounts.people import time_zones
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.pages.profile.forms import time_zones_by_region
from tests.web.conftest import MakeKey, People, SignIn

HERE = "/organisations/alder/"
SECRET = "oak_live_a1b2PLANTEDPLANTEDPLANTEDPLANTEDPLANTEDwxyz"


def _selected_options(page: str, name: str) -> list[str]:
    select_html = page[page.index(f'name="{name}"') :].partition("</select>")[0]
    return re.findall(r'<option value="([^"]*)" selected>', select_html)


@pytest.mark.parametrize("role", ["viewer", "manager", "admin", ""])
def test_the_owner_of_a_key_is_saved(
    role: str, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    key, client = make_key(), signed_in(people.manager)
    owner = str(getattr(people, role).pk) if role else ""
    address = f"{HERE}keys/{key.pk}/edit/"
    assert client.post(address, {"label": "Main", "owner": owner}).status_code == 302
    key.refresh_from_db()
    assert str(key.owner_id or "") == owner
    assert _selected_options(client.get(address).content.decode(), "owner") == [owner]


def test_the_owner_of_a_new_key_is_saved(people: People, signed_in: SignIn) -> None:
    fields = {"label": "Sales", "api_key": SECRET, "owner": people.operator.pk}
    signed_in(people.manager).post(f"{HERE}keys/add/", fields)
    assert ApiKey.objects.get().owner == people.operator


@pytest.mark.parametrize("theme", Theme.values)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Zurich", "America/Argentina/Buenos_Aires", "EST"])
def test_time_zone_and_theme_are_saved(
    zone: str, theme: str, people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.viewer)
    fields = {"name": "Vi", "time_zone": zone, "theme": theme}
    page = client.post("/profile/", fields, follow=True).content.decode()
    saved = User.objects.get(pk=people.viewer.pk)
    assert (saved.name, saved.time_zone, saved.theme) == ("Vi", zone, theme)
    assert _selected_options(page, "time_zone") == [zone]
    assert _selected_options(page, "theme") == [theme]


def test_refused_time_zone_is_not_repeated(people: People, signed_in: SignIn) -> None:
    fields = {"name": "Vi", "time_zone": '"><script>alert(1)</script>', "theme": "dark"}
    page = signed_in(people.viewer).post("/profile/", fields).content.decode()
    assert "Choose a time zone from the list." in page
    assert "<script>alert" not in page
    assert _selected_options(page, "time_zone") == []
    assert 'aria-invalid="true"' in page


def test_every_time_zone_is_offered_once() -> None:
    offered_zones = [
        "UTC",
        *(zone for zones in time_zones_by_region().values() for zone, _ in zones),
    ]
    assert sorted(offered_zones) == sorted(time_zones())
