"""Addresses of people are for who looks after members: everybody else reads a name, or "a member".

Every kind of person without a name is planted where pages tell who did something, and every address
of the panel is asked for: by viewers and operators, by a manager of another organisation, by the
person who is invited. The managers themselves find the addresses there.
"""

import re
from dataclasses import dataclass

import pytest
from django.core import mail
from django.test import Client

from freddy_admin.accounts.models import TokenScope, User
from freddy_admin.accounts.tokens.grants import TokenWish
from freddy_admin.accounts.tokens.panel_tokens import api_token_create
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.organisations.access import place_of
from freddy_admin.organisations.invitation_mail import _mail
from freddy_admin.organisations.models import Invitation, Membership
from freddy_admin.organisations.names import actor_shown, addresses_hidden, person_shown
from freddy_admin.organisations.roles import PERMISSIONS, Role
from freddy_admin.sync.models import EventKind, HistoryEvent, KeySync, Order, OrderState
from freddy_admin.vault.models import ApiKey, KeyCandidate
from tests.web.conftest import MakeKey, SignIn
from tests.web.crawling import Crawler, asked_for
from tests.web.membership import invitation_made, member_made
from tests.web.two_tenants import Tenant, tenant_filled

ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.(?:example|org)\b")
ROLES = ("viewer", "operator")
# Whoever leaves a trace; none of them gave a name.
DOERS = (
    *("owner", "pauser", "starter", "checker", "paster", "switcher", "keeper", "editor"),
    *("inviter", "program", "remover"),
)


def address_of(who: str) -> str:
    return f"{who}@people.example"


@dataclass
class Scene:
    """An organisation in which nameless people did everything there is to do."""

    tenant: Tenant
    client: Client
    reader: User
    bearer: str

    def found(self) -> set[str]:
        """All addresses that this person gets to read, but their own."""
        crawler, found = Crawler(self.client, self.bearer), set[str]()
        # What is sent is answered with a page, or a sentence of its own test below.
        pages = [one for one in asked_for(self.tenant.ids, "") if one.method == "get"]
        for asked in (one for one in pages if not one.live):
            told = crawler.ask(asked, self.tenant)
            found |= set(ADDRESS.findall(told.body + told.headers))
        return found - {self.reader.email}


def plant(tenant: Tenant) -> None:
    """A trace of each of them."""
    here = tenant.organisation
    User.objects.exclude(pk=None).update(name="")
    nameless = {who: User.objects.create(email=address_of(who)) for who in DOERS}
    for who in DOERS[:-1]:  # the last one was removed
        Membership.objects.create(
            organisation=here, user=nameless[who], role=Role.MANAGER, created_at=clock.now()
        )
    ApiKey.objects.filter(organisation=here).update(owner=nameless["owner"])
    paused = ApiKey.objects.filter(organisation=here, paused_at__isnull=False)
    paused.update(paused_by=address_of("pauser"))
    KeySync.objects.filter(organisation=here).update(
        requested_by=address_of("checker"),
        order_by=address_of("starter"),
        order_at=clock.now(),
        order_state=OrderState.SENDING,
    )
    KeyCandidate.objects.update(created_by=address_of("paster"), state="pending")
    Order.objects.update(requested_by=address_of("switcher"))
    Invitation.objects.update(invited_by=address_of("inviter"))
    program = f"{address_of('program')}, by the token “T” ({address_of('program')})"
    for name in (address_of("editor"), program, "Zoë (zoe@people.example)"):
        for details in ({"what": "edited"}, {"what": "sync", "full": True}):
            kind = EventKind.PERSON_DID if details["what"] == "sync" else EventKind.KEY_CHANGED
            HistoryEvent.objects.create(
                organisation=here,
                key_id=tenant.ids["key_id"],
                kind=kind,
                at=clock.now(),
                noticed_at=clock.now(),
                actor_name=name,
                details=details,
            )


def read_of_oneself(reader: User, tenant: Tenant) -> None:
    """What a person finds in the audit log and in their own export, with others' names in it."""
    audit_record(
        tag=Tag.MEMBER_ADDED,
        actor=Actor(reader.email, id=reader.pk),
        place=place_of(tenant.organisation),
        subject=reader.email,
        invited_by=address_of("inviter"),
        changes={"owner": [address_of("owner"), None]},
    )
    audit_record(tag=Tag.ADMIN_MADE, actor=Actor(address_of("remover"), id=1), subject=reader.email)
    invitation_made(tenant.organisation, reader.email, invited_by=address_of("inviter"))


def scene_of(tenant: Tenant, reader: User, client: Client) -> Scene:
    wish = TokenWish(TokenScope.ACT)
    bearer = api_token_create(actor=Actor("Ann"), user=reader, name="crawl", wish=wish)
    return Scene(tenant, client, reader, bearer)


@pytest.fixture
def tenant(make_key: MakeKey) -> Tenant:
    return tenant_filled("plain", make_key)


@pytest.mark.parametrize("role", ROLES)
def test_viewer_and_operator_find_no_address_but_their_own(
    role: str, tenant: Tenant, signed_in: SignIn
) -> None:
    reader = member_made(tenant.organisation, role)
    plant(tenant)
    read_of_oneself(reader, tenant)
    assert scene_of(tenant, reader, signed_in(reader)).found() == set()


def test_manager_finds_them_there(tenant: Tenant, signed_in: SignIn) -> None:
    plant(tenant)
    found = scene_of(tenant, tenant.manager, signed_in(tenant.manager)).found()
    told = {who for who in DOERS if address_of(who) in found}
    assert told >= {"owner", "pauser", "starter", "paster", "switcher", "inviter", "editor"}


def test_a_person_without_a_name_is_a_member_to_viewers(tenant: Tenant, signed_in: SignIn) -> None:
    reader = member_made(tenant.organisation, "viewer")
    plant(tenant)
    client, slug = signed_in(reader), tenant.organisation.slug
    page = client.get(f"/organisations/{slug}/").content.decode()
    assert "a member changed the key" in page
    assert "Zoë changed the key" in page
    assert "by a member. Nothing is checked" in page
    members = client.get(f"/organisations/{slug}/members/").content.decode()
    assert members.count("a member") >= len(DOERS) - 1
    rows = client.get("/overview.csv").getvalue().decode().splitlines()
    assert all("a member" in row for row in rows[1:])


def test_manager_of_another_organisation_finds_none(
    make_key: MakeKey, tenant: Tenant, signed_in: SignIn
) -> None:
    other = tenant_filled("other", make_key)
    plant(tenant)
    reader = member_made(other.organisation, "manager", email="reader@people.example")
    owner = User.objects.get(email=address_of("owner"))
    # The same person looks after a key of both: here the manager may know who it is.
    scene = Scene(tenant, signed_in(reader), reader, "")
    assert address_of("owner") not in str(scene.client.get("/").content)
    Membership.objects.create(
        organisation=other.organisation, user=owner, role=Role.VIEWER, created_at=clock.now()
    )
    ApiKey.objects.filter(organisation=other.organisation).update(owner=owner)
    assert address_of("owner") in str(scene.client.get("/").content)
    Membership.objects.create(
        organisation=tenant.organisation, user=reader, role=Role.VIEWER, created_at=clock.now()
    )
    page = scene.client.get(f"/organisations/{tenant.organisation.slug}/").content.decode()
    assert ADDRESS.findall(page.replace(reader.email, "")) == []


def test_who_is_invited_reads_no_address_of_the_inviter(tenant: Tenant) -> None:
    made, token = invitation_made(
        tenant.organisation, "new@people.example", invited_by=address_of("inviter")
    )
    page = Client().get(f"/invitations/{token}/").content.decode()
    letter = _mail(made, token)
    for text in (page, letter.subject, str(letter.body)):
        assert "a member" in text
        assert address_of("inviter") not in text
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("role", "finds"), [("viewer", False), ("operator", False), ("manager", True)]
)
def test_search_finds_keys_by_the_owners_address_for_managers_alone(
    role: str, finds: bool, tenant: Tenant, signed_in: SignIn
) -> None:
    reader = member_made(tenant.organisation, role, email=f"reader@{role}.org")
    plant(tenant)
    client = signed_in(reader)
    for path in ("/?q=", f"/organisations/{tenant.organisation.slug}/?q=", "/overview.csv?q="):
        page = client.get(f"{path}owner@peop").getvalue().decode()
        if not path.startswith("/organisations"):
            assert (tenant.said("label") in page) is finds, path
    assert tenant.said("label") in client.get("/?q=plainplace").content.decode()


MANAGER, VIEWER = PERMISSIONS[Role.MANAGER], PERMISSIONS[Role.VIEWER]


@pytest.mark.parametrize(
    ("written", "to_viewers", "to_managers"),
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
def test_an_actor_is_shown_by_name(written: str, to_viewers: str, to_managers: str) -> None:
    assert actor_shown(written) == actor_shown(written, VIEWER) == to_viewers
    assert actor_shown(written, MANAGER) == to_managers


def test_a_person_is_shown_by_name() -> None:
    assert person_shown("Ana", "ana@x.org", VIEWER) == "Ana"
    assert person_shown("", "ana@x.org", VIEWER) == "a member"
    assert person_shown("", "ana@x.org", MANAGER) == "ana@x.org"
    assert person_shown("", "", VIEWER) == ""


def test_addresses_are_hidden_wherever_they_stand_and_nothing_else() -> None:
    details = {
        "a": ["ana@x.org", None, 3],
        "b": "asked by <ana@x.org>, me@x.org.",
        "c": "5 @ 3, @ana",
    }
    assert addresses_hidden(details, but="ME@x.org") == {
        "a": ["a member", None, 3],
        "b": "asked by <a member>, me@x.org.",
        "c": "5 @ 3, @ana",
    }


def test_a_refusal_names_nobody_by_address(tenant: Tenant, signed_in: SignIn) -> None:
    reader = member_made(tenant.organisation, "operator")
    plant(tenant)
    path = f"/organisations/{tenant.organisation.slug}/keys/{tenant.ids['key_id']}/sync/"
    page = signed_in(reader).post(path, {"mode": "full"}, follow=True).content.decode()
    assert "a member" in page
    assert address_of("switcher") not in page
