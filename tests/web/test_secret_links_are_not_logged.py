"""The secret of an invitation, set-up or reset link is logged nowhere, even when refused."""

import pytest
from django.test import Client, RequestFactory

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core.exception_report_redaction import RedactingExceptionReporter
from freddy_admin.core.log_formatting import redact_secret_paths
from freddy_admin.organisations.models import Organisation
from tests.core.test_log_formatting import format_log_line
from tests.web.conftest import People
from tests.web.member_factories import create_invitation


@pytest.mark.parametrize(
    ("path", "logged_path"),
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
def test_secret_of_a_logged_path_is_left_out_and_ids_stay(
    path: str, logged_path: str | None
) -> None:
    assert redact_secret_paths(path) == (logged_path or path)
    assert format_log_line("Forbidden: %s", path).endswith(f"Forbidden: {logged_path or path}")


def test_a_stale_page_of_an_invitation_does_not_write_its_link_down(
    people: People, organisation: Organisation, capfd: pytest.CaptureFixture[str]
) -> None:
    link = create_invitation(organisation, people.viewer.email)[1]
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.viewer, backend="freddy_admin.accounts.auth.backends.PasswordBackend")
    assert client.post(f"/invitations/{link}/accept/").status_code == 403

    event = AuditEvent.objects.get(tag="access_denied")
    assert event.subject == "/invitations/…/accept/"
    assert link not in capfd.readouterr().err


def test_error_report_leaves_the_secret_link_out() -> None:
    request = RequestFactory().get("/invitations/s3cret/")
    reporter = RedactingExceptionReporter(request, ValueError, ValueError("x"), None)

    assert "s3cret" not in reporter.get_traceback_text() + reporter.get_traceback_html()
    assert "/invitations/…/" in reporter.get_traceback_text()
