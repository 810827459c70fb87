"""A link that lets somebody in is written down nowhere, however it is refused."""

import pytest
from django.test import Client, RequestFactory

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core.reports import SilentReporter
from freddy_admin.core.secret_paths import path_without_secret
from freddy_admin.organisations.models import Organisation
from tests.core.test_logs import line
from tests.web.conftest import People
from tests.web.membership import invitation_made


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/invitations/s3cret/accept/", "/invitations/…/accept/"),
        ("/panel/first-visit/7s3cret-_/", "/panel/first-visit/…/"),
        ("/accounts/password/reset/key/2a-cxyz-1f/", "/accounts/password/reset/key/2a-…/"),
        ("/accounts/password/reset/key/2a-set-password/", None),
        ("/organisations/acme/invitations/12/", None),
        ("/first-visit/", None),
        ("/organisations/invitations/", None),
    ],
)
def test_what_follows_is_left_out_and_numbers_stay(path: str, written: str | None) -> None:
    assert path_without_secret(path) == (written or path)
    assert line("Forbidden: %s", path).endswith(f"Forbidden: {written or path}")


def test_a_stale_page_of_an_invitation_does_not_write_its_link_down(
    people: People, organisation: Organisation, capfd: pytest.CaptureFixture[str]
) -> None:
    link = invitation_made(organisation, people.viewer.email)[1]
    client = Client(enforce_csrf_checks=True)
    client.force_login(
        people.viewer, backend="freddy_admin.accounts.signing_in.backends.PasswordBackend"
    )
    assert client.post(f"/invitations/{link}/accept/").status_code == 403

    event = AuditEvent.objects.get(tag="access_denied")
    assert event.subject == "/invitations/…/accept/"
    assert link not in capfd.readouterr().err


def test_a_report_of_an_error_leaves_it_out_too() -> None:
    request = RequestFactory().get("/invitations/s3cret/")
    reporter = SilentReporter(request, ValueError, ValueError("x"), None)

    assert "s3cret" not in reporter.get_traceback_text() + reporter.get_traceback_html()
    assert "/invitations/…/" in reporter.get_traceback_text()
