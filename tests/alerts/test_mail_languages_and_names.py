"""The reader's language and zone, and names of any kind, in mails about incidents."""

import pytest
from django.conf import LazySettings
from django.utils import translation
from django.utils.translation import trans_real

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.mail import HTML_LIMIT
from freddy_admin.alerts.messages import mail_format
from freddy_admin.alerts.messages.mail_format import cut_at_word, unlinked
from freddy_admin.alerts.models import (
    DeliveryKind,
    Incident,
)
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from tests.alerts.conftest import MakeKey, keys_create
from tests.alerts.mail_fixtures import (
    incident,
    manager,
    send_and_read,
    smtp,
)
from tests.alerts.message_factories import (
    alert_mails_send,
    incident_create,
    message_create,
)
from tests.alerts.received_mails import mail_part, mails_received
from tests.people import member_create
from tests.smtp_server import SmtpScript

__all__ = ["incident", "manager", "smtp"]

OPENED, REMINDER, RESOLVED = DeliveryKind.OPENED, DeliveryKind.REMINDER, DeliveryKind.RESOLVED


# --- Languages and zones (case 38) ------------------------------------------------------
@pytest.fixture
def pseudo_language(monkeypatch: pytest.MonkeyPatch) -> str:
    """The code of a language in which every text of the panel stands in brackets."""
    real_translation, pseudo = trans_real.translation, trans_real.DjangoTranslation("en")
    monkeypatch.setattr(pseudo, "gettext", lambda text: f"⟦{text}⟧")
    monkeypatch.setattr(pseudo, "ngettext", lambda one, many, n: f"⟦{one if n == 1 else many}⟧")
    for name in ("language", "to_language"):
        monkeypatch.setattr(pseudo, name, lambda: "en-xx")
    monkeypatch.setattr(
        trans_real,
        "translation",
        lambda language: pseudo if language == "en-xx" else real_translation(language),
    )
    return "en-xx"


def test_mail_is_in_the_readers_language_whatever_the_senders(
    manager: User,
    incident: Incident,
    smtp: SmtpScript,
    pseudo_language: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    languages = {manager.pk: pseudo_language}
    for module in ("freddy_admin.alerts.channels.mail.user_language",):
        monkeypatch.setattr(module, lambda user: languages.get(user.pk, "en"))
    other = member_create(incident.organisation, "otto", Role.MANAGER)
    message_create(manager, [incident])
    message_create(other, [incident])
    alert_mails_send()
    theirs, others = mails_received(smtp)
    assert str(theirs["subject"]).startswith("⟦")
    assert "⟦A planned sync is missing.⟧" in mail_part(theirs, "plain")
    assert 'lang="en-xx"' in mail_part(theirs, "html")
    assert "⟦" not in others.as_string()

    with translation.override(pseudo_language):  # the sender's
        message_create(other, [incident], REMINDER)
        assert alert_mails_send() == 1
    assert "⟦" not in mail_part(mails_received(smtp)[-1], "plain")


def test_language_of_a_person_is_the_panels(manager: User, settings: LazySettings) -> None:
    assert mail_format.user_language(manager) == settings.LANGUAGE_CODE


# --- Names (case 37, without a break) ----------------------------------------------------------
HOSTILE = "<b>:wave: @everyone</b> <!channel> `rm` https://evil.example/x"


def test_names_are_plain_text_without_markup_and_links(
    manager: User, organisation: Organisation, make_key: MakeKey, smtp: SmtpScript
) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(name=HOSTILE)
    incident = incident_create(organisation, make_key("mail.example.net"))
    message_create(manager, [incident])
    mail = send_and_read(smtp)
    html, text = mail_part(mail, "html"), mail_part(mail, "plain")
    assert "<b>" not in html
    assert "&lt;b&gt;:wave: @everyone&lt;/b&gt;" in html
    assert "<b>:wave: @everyone</b>" in text
    for part in (html, text):
        assert "evil.example" not in part
        assert "https://evil" not in part
        assert "mail.example.net" not in part
        assert "evil.\u200bexample" in part


def test_line_break_in_a_name_adds_no_header_and_no_line(
    manager: User, organisation: Organisation, make_key: MakeKey, smtp: SmtpScript
) -> None:
    """No form takes one; a row of a database that others write may hold it."""
    Organisation.objects.filter(pk=organisation.pk).update(
        name="Alder\r\nBcc: eve@example.org\r\n\r\nPay here"
    )
    message_create(manager, [incident_create(organisation, make_key())])
    mail = send_and_read(smtp)
    assert mail["bcc"] is None
    assert str(mail["subject"]).startswith("Alder Bcc: eve@example.org Pay here: Overdue")
    assert mail["to"] == "mona@example.org"


def test_name_as_long_as_they_come_leaves_the_subject_short_and_its_number_in_it(
    manager: User, organisation: Organisation, make_key: MakeKey, smtp: SmtpScript
) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(name="x" * 120)
    incident = incident_create(organisation, make_key())
    message_create(manager, [incident])
    mail = send_and_read(smtp)
    assert len(mail["subject"]) <= 150
    assert str(mail["subject"]).endswith(
        f"… : Overdue (incident {incident.pk})".replace("… :", "…:")
    )
    assert "overflow-wrap" in mail_part(mail, "html")


def test_mail_that_would_be_cut_names_fewer_incidents(
    manager: User, organisation: Organisation, smtp: SmtpScript
) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(name="\N{GREEK SMALL LETTER PI}" * 120)
    labels = [f"{n} {m} " + "&" * 70 for n in range(50) for m in range(5)]
    keys = keys_create(labels, at=organisation)
    incidents = [
        incident_create(organisation, *keys[start : start + 5]) for start in range(0, len(keys), 5)
    ]
    message_create(manager, incidents)
    mail = send_and_read(smtp)
    html = mail_part(mail, "html")
    assert len(html.encode()) <= HTML_LIMIT
    assert html.count("Open the incident<") == 25
    assert "And 25 more incidents." in html
    assert "And 25 more incidents." in mail_part(mail, "plain")
    assert "No more of these mails" in html


@pytest.mark.parametrize(
    ("text", "length", "cut"),
    [
        ("short", 10, "short"),
        ("two\n lines", 20, "two lines"),
        ("one two three", 10, "one two…"),
        ("x" * 30, 10, "x" * 9 + "…"),
        ("a " + "x" * 30, 10, "a xxxxxxx…"),
    ],
)
def test_lines_are_cut_between_words(text: str, length: int, cut: str) -> None:
    assert cut_at_word(text, length) == cut


@pytest.mark.parametrize("text", ["12:05:10 UTC", "Alder & Co. Ltd", "3.5 h", "HTTP 403 · CODE"])
def test_what_no_program_makes_a_link_of_stays(text: str) -> None:
    assert unlinked(text) == text
