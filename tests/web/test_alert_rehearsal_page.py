"""The page of the rehearsal: a sentence, and who would have been told of what."""

from datetime import timedelta

import pytest

from freddy_admin.alerts.models import AlertRule, Channel
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import EventKind, HistoryEvent
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import HandClock, MakeKey, People, SignIn

PAGE = "/alerts/rehearsal/"


def _was_overdue(key: ApiKey, *, hours_ago: float, minutes: float = 30) -> None:
    """The key was overdue for some minutes."""
    start = clock.now() - timedelta(hours=hours_ago)
    for at, states in (
        (start, ["up_to_date", "overdue"]),
        (start + timedelta(minutes=minutes), ["overdue", "up_to_date"]),
    ):
        HistoryEvent.objects.create(
            organisation_id=key.organisation_id,
            key=key,
            kind=EventKind.HEALTH_CHANGED,
            at=at,
            noticed_at=at,
            details={"state": states},
        )


@pytest.fixture
def _history(make_key: MakeKey, other_organisation: Organisation, hand_clock: HandClock) -> None:
    key, foreign_key = make_key("Here"), make_key("There", at=other_organisation)
    for hours_ago in (200, 100, 50):
        _was_overdue(key, hours_ago=hours_ago)
    _was_overdue(foreign_key, hours_ago=70)


@pytest.mark.usefixtures("_history")
def test_manager_reads_how_many_messages_the_rules_would_have_sent(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    page = signed_in(people.manager).get(PAGE).content.decode()
    assert "With these rules you would have had 6 messages in the last 30 days." in page
    assert "3 incidents began in that time." in page
    assert "3 openings" in page
    assert "3 ends" in page
    assert "Alder" in page
    assert "Birch" not in page


@pytest.mark.usefixtures("_history")
def test_viewer_reads_of_nobody_else(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    page = signed_in(people.viewer).get(PAGE).content.decode()
    assert "you would have had 0 messages" in page
    assert "No message would have gone out" in page
    assert people.manager.email not in page


@pytest.mark.usefixtures("_history")
def test_platform_admin_reads_of_all_or_of_one_organisation(
    people: People, signed_in: SignIn, organisation: Organisation, other_organisation: Organisation
) -> None:
    channel = Channel.objects.create(
        organisation=None, kind="slack", name="<fleet>", created_at=clock.now()
    )
    rule = AlertRule.objects.create(
        organisation=None, name="All", created_at=clock.now(), created_by="Ana"
    )
    rule.channels.set([channel])
    client = signed_in(people.admin)
    page = client.get(PAGE).content.decode()
    assert "&lt;fleet&gt; (Slack)" in page
    # 8 of the channel, 6 of Alder's manager, 2 of Birch's.
    assert "All recipients together: 16 messages." in page
    page = client.get(PAGE, {"organisation": "birch"}).content.decode()
    assert "All recipients together: 4 messages." in page  # 2 of the channel, 2 of its manager


def test_rehearsal_of_a_foreign_organisation_is_not_there(
    people: People, signed_in: SignIn, other_organisation: Organisation
) -> None:
    client = signed_in(people.manager)
    foreign, missing = (client.get(PAGE, {"organisation": s}) for s in ("birch", "nowhere"))
    assert (foreign.status_code, missing.status_code) == (404, 404)


@pytest.mark.usefixtures("_history")
def test_long_lists_are_cut_and_say_so(
    people: People, signed_in: SignIn, make_key: MakeKey, organisation: Organisation
) -> None:
    key = make_key("Often")
    for number in range(30):
        _was_overdue(key, hours_ago=400 - 5 * number, minutes=20)
    page = signed_in(people.manager).get(PAGE).content.decode()
    assert "66 messages" in page
    assert "and 16 messages before these" in page
