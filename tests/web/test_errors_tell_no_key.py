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

from freddy_admin.core.reports import SilentReporter
from freddy_admin.urls import handler400, handler403, handler404, handler500
from freddy_admin.urls import urlpatterns as panel
from tests.searching import PLANTED, found_in
from tests.web.conftest import People, SignIn

__all__ = ["handler400", "handler403", "handler404", "handler500"]
DATABASE = "postgres://freddy:planted-password@db/freddy"
SECRETS = (PLANTED, settings.SECRET_KEY, settings.ENCRYPTION_KEYS[0], "planted-password")


class _Carrier:
    """As careless as a class can be: its repr shows what it holds."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return f"<Carrier {self.secret}>"


def _breaks(request: HttpRequest) -> HttpResponse:
    secret = request.POST["api_key"]
    carrier, nested = _Carrier(secret), {"deep": [secret, request.POST, request.headers]}
    raise RuntimeError(f"broken, {len(secret)} characters, {len(nested)} {type(carrier).__name__}")


urlpatterns = [*panel, path("breaks/", _breaks)]


def _clean(text: str) -> None:
    assert [secret for secret in SECRETS if found_in(text, secret) or secret in text] == []


@pytest.fixture
def broken(people: People, signed_in: SignIn) -> Client:
    client = signed_in(people.manager)
    client.raise_request_exception = False
    return client


@pytest.fixture
def mails() -> Iterator[None]:
    """Mails to the admins, as text and as HTML, as a careless operator might set them up."""
    handler = AdminEmailHandler(include_html=True)
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    with override_settings(ADMINS=[("Ada", "ada@example.org")], DATABASE_URL=DATABASE):
        yield
    logger.removeHandler(handler)


def _send(client: Client) -> str:
    head = {"Authorization": f"Bearer {PLANTED}", "X-API-Key": PLANTED}
    client.cookies["a"] = PLANTED
    with override_settings(ROOT_URLCONF="tests.web.test_errors_tell_no_key"):
        answer = client.post(f"/breaks/?key={PLANTED}", {"api_key": PLANTED}, headers=head)
    assert answer.status_code == 500
    return answer.content.decode()


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.usefixtures("mails")
def test_neither_the_page_nor_the_mail_holds_it(broken: Client, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        page = _send(broken)
    assert ("RuntimeError" in page) is debug
    _clean(page)
    (message,) = mail.outbox
    told = str(message.body) + "".join(str(part) for part, _ in message.alternatives)
    assert "RuntimeError" in told
    assert "_breaks" in told
    _clean(told)


@pytest.mark.parametrize("debug", [False, True])
def test_no_report_of_a_traceback_shows_a_value(debug: bool) -> None:
    request = RequestFactory().post("/", {"api_key": PLANTED})
    try:
        _breaks(request)
    except RuntimeError as error:
        reporter = SilentReporter(request, type(error), error, error.__traceback__)
        with override_settings(DEBUG=debug):
            for told in (reporter.get_traceback_html(), reporter.get_traceback_text()):
                assert "carrier" in told or "RuntimeError" in told
                _clean(told)
        _clean("".join(traceback.format_exception(error)) + repr(error) + repr(error.args))
    with override_settings(DEBUG=debug):
        for told in _without_error(request):
            _clean(told)


def _without_error(request: HttpRequest) -> tuple[str, str]:
    reporter = SilentReporter(request, None, None, None)
    return reporter.get_traceback_html(), reporter.get_traceback_text()


def test_the_names_stay_so_that_an_error_can_still_be_understood(broken: Client) -> None:
    with override_settings(DEBUG=True):
        page = _send(broken)
    for name in ("api_key", "carrier", "nested", "_breaks", "broken, 40 characters"):
        assert name in page
