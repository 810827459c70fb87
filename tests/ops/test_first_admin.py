"""The first administrator of an empty panel."""

from collections.abc import Iterator

import pytest
from django.core.management import CommandError

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import InvalidInput
from freddy_admin.ops.first_admin import admin_exists, first_admin_ensure

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADMIN_EMAIL", raising=False)
    monkeypatch.delenv("ADMIN_PASSWORD", raising=False)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Answers to give at the terminal, addresses and passwords in turn."""
    answers: list[str] = []
    monkeypatch.setattr("freddy_admin.ops.first_admin.at_terminal", lambda: True)
    monkeypatch.setattr("freddy_admin.ops.passwords.at_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: answers.pop(0))
    monkeypatch.setattr("getpass.getpass", lambda prompt: answers.pop(0))
    yield answers
    assert answers == []


def test_the_environment_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_EMAIL", "ada@example.org")
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    assert first_admin_ensure() == User.objects.get(email="ada@example.org")
    assert admin_exists()


def test_a_person_is_asked(terminal: list[str]) -> None:
    terminal += ["ada@example.org", PASSWORD, PASSWORD]
    assert first_admin_ensure() is not None
    assert User.objects.get().check_password(PASSWORD)


def test_a_person_is_asked_again_until_the_answers_fit(
    terminal: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal += ["nonsense"]
    terminal += ["ada@example.org", "short", "short"]
    terminal += ["ada@example.org", PASSWORD, "different"]
    terminal += ["ada@example.org", PASSWORD, PASSWORD]
    assert first_admin_ensure() is not None
    said = capsys.readouterr().err
    assert "ada@example.org" in said
    assert PASSWORD not in said


def test_nobody_is_asked_twice(terminal: list[str]) -> None:
    terminal += ["ada@example.org", PASSWORD, PASSWORD]
    first_admin_ensure()
    assert first_admin_ensure() is None


def test_nobody_to_ask_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freddy_admin.ops.first_admin.at_terminal", lambda: False)
    with pytest.raises(CommandError, match="ADMIN_EMAIL and ADMIN_PASSWORD"):
        first_admin_ensure()


def test_a_refused_environment_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_EMAIL", "ada@example.org")
    monkeypatch.setenv("ADMIN_PASSWORD", "short")
    with pytest.raises(InvalidInput):
        first_admin_ensure()
    assert not admin_exists()


def test_an_admin_who_was_switched_off_does_not_count(terminal: list[str]) -> None:
    User.objects.create(email="old@example.org", is_platform_admin=True, is_active=False)
    terminal += ["ada@example.org", PASSWORD, PASSWORD]
    assert first_admin_ensure() is not None
