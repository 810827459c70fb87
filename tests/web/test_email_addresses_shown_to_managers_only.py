"""E-mail addresses are shown to managers of members alone: others read a name, or "a member".

People without a name are planted wherever pages name an actor, and every URL of the panel is
requested: by viewers and operators, by a manager of another organisation, by the invited person.
The managers themselves find the addresses there.
"""

import re
from dataclasses import dataclass

import pytest
from django.core import mail
from django.test import Client

from freddy_admin.accounts.api_tokens import ApiTokenOptions, api_token_create
from freddy_admin.accounts.models import TokenScope, User
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.organisations.access import (
    actor_display_name,
    addresses_mask,
    organisation_audit_ref,
    person_display_name,
)
from freddy_admin.organisations.invitation_mail import invitation_email
from freddy_admin.organisations.models import Invitation, Membership
from freddy_admin.organisations.roles import ROLE_PERMISSIONS, Role
from freddy_admin.sync.models import (
    EventKind,
    HistoryEvent,
    OperationState,
    RemoteOperation,
    SyncStatus,
)
from freddy_admin.vault.models import ApiKey, KeyCandidate
from tests.web.conftest import MakeKey, SignIn
from tests.web.member_factories import create_invitation, create_member
from tests.web.tenant_factory import Tenant, create_filled_tenant
from tests.web.url_crawler import Crawler, list_crawl_requests

pytestmark = pytest.mark.sqlite_is_enough

ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.(?:example|org)\b")
ROLES = ("viewer", "operator")
# People who leave a trace; none of them gave a name.
ACTOR_NAMES = (
    *("owner", "pauser", "starter", "checker", "paster", "switcher", "keeper", "editor"),
    *("inviter", "program", "remover"),
)


def email_of(name: str) -> str:
    return f"{name}@people.example"


@dataclass
class ReaderView:
    """A person's view of an organisation in which nameless people did everything there is to do."""

    tenant: Tenant
    client: Client
    reader: User
    bearer: str

    def addresses_read(self) -> set[str]:
        """The e-mail addresses on all pages of this person, but their own."""
        crawler, addresses = Crawler(self.client, self.bearer), set[str]()
        # Only pages: responses to forms have a test of their own below.
        pages = [
            crawl_request
            for crawl_request in list_crawl_requests(self.tenant.ids, "")
            if crawl_request.method == "get"
        ]
        for page_request in (crawl_request for crawl_request in pages if not crawl_request.is_live):
            crawl_response = crawler.send(page_request, self.tenant)
            addresses |= set(ADDRESS.findall(crawl_response.body + crawl_response.headers))
        return addresses - {self.reader.email}


def plant_traces(tenant: Tenant) -> None:
    """Leave a trace of each of ACTOR_NAMES in the tenant's rows."""
    organisation = tenant.organisation
    User.objects.exclude(pk=None).update(name="")
    users_by_name = {actor: User.objects.create(email=email_of(actor)) for actor in ACTOR_NAMES}
    for actor in ACTOR_NAMES[:-1]:  # the last one was removed
        Membership.objects.create(
            organisation=organisation,
            user=users_by_name[actor],
            role=Role.MANAGER,
            created_at=clock.now(),
        )
    ApiKey.objects.filter(organisation=organisation).update(owner=users_by_name["owner"])
    paused = ApiKey.objects.filter(organisation=organisation, paused_at__isnull=False)
    paused.update(paused_by=email_of("pauser"))
    SyncStatus.objects.filter(organisation=organisation).update(
        requested_by=email_of("checker"),
        operation_requested_by=email_of("starter"),
        operation_requested_at=clock.now(),
        operation_state=OperationState.SENDING,
    )
    KeyCandidate.objects.update(created_by=email_of("paster"), state="pending")
    RemoteOperation.objects.update(requested_by=email_of("switcher"))
    Invitation.objects.update(invited_by=email_of("inviter"))
    program = f"{email_of('program')}, by the token “T” ({email_of('program')})"
    for name in (email_of("editor"), program, "Zoë (zoe@people.example)"):
        for details in ({"what": "edited"}, {"what": "sync", "full": True}):
            kind = EventKind.PERSON_ACTION if details["what"] == "sync" else EventKind.KEY_CHANGED
            HistoryEvent.objects.create(
                organisation=organisation,
                key_id=tenant.ids["key_id"],
                kind=kind,
                at=clock.now(),
                noticed_at=clock.now(),
                actor_name=name,
                details=details,
            )


def plant_personal_events(reader: User, tenant: Tenant) -> None:
    """The rows of the audit log and of a person's own export that name other people."""
    audit_event_record(
        tag=AuditTag.MEMBER_ADDED,
        actor=Actor(reader.email, id=reader.pk),
        organisation=organisation_audit_ref(tenant.organisation),
        subject=reader.email,
        invited_by=email_of("inviter"),
        changes={"owner": [email_of("owner"), None]},
    )
    audit_event_record(
        tag=AuditTag.ADMIN_MADE, actor=Actor(email_of("remover"), id=1), subject=reader.email
    )
    create_invitation(tenant.organisation, reader.email, invited_by=email_of("inviter"))


def reader_view(tenant: Tenant, reader: User, client: Client) -> ReaderView:
    token_options = ApiTokenOptions(TokenScope.ACT)
    bearer = api_token_create(
        actor=Actor("Ann"), user=reader, name="crawl", token_options=token_options
    )
    return ReaderView(tenant, client, reader, bearer)


@pytest.fixture
def tenant(make_key: MakeKey) -> Tenant:
    return create_filled_tenant("plain", make_key)


@pytest.mark.parametrize("role", ROLES)
def test_viewer_and_operator_find_no_email_but_their_own(
    role: str, tenant: Tenant, signed_in: SignIn
) -> None:
    reader = create_member(tenant.organisation, role)
    plant_traces(tenant)
    plant_personal_events(reader, tenant)
    assert reader_view(tenant, reader, signed_in(reader)).addresses_read() == set()


def test_manager_finds_email_addresses(tenant: Tenant, signed_in: SignIn) -> None:
    plant_traces(tenant)
    addresses = reader_view(tenant, tenant.manager, signed_in(tenant.manager)).addresses_read()
    names_of_found = {name for name in ACTOR_NAMES if email_of(name) in addresses}
    assert names_of_found >= {
        "owner",
        "pauser",
        "starter",
        "paster",
        "switcher",
        "inviter",
        "editor",
    }


def test_a_person_without_a_name_is_a_member_to_viewers(tenant: Tenant, signed_in: SignIn) -> None:
    reader = create_member(tenant.organisation, "viewer")
    plant_traces(tenant)
    client, slug = signed_in(reader), tenant.organisation.slug
    page = client.get(f"/organisations/{slug}/").content.decode()
    assert "a member changed the key" in page
    assert "Zoë changed the key" in page
    assert "by a member. Nothing is checked" in page
    members = client.get(f"/organisations/{slug}/members/").content.decode()
    assert members.count("a member") >= len(ACTOR_NAMES) - 1
    rows = client.get("/overview.csv").getvalue().decode().splitlines()
    assert all("a member" in row for row in rows[1:])


def test_manager_of_another_organisation_finds_no_email(
    make_key: MakeKey, tenant: Tenant, signed_in: SignIn
) -> None:
    other_tenant = create_filled_tenant("other", make_key)
    plant_traces(tenant)
    reader = create_member(other_tenant.organisation, "manager", email="reader@people.example")
    owner = User.objects.get(email=email_of("owner"))
    # The same person owns a key in both organisations: here the manager may know who it is.
    scene = ReaderView(tenant, signed_in(reader), reader, "")
    assert email_of("owner") not in str(scene.client.get("/").content)
    Membership.objects.create(
        organisation=other_tenant.organisation, user=owner, role=Role.VIEWER, created_at=clock.now()
    )
    ApiKey.objects.filter(organisation=other_tenant.organisation).update(owner=owner)
    assert email_of("owner") in str(scene.client.get("/").content)
    Membership.objects.create(
        organisation=tenant.organisation, user=reader, role=Role.VIEWER, created_at=clock.now()
    )
    page = scene.client.get(f"/organisations/{tenant.organisation.slug}/").content.decode()
    assert ADDRESS.findall(page.replace(reader.email, "")) == []


def test_invited_person_reads_no_email_of_the_inviter(tenant: Tenant) -> None:
    invitation, token = create_invitation(
        tenant.organisation, "new@people.example", invited_by=email_of("inviter")
    )
    page = Client().get(f"/invitations/{token}/").content.decode()
    letter = invitation_email(invitation, token)
    for text in (page, letter.subject, str(letter.body)):
        assert "a member" in text
        assert email_of("inviter") not in text
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("role", "is_found"), [("viewer", False), ("operator", False), ("manager", True)]
)
def test_search_finds_keys_by_email_of_the_owner_for_managers_alone(
    role: str, is_found: bool, tenant: Tenant, signed_in: SignIn
) -> None:
    reader = create_member(tenant.organisation, role, email=f"reader@{role}.org")
    plant_traces(tenant)
    client = signed_in(reader)
    for path in ("/?q=", f"/organisations/{tenant.organisation.slug}/?q=", "/overview.csv?q="):
        page = client.get(f"{path}owner@peop").getvalue().decode()
        if not path.startswith("/organisations"):
            assert (tenant.text_of("label") in page) is is_found, path
    assert tenant.text_of("label") in client.get("/?q=plainplace").content.decode()


MANAGER, VIEWER = ROLE_PERMISSIONS[Role.MANAGER], ROLE_PERMISSIONS[Role.VIEWER]


@pytest.mark.parametrize(
    ("actor_name", "to_viewers", "to_managers"),
    [
        ("Ana (ana@x.org)", "Ana", "Ana"),
        ("ana@x.org", "a member", "ana@x.org"),
        ("Ana, by the token “T” (ana@x.org)", *["Ana, by the token “T”"] * 2),
        (
            "ana@x.org, by the token “T” (a@x.org)",
            "a member, by the token “T”",
            "ana@x.org, by the token “T”",
        ),
        ("ana@x.org (boss) (ana@x.org)", "a member (boss)", "ana@x.org (boss)"),
        ("operator (command line)", *["operator"] * 2),
        ("worker", *["worker"] * 2),
        ("", "", ""),
    ],
)
def test_an_actor_is_shown_by_name(actor_name: str, to_viewers: str, to_managers: str) -> None:
    assert actor_display_name(actor_name) == actor_display_name(actor_name, VIEWER) == to_viewers
    assert actor_display_name(actor_name, MANAGER) == to_managers


def test_a_person_is_shown_by_name() -> None:
    assert person_display_name("Ana", "ana@x.org", VIEWER) == "Ana"
    assert person_display_name("", "ana@x.org", VIEWER) == "a member"
    assert person_display_name("", "ana@x.org", MANAGER) == "ana@x.org"
    assert person_display_name("", "", VIEWER) == ""


def test_email_addresses_are_hidden_wherever_they_stand_and_nothing_else() -> None:
    details = {
        "a": ["ana@x.org", None, 3],
        "b": "asked by <ana@x.org>, me@x.org.",
        "c": "5 @ 3, @ana",
    }
    assert addresses_mask(details, except_address="ME@x.org") == {
        "a": ["a member", None, 3],
        "b": "asked by <a member>, me@x.org.",
        "c": "5 @ 3, @ana",
    }


def test_refusal_names_nobody_by_email(tenant: Tenant, signed_in: SignIn) -> None:
    reader = create_member(tenant.organisation, "operator")
    plant_traces(tenant)
    path = f"/organisations/{tenant.organisation.slug}/keys/{tenant.ids['key_id']}/sync/"
    page = signed_in(reader).post(path, {"mode": "full"}, follow=True).content.decode()
    assert "a member" in page
    assert email_of("switcher") not in page
