"""Drill S10: an error while a key is pasted, on Django's own page and in the mail to admins."""

import logging
import traceback
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core import mail
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import override_settings
from django.urls import path
from django.utils.log import AdminEmailHandler

from freddy_admin.core.exception_report_redaction import RedactingExceptionReporter
from freddy_admin.urls import handler400, handler403, handler404, handler500
from freddy_admin.urls import urlpatterns as panel
from tests.leak_search import PLANTED_KEY, find_leaks
from tests.web.conftest import People, SignIn

__all__ = ["handler400", "handler403", "handler404", "handler500"]
DATABASE = "postgres://freddy:planted-password@db/freddy"
SECRETS = (PLANTED_KEY, settings.SECRET_KEY, settings.ENCRYPTION_KEYS[0], "planted-password")


class _Carrier:
    """A careless class whose repr shows what it holds."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return f"<Carrier {self.secret}>"


def _crash_view(request: HttpRequest) -> HttpResponse:
    secret = request.POST["api_key"]
    carrier, nested = _Carrier(secret), {"deep": [secret, request.POST, request.headers]}
    raise RuntimeError(f"broken, {len(secret)} characters, {len(nested)} {type(carrier).__name__}")


urlpatterns = [*panel, path("breaks/", _crash_view)]


def _assert_holds_no_key(text: str) -> None:
    assert [secret for secret in SECRETS if find_leaks(text, secret) or secret in text] == []


@pytest.fixture
def broken(people: People, signed_in: SignIn) -> Client:
    client = signed_in(people.manager)
    client.raise_request_exception = False
    return client


@pytest.fixture
def mails() -> Iterator[None]:
    """Settings of a careless operator: error mails to the admins as text and as HTML."""
    handler = AdminEmailHandler(include_html=True)
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    with override_settings(ADMINS=[("Ada", "ada@example.org")], DATABASE_URL=DATABASE):
        yield
    logger.removeHandler(handler)


def _post_to_crash_view(client: Client) -> str:
    head = {"Authorization": f"Bearer {PLANTED_KEY}", "X-API-Key": PLANTED_KEY}
    client.cookies["a"] = PLANTED_KEY
    with override_settings(ROOT_URLCONF="tests.web.test_error_pages_reveal_no_key"):
        answer = client.post(f"/breaks/?key={PLANTED_KEY}", {"api_key": PLANTED_KEY}, headers=head)
    assert answer.status_code == 500
    return answer.content.decode()


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.usefixtures("mails")
def test_neither_error_page_nor_mail_holds_a_key(broken: Client, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        page = _post_to_crash_view(broken)
    assert ("RuntimeError" in page) is debug
    _assert_holds_no_key(page)
    (message,) = mail.outbox
    mail_text = str(message.body) + "".join(str(part) for part, _ in message.alternatives)
    assert "RuntimeError" in mail_text
    assert "_crash_view" in mail_text
    _assert_holds_no_key(mail_text)


@pytest.mark.parametrize("debug", [False, True])
def test_traceback_report_shows_no_value(debug: bool) -> None:
    request = RequestFactory().post("/", {"api_key": PLANTED_KEY})
    try:
        _crash_view(request)
    except RuntimeError as error:
        reporter = RedactingExceptionReporter(request, type(error), error, error.__traceback__)
        with override_settings(DEBUG=debug):
            for report in (reporter.get_traceback_html(), reporter.get_traceback_text()):
                assert "carrier" in report or "RuntimeError" in report
                _assert_holds_no_key(report)
        _assert_holds_no_key(
            "".join(traceback.format_exception(error)) + repr(error) + repr(error.args)
        )
    with override_settings(DEBUG=debug):
        for report in _report_without_exception(request):
            _assert_holds_no_key(report)


def _report_without_exception(request: HttpRequest) -> tuple[str, str]:
    reporter = RedactingExceptionReporter(request, None, None, None)
    return reporter.get_traceback_html(), reporter.get_traceback_text()


def test_traceback_report_keeps_variable_names(broken: Client) -> None:
    with override_settings(DEBUG=True):
        page = _post_to_crash_view(broken)
    for name in ("api_key", "carrier", "nested", "_crash_view", "broken, 40 characters"):
        assert name in page
