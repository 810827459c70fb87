"""Pages say that this may be a copy of the panel, and that calls to Aitronos are off."""

from typing import Any

import pytest

from freddy_admin.core.models import PanelAddress
from freddy_admin.core.panel_address import panel_address_record
from freddy_admin.sync.models import WorkerHeartbeat
from tests.web.conftest import MakeKey, People, SignIn

PANEL = "https://panel.example.org"


@pytest.fixture
def copied_panel(settings: Any, worker: WorkerHeartbeat) -> str:
    """A panel whose database was at work elsewhere."""
    here, settings.PANEL_URL = settings.PANEL_URL, PANEL
    panel_address_record()
    settings.PANEL_URL = here
    WorkerHeartbeat.objects.update(copied_from=PANEL)
    return PANEL


def test_the_overview_says_that_this_may_be_a_copy(
    people: People, signed_in: SignIn, make_key: MakeKey, copied_panel: str
) -> None:
    make_key()
    for person in (people.admin, people.viewer):
        page = signed_in(person).get("/").content.decode()
        assert "This may be a copy of the panel" in page
        assert f"at work at {PANEL} before" in page


def test_a_platform_admin_says_that_this_is_the_panel(
    people: People, signed_in: SignIn, copied_panel: str, settings: Any
) -> None:
    client = signed_in(people.admin)
    page = client.get("/system/").content.decode()
    assert "perhaps a copy" in page
    assert "1 part needs you" in page
    assert "This is the panel</" in page
    answer = client.post("/system/panel/", follow=True).content.decode()
    assert "perhaps a copy" not in answer
    assert "syncs, switches and mails go out again" in answer
    assert PanelAddress.objects.get().url == settings.PANEL_URL


def test_every_page_says_that_calls_are_off(
    people: People, signed_in: SignIn, make_key: MakeKey, settings: Any
) -> None:
    key, client = make_key(), signed_in(people.manager)
    paths = ("/", "/audit/", f"/organisations/alder/keys/{key.pk}/")
    assert not any(b"Nothing is sent to Aitronos" in client.get(path).content for path in paths)
    settings.AITRONOS_CALLS = False
    assert all(b"Nothing is sent to Aitronos" in client.get(path).content for path in paths)
    answer = client.post(f"/organisations/alder/keys/{key.pk}/check/", follow=True)
    assert "AITRONOS_CALLS=off" in answer.content.decode()
