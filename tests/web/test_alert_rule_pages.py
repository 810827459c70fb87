"""The pages of alert rules: what they say, and what becomes of what is entered."""

from typing import Any

import pytest
from django.test import Client

from freddy_admin.alerts.models import AlertRule, Channel
from freddy_admin.alerts.rules.services import RULES_AT_MOST
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from tests.alerts.delivery_flow import channel_create, rule_make
from tests.web.actions.alert_rule_actions import RULE_FIELDS
from tests.web.conftest import People, SignIn

RULES_URL = "/organisations/alder/alerts/rules/"


@pytest.fixture
def manager_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


@pytest.fixture
def admin_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.admin)


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_organisation_without_rules_shows_the_default_one(manager_client: Client) -> None:
    page = text_of(manager_client.get(RULES_URL))

    assert "Default rule" in page
    assert "Tells the managers by mail." in page
    assert "It ends with the first rule you make." in page


def test_rule_is_told_in_sentences(manager_client: Client, organisation: Organisation) -> None:
    rule_make(
        organisation,
        channel_create(organisation, name="#ops"),
        name="At night",
        roles=["operator"],
        delay_minutes=30,
        sends_reminders=False,
        quiet_from="22:00",
        quiet_until="07:00",
        zone="Europe/Zurich",
    )
    page = text_of(manager_client.get(RULES_URL))

    assert "Tells the operators by mail, #ops." in page
    assert "Only if it lasts: 30 minutes after the first one. No reminders." in page
    assert "Quiet from 22:00 to 07:00 (Europe/Zurich)" in page
    assert "Default rule" not in page


def test_rule_that_is_off_is_said_to_tell_nobody(
    manager_client: Client, organisation: Organisation
) -> None:
    rule_make(organisation, roles=["manager"], enabled=False)
    page = text_of(manager_client.get(RULES_URL))

    assert "switched off" in page
    assert "nobody is told anything by them" in page


def test_viewer_reads_rules_and_is_offered_no_change(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    rule_make(organisation, roles=["manager"])
    page = text_of(signed_in(people.viewer).get(RULES_URL))

    assert "New rule" not in page
    assert "/remove/" not in page


def test_manager_makes_changes_and_removes_a_rule(
    manager_client: Client, organisation: Organisation
) -> None:
    channel = channel_create(organisation)
    fields = RULE_FIELDS | {"channels": [channel.pk], "quiet_from": "22:00", "quiet_until": "07:00"}
    response = manager_client.post(f"{RULES_URL}new/", fields, follow=True)
    assert "The rule “On call” counts from now on." in text_of(response)
    rule = AlertRule.objects.get(organisation=organisation)
    assert [*rule.channels.all()] == [channel]

    page = text_of(manager_client.get(f"{RULES_URL}{rule.pk}/"))
    assert 'value="22:00"' in page
    fields |= {"name": "By day", "roles": [], "enabled": "no"}
    response = manager_client.post(f"{RULES_URL}{rule.pk}/", fields, follow=True)
    assert "The rule “By day” was changed." in text_of(response)
    rule.refresh_from_db()
    assert (rule.roles, rule.enabled) == ([], False)

    response = manager_client.post(f"{RULES_URL}{rule.pk}/remove/", follow=True)
    assert "The rule “By day” was removed." in text_of(response)
    assert not AlertRule.objects.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"roles": []}, "Choose who is told: at least one role or one channel."),
        ({"roles": ["platform_admin"]}, "platform_admin is not one of the available choices"),
        ({"name": " "}, "Fill this in."),
        ({"delay_minutes": "1441"}, "less than or equal to 1440"),
        ({"quiet_from": "22:00"}, "Enter both times, or neither."),
        ({"quiet_until": "07:00"}, "Enter both times, or neither."),
        ({"quiet_from": "07:00", "quiet_until": "07:00"}, "Enter two different times"),
        ({"quiet_from": "25:00", "quiet_until": "07:00"}, "Enter a time, for example 22:00."),
        ({"zone": "Mars/Olympus"}, "Choose a time zone from the list."),
    ],
)
def test_what_makes_no_rule_is_refused_with_a_sentence(
    change: dict[str, Any], sentence: str, manager_client: Client
) -> None:
    page = text_of(manager_client.post(f"{RULES_URL}new/", RULE_FIELDS | change))

    assert sentence in page
    assert not AlertRule.objects.exists()


def test_channel_of_another_organisation_cannot_be_named(
    manager_client: Client, organisation: Organisation, other_organisation: Organisation
) -> None:
    channel_create(organisation)
    foreign = channel_create(other_organisation)
    fields = RULE_FIELDS | {"channels": [foreign.pk]}
    response = manager_client.post(f"{RULES_URL}new/", fields)

    assert response.status_code == 200
    assert not AlertRule.objects.exists()


def test_rule_of_another_organisation_is_not_found(
    manager_client: Client, organisation: Organisation, other_organisation: Organisation
) -> None:
    rule = rule_make(other_organisation, roles=["manager"])

    assert manager_client.get(f"{RULES_URL}{rule.pk}/").status_code == 404
    assert manager_client.post(f"{RULES_URL}{rule.pk}/remove/").status_code == 404


def test_thirty_rules_are_enough(manager_client: Client, organisation: Organisation) -> None:
    for _ in range(RULES_AT_MOST):
        rule_make(organisation, roles=["manager"])
    page = text_of(manager_client.post(f"{RULES_URL}new/", RULE_FIELDS))

    assert "There are 30 rules here already." in page


def test_rule_of_the_panel_names_platform_admins_and_causes(admin_client: Client) -> None:
    assert "Tells platform admins by mail. Only of what organisations have in common" in text_of(
        admin_client.get("/alerts/rules/")
    )
    fields = RULE_FIELDS | {"roles": ["platform_admin", "manager"], "causes_only": "yes"}
    page = text_of(admin_client.post("/alerts/fleet/rules/new/", fields, follow=True))
    assert "Tells platform admins by mail, the managers by mail. Only of" in page
    rule = AlertRule.objects.get()
    assert (rule.organisation, rule.causes_only) == (None, True)

    page = text_of(admin_client.get(f"/alerts/fleet/rules/{rule.pk}/"))
    assert "Who is told of any organisation of this panel." in page
    admin_client.post(f"/alerts/fleet/rules/{rule.pk}/remove/")
    assert not AlertRule.objects.exists()


def test_list_shows_rules_of_ones_own_organisations_alone(
    people: People,
    signed_in: SignIn,
    organisation: Organisation,
    other_organisation: Organisation,
) -> None:
    rule_make(organisation, name="Ours", roles=["manager"])
    rule_make(other_organisation, name="Theirs", roles=["manager"])
    rule_make(None, name="Panel", roles=["platform_admin"])
    page = text_of(signed_in(people.manager).get("/alerts/rules/"))

    assert "Ours" in page
    assert "Theirs" not in page
    assert "Panel" not in page.replace("Panel tokens", "")


def test_choosing_an_organisation_leads_to_its_rules(
    manager_client: Client, other_organisation: Organisation
) -> None:
    choose = "/alerts/rules/open/?organisation="

    assert manager_client.get(f"{choose}alder")["Location"] == RULES_URL
    assert manager_client.get(f"{choose}birch")["Location"] == "/alerts/rules/"


def test_removed_channel_is_not_offered(manager_client: Client, organisation: Organisation) -> None:
    channel = channel_create(organisation, name="#gone")
    Channel.objects.filter(pk=channel.pk).update(deleted_at=clock.now())

    assert "#gone" not in text_of(manager_client.get(f"{RULES_URL}new/"))
