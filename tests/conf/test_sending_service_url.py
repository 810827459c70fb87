"""`EMAIL_URL` may name a sending service of django-anymail, which is no part of the panel."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from requests import HTTPError, Response

from freddy_admin.conf.django_settings import build_email_settings
from freddy_admin.core.mail import MailFailure, mail_send
from freddy_admin.core.outbox import NotSent
from tests.conf.test_setting_parsers import EnvironmentFromValues


@pytest.fixture
def anymail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package of that name that knows one service."""
    backends = tmp_path / "anymail" / "backends"
    backends.mkdir(parents=True)
    for name in ("__init__", "backends/__init__", "backends/postmark"):
        (tmp_path / "anymail" / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "anymail"]:
        del sys.modules[name]


@pytest.mark.usefixtures("anymail")
def test_service_and_its_settings_are_those_of_the_url() -> None:
    url = "anymail+postmark://?server_token=a%26b&api_url=https://mail.example/"
    assert build_email_settings(EnvironmentFromValues(EMAIL_URL=url)) == {
        "EMAIL_BACKEND": "anymail.backends.postmark.EmailBackend",
        "ANYMAIL": {
            "REQUESTS_TIMEOUT": 10,
            "POSTMARK_SERVER_TOKEN": "a&b",
            "POSTMARK_API_URL": "https://mail.example/",
        },
    }


@pytest.mark.usefixtures("anymail")
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("anymail+pigeon://?token=s3cret", "does not know"),
        ("anymail+postmark://", "must look like"),
        ("anymail+postmark://?server_token=", "must look like"),
        ("anymail+postmark://s3cret", "must look like"),
        ("anymail+../evil://?a=s3cret", "must look like"),
        ("anymail+postmark://?a=s3cret#b", "must look like"),
    ],
)
def test_url_that_cannot_be_used_stops_the_start_without_its_text(url: str, reason: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=reason) as refusal:
        build_email_settings(EnvironmentFromValues(EMAIL_URL=url))
    assert "s3cret" not in str(refusal.value)
    assert "EMAIL_URL" in str(refusal.value)


def test_missing_library_is_named_with_its_requirements() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"requirements/anymail\.txt"):
        build_email_settings(EnvironmentFromValues(EMAIL_URL="anymail+postmark://?server_token=x"))


class AnymailRecipientsRefused(Exception):
    """As the library names it."""


def http_error(status: int) -> HTTPError:
    response = Response()
    response.status_code = status
    return HTTPError(response=response)


@pytest.mark.parametrize(
    ("error", "reason", "is_permanent"),
    [
        (http_error(401), MailFailure.PANEL_REFUSED, False),
        (http_error(422), MailFailure.MAIL_REFUSED, True),
        (http_error(429), MailFailure.DEFERRED, False),
        (http_error(503), MailFailure.DEFERRED, False),
        (HTTPError(), MailFailure.NO_ANSWER, False),
        (AnymailRecipientsRefused(), MailFailure.ADDRESS_REFUSED, True),
    ],
)
def test_answer_of_a_service_is_told_like_that_of_a_mail_server(
    error: Exception, reason: str, is_permanent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    with pytest.raises(NotSent) as failure:
        mail_send(EmailMessage("subject", "text", to=["a@example.org"]))
    assert (failure.value.reason, failure.value.is_permanent) == (reason, is_permanent)


def test_error_of_the_panel_itself_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise KeyError("bug")

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    with pytest.raises(KeyError):
        mail_send(EmailMessage("subject", "text", to=["a@example.org"]))
