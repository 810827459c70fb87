"""The first administrator of an empty panel."""

import re

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import InvalidInput
from freddy_admin.ops.management.commands.panel import (
    first_admin_create_from_environment,
    setup_link_text,
)

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADMIN_EMAIL", raising=False)
    monkeypatch.delenv("ADMIN_PASSWORD", raising=False)


def test_environment_names_the_first_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_EMAIL", "ada@example.org")
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    assert first_admin_create_from_environment() == User.objects.get(email="ada@example.org")
    assert setup_link_text(port=8000) == ""


def test_environment_creates_the_first_admin_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create(email="root@example.org", is_platform_admin=True)
    monkeypatch.setenv("ADMIN_EMAIL", "ada@example.org")
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    assert first_admin_create_from_environment() is None


def test_address_without_a_password_creates_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_EMAIL", "ada@example.org")
    assert first_admin_create_from_environment() is None
    assert not User.objects.exists()


def test_refused_environment_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_EMAIL", "ada@example.org")
    monkeypatch.setenv("ADMIN_PASSWORD", "short")
    with pytest.raises(InvalidInput):
        first_admin_create_from_environment()
    assert not User.objects.exists()


def test_setup_link_is_printed_and_opens_the_panel(client: Client) -> None:
    link_text = setup_link_text(port=8123)
    (path,) = re.findall(r"http://localhost:8123(/first-visit/\S+/)", link_text)
    assert "within an hour" in link_text
    assert client.get(path).status_code == 200


def test_setup_link_behind_a_proxy_has_the_panels_own_address(settings: Settings) -> None:
    settings.PLAIN_HTTP, settings.PANEL_URL = False, "https://panel.example.org"
    assert "https://panel.example.org/first-visit/freddy_" in setup_link_text(port=8000)


def test_deactivated_admin_does_not_count() -> None:
    User.objects.create(email="old@example.org", is_platform_admin=True, is_active=False)
    assert "first-visit" in setup_link_text(port=8000)
