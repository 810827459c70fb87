"""What programs read of incidents and deliveries: what their person and token allow."""

from datetime import timedelta
from uuid import uuid4

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.models import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
    IncidentKey,
    IncidentState,
    Severity,
)
from freddy_admin.alerts.program_selectors import (
    UNRESOLVED,
    DeliverySelection,
    IncidentSelection,
    deliveries_for_program,
    incident_for_program,
    incidents_for_program,
)
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey
from tests.alerts.delivery_factories import channel_create, incident_create
from tests.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def incidents(organisation: Organisation, other_organisation: Organisation) -> list[Incident]:
    """Open, acknowledged and over of one organisation, and an open one of another."""
    return [
        incident_create(organisation),
        incident_create(organisation, state=IncidentState.ACKNOWLEDGED, severity=Severity.WARNING),
        incident_create(organisation, state=IncidentState.RESOLVED, resolved_at=clock.now()),
        incident_create(other_organisation),
    ]


def incident_ids(
    user: User,
    *,
    organisation_ids: list[int] | None = None,
    before_id: int | None = None,
    limit: int = 50,
    **selection: str,
) -> list[int]:
    rows = incidents_for_program(
        user=user,
        organisation_ids=organisation_ids,
        selection=IncidentSelection(**selection),
        before_id=before_id,
        limit=limit,
    )
    return [incident.pk for incident in rows]


def test_program_reads_the_incidents_that_its_person_sees_newest_first(
    people: People, incidents: list[Incident], other_organisation: Organisation
) -> None:
    own = [incident.pk for incident in reversed(incidents[:3])]
    assert incident_ids(people.viewer) == own
    assert incident_ids(people.admin) == [incidents[3].pk, *own]
    assert incident_ids(people.stranger) == [incidents[3].pk]  # a member there
    only = [other_organisation.pk]
    assert incident_ids(people.admin, organisation_ids=only) == [incidents[3].pk]
    assert incident_ids(people.viewer, organisation_ids=only) == []


def test_program_narrows_incidents_by_state_severity_and_organisation(
    people: People, incidents: list[Incident]
) -> None:
    open_one, acknowledged, over, foreign = (incident.pk for incident in incidents)
    admin = people.admin
    assert incident_ids(admin, state=UNRESOLVED) == [foreign, acknowledged, open_one]
    assert incident_ids(admin, state="resolved") == [over]
    assert incident_ids(admin, severity="warning") == [acknowledged]
    assert incident_ids(admin, organisation_slug="birch") == [foreign]
    assert incident_ids(admin, before_id=over, limit=1) == [acknowledged]


def test_program_reads_an_incident_with_what_it_links_to_in_two_queries(
    people: People,
    incidents: list[Incident],
    key: ApiKey,
    django_assert_num_queries: object,
) -> None:
    IncidentKey.objects.create(
        incident=incidents[0], key=key, health_state="overdue", began_at=clock.now()
    )
    with django_assert_num_queries(2):  # type: ignore[operator]
        incident = incident_for_program(
            user=people.viewer, organisation_ids=None, uid=incidents[0].uid
        )
        assert [row.key.label for row in incident.keys.all()] == ["Main"]
        assert incident.organisation.slug == "alder"
        assert (incident.cause, incident.assignee) == (None, None)


def test_incident_out_of_reach_is_missing_in_the_same_words(
    people: People, incidents: list[Incident], organisation: Organisation
) -> None:
    messages = set()
    for user, ids, uid in (
        (people.viewer, None, incidents[3].uid),
        (people.admin, [organisation.pk], incidents[3].uid),
        (people.admin, None, uuid4()),
    ):
        with pytest.raises(NotFound) as raised:
            incident_for_program(user=user, organisation_ids=ids, uid=uid)
        messages.add(raised.value.message)
    assert len(messages) == 1


def test_program_reads_deliveries_and_whose_mail_they_were(
    people: People, incidents: list[Incident], organisation: Organisation
) -> None:
    channels = [
        channel_create(organisation),
        person_channel_get(people.manager),
        person_channel_get(people.admin),
    ]
    states = (DeliveryState.SENT, DeliveryState.HELD, DeliveryState.SENT)
    rows = [
        Delivery.objects.create(
            incident=incidents[0],
            channel=channel,
            kind=DeliveryKind.OPENED,
            state=state,
            created_at=clock.now() + timedelta(seconds=number),
        )
        for number, (channel, state) in enumerate(zip(channels, states, strict=True))
    ]
    foreign = Delivery.objects.create(
        incident=incidents[3],
        channel=channels[2],
        kind=DeliveryKind.OPENED,
        state=DeliveryState.SENT,
        created_at=clock.now(),
    )

    def read(
        user: User, *, before_id: int | None = None, limit: int = 50, **selection: object
    ) -> list[int]:
        found = deliveries_for_program(
            user=user,
            organisation_ids=None,
            selection=DeliverySelection(**selection),  # type: ignore[arg-type]
            before_id=before_id,
            limit=limit,
        )
        are_members.update({row.pk: row.is_member_channel for row in found})  # type: ignore[attr-defined]
        return [row.pk for row in found]

    are_members: dict[int, bool] = {}
    hook, mail, admin_mail = (row.pk for row in rows)
    assert read(people.viewer) == [admin_mail, mail, hook]
    assert are_members == {hook: False, mail: True, admin_mail: False}
    assert read(people.admin)[0] == foreign.pk
    assert read(people.admin, incident_uid=incidents[3].uid) == [foreign.pk]
    assert read(people.viewer, incident_uid=incidents[3].uid) == []
    assert read(people.viewer, state="held") == [mail]
    assert read(people.viewer, channel_kind="webhook") == [hook]
    assert read(people.admin, organisation_slug="birch") == [foreign.pk]
    assert read(people.viewer, before_id=admin_mail, limit=1) == [mail]
