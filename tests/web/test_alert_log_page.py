"""The page *Log* of the alerts: what was told whom, and what became of it."""

from collections.abc import Callable

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.deliveries.ledger import LOG_PAGE_SIZE
from freddy_admin.alerts.models import DeliveryState, Message
from freddy_admin.organisations.models import Organisation
from tests.alerts.delivery_factories import (
    channel_create,
    due_messages_send,
    incident_create,
    message_create,
    scripted_transport,
)
from tests.web.conftest import SignIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager_client(manager: User, signed_in: SignIn) -> Client:
    return signed_in(manager)


@pytest.fixture
def viewer_client(viewer: User, signed_in: SignIn) -> Client:
    return signed_in(viewer)


def page_text(client: Client, query: str = "") -> str:
    response = client.get(f"/alerts/log/{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def sent(organisation: Organisation, manager: User) -> None:
    """Told by webhook, which answered; and by mail, which failed."""
    incident = incident_create(organisation)
    message_create(channel_create(organisation, name="Duty <b>room</b>"), incident)
    with scripted_transport():
        due_messages_send()
    message = message_create(person_channel_get(manager), incident)
    Message.objects.filter(pk=message.pk).update(
        state=DeliveryState.FAILED, attempts=2, reason="no_answer"
    )
    message.deliveries.update(state=DeliveryState.FAILED)


def test_log_says_what_was_told_and_what_was_answered(sent: None, manager_client: Client) -> None:
    text = page_text(manager_client)
    assert "Duty &lt;b&gt;room&lt;/b&gt;" in text
    assert "The answer: “200 ok”." in text
    assert "Not sent yet; it is tried again. The mail server does not answer" in text
    assert "2 attempts." in text


def test_log_is_narrowed_by_its_address(sent: None, manager_client: Client) -> None:
    assert "no_answer" not in page_text(manager_client)
    text = page_text(manager_client, "?channel=mail")
    assert "200 ok" not in text
    assert "2 attempts." in text
    assert "2 attempts." not in page_text(manager_client, "?state=sent")
    assert "Nothing matches" in page_text(manager_client, "?organisation=birch")
    # What no filter knows changes nothing.
    assert "200 ok" in page_text(manager_client, "?channel=x0&state=odd&organisation=%00&before=x")


def test_log_of_nothing_says_so(manager_client: Client) -> None:
    assert "Nobody was told of anything yet" in page_text(manager_client)


def test_log_shows_a_viewer_nothing(sent: None, viewer_client: Client) -> None:
    text = page_text(viewer_client)
    assert "Nothing for you to see" in text
    assert "200 ok" not in text


def test_log_leads_to_older_messages(organisation: Organisation, manager_client: Client) -> None:
    channel = channel_create(organisation)
    for _ in range(LOG_PAGE_SIZE + 1):
        message_create(channel, incident_create(organisation))
    text = page_text(manager_client)
    assert 'rel="next"' in text
    older = text.split("before=")[1].split('"')[0]
    text = page_text(manager_client, f"?before={older}")
    assert 'rel="first"' in text
    assert 'rel="next"' not in text


def test_log_takes_as_many_queries_for_many_messages_as_for_one(
    organisation: Organisation,
    manager_client: Client,
    django_assert_num_queries: Callable[..., object],
) -> None:
    for _ in range(3):
        message_create(channel_create(organisation), incident_create(organisation))
    page_text(manager_client)
    with django_assert_num_queries(LOG_QUERIES):  # type: ignore[attr-defined]
        page_text(manager_client)


LOG_QUERIES = 6
