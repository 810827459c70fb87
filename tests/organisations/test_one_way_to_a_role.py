"""Whoever may invite no more has invited to nothing: through every door that lowers a right."""

import ast
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.management import call_command
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_admin_set, person_delete, person_switch
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import NotAllowed, NotFound
from freddy_admin.organisations.accepting import invitation_accept_as_new
from freddy_admin.organisations.invitation_mail import invitations_send_due
from freddy_admin.organisations.invitations import (
    invitation_create,
    invitation_find,
    invitation_resend,
)
from freddy_admin.organisations.members import member_remove, member_role_change
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.removing import person_remove
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.services import member_set
from freddy_admin.vault.services.leavers import member_take_out, person_take_out
from tests.organisations.conftest import ACTOR, Actor, enrolled, person
from tests.organisations.doors import WRITERS, callers, outermost, sources
from tests.web.conftest import confirm
from tests.web.membership import invitation_made

pytestmark = pytest.mark.django_db
INVITED = "second-self@example.org"


@dataclass
class Scene:
    """Somebody who invited, in an organisation that others manage too."""

    place: Organisation
    who: User

    def browser(self, user: User | None = None) -> Client:
        """Of a platform admin, or of this person."""
        client, user = Client(), user or User.objects.get(email="root@example.org")
        client.force_login(user)
        confirm(client, user)
        return client

    def post(self, path: str, user: User | None = None, **fields: str) -> None:
        answer = self.browser(user).post(path, fields)
        assert answer.status_code == 302, answer.content.decode()

    @property
    def of_member(self) -> str:
        return f"/organisations/acme/members/{self.who.pk}/"

    @property
    def of_person(self) -> str:
        return f"/people/{self.who.pk}/"


Deed = Callable[[Scene], object]
# A manager loses the role, or all of it.
OF_MANAGERS: dict[str, Deed] = {
    "organisations.members.member_role_change": lambda s: member_role_change(
        organisation=s.place, actor=ACTOR, user_id=s.who.pk, role="operator"
    ),
    "organisations.members.member_remove": lambda s: member_remove(
        organisation=s.place, actor=ACTOR, user_id=s.who.pk
    ),
    "organisations.services.member_set": lambda s: member_set(
        organisation=s.place, actor=ACTOR, user=s.who, role="operator"
    ),
    "organisations.removing.person_remove": lambda s: person_remove(
        actor=ACTOR, person_id=s.who.pk
    ),
    "vault.services.leavers.member_take_out": lambda s: member_take_out(
        organisation=s.place, actor=ACTOR, user_id=s.who.pk
    ),
    "vault.services.leavers.person_take_out": lambda s: person_take_out(
        actor=ACTOR, person_id=s.who.pk
    ),
    "accounts.people.person_switch": lambda s: person_switch(
        actor=ACTOR, person_id=s.who.pk, is_active=False
    ),
    "accounts.people.person_delete": lambda s: person_delete(actor=ACTOR, person_id=s.who.pk),
    "ops.management.commands.add_member.Command": lambda s: call_command(
        "add_member", s.who.email, organisation="acme", role="viewer"
    ),
    "web.views.members.member": lambda s: s.post(s.of_member, role="viewer"),
    "web.views.members.member_out": lambda s: s.post(f"{s.of_member}remove/"),
    "web.views.members.leave": lambda s: s.post("/organisations/acme/leave/", s.who),
    "web.views.people.person_change": lambda s: s.post(f"{s.of_person}change/", do="off"),
    "web.views.people.person_out": lambda s: s.post(f"{s.of_person}remove/", email=s.who.email),
}
# A platform admin who is no member loses what the whole panel allowed.
OF_ADMINS: dict[str, Deed] = {
    "accounts.people.person_admin_set": lambda s: person_admin_set(
        actor=ACTOR, person_id=s.who.pk, is_admin=False
    ),
    "accounts.people.person_switch": OF_MANAGERS["accounts.people.person_switch"],
    "accounts.people.person_delete": OF_MANAGERS["accounts.people.person_delete"],
    "organisations.removing.person_remove": OF_MANAGERS["organisations.removing.person_remove"],
    "vault.services.leavers.person_take_out": OF_MANAGERS["vault.services.leavers.person_take_out"],
    "web.views.people.person_change": lambda s: s.post(f"{s.of_person}change/", do="not_admin"),
    "web.views.people.person_out": OF_MANAGERS["web.views.people.person_out"],
}
LOWERS_NOBODY = {
    "web.views.coming_in.accept": "an invitation never lowers a role",
    "web.views.coming_in.invitation": "an invitation makes an account",
    "organisations.accepting.invitation_accept": "an invitation never lowers a role",
    "organisations.accepting.invitation_accept_as_new": "an invitation makes an account",
    "organisations.standing.role_set": "the writer itself: all of the others go through it",
    "ops.management.commands.demo_data.Command": "fills an empty panel with invented people",
    "ops.demo.demo_data_ensure": "the same",
}


@pytest.fixture
def scene(organisation: Organisation) -> Scene:
    person("root", admin=True)
    enrolled(organisation, "colleague", Role.MANAGER)
    return Scene(organisation, person("ada"))


def test_every_door_stands_in_a_table() -> None:
    public = {one for one in callers() if not one.rpartition(".")[2].startswith("_")}
    services = {one for one in public if not one.startswith("web.")}
    assert {*OF_MANAGERS, *OF_ADMINS, *LOWERS_NOBODY} == services | outermost()


@pytest.mark.parametrize("door", OF_MANAGERS)
def test_a_manager_lowered_through_this_door_has_invited_to_nothing(
    door: str, scene: Scene, other: Organisation
) -> None:
    Membership.objects.create(organisation=scene.place, user=scene.who, role=Role.MANAGER)
    _withdrawn_by(OF_MANAGERS[door], scene)


@pytest.mark.parametrize("door", OF_ADMINS)
def test_a_platform_admin_lowered_through_this_door_has_invited_to_nothing(
    door: str, scene: Scene
) -> None:
    User.objects.filter(pk=scene.who.pk).update(is_platform_admin=True)
    scene.who.refresh_from_db()
    _withdrawn_by(OF_ADMINS[door], scene)


def _withdrawn_by(deed: Deed, scene: Scene) -> None:
    own = {"invited_by": "ada", "invited_by_id": scene.who.pk}
    made, link = invitation_made(scene.place, INVITED, Role.MANAGER, **own)
    colleague = User.objects.get(email="colleague@example.org")
    _, others = invitation_made(scene.place, "x@example.org", invited_by_id=colleague.pk)
    deed(scene)

    made.refresh_from_db()
    assert (made.ended_at is not None, made.digest) == (True, "")
    assert AuditEvent.objects.filter(tag=Tag.INVITATION_WITHDRAWN, subject=INVITED).count() == 1
    with pytest.raises(NotFound):
        invitation_accept_as_new(token=link, actor=ACTOR, name="Ada", password="other-words-42")
    assert not User.objects.filter(email=INVITED).exists()
    assert invitation_find(token=others)


def test_a_platform_admin_lowered_as_a_member_still_invites_everywhere(scene: Scene) -> None:
    User.objects.filter(pk=scene.who.pk).update(is_platform_admin=True)
    Membership.objects.create(organisation=scene.place, user=scene.who, role=Role.MANAGER)
    _, link = invitation_made(scene.place, INVITED, invited_by_id=scene.who.pk)
    member_role_change(
        organisation=scene.place, actor=ACTOR, user_id=scene.who.pk, role=Role.VIEWER
    )

    assert invitation_find(token=link)


def test_an_invitation_by_somebody_who_may_no_longer_invite_is_neither_used_nor_mailed(
    scene: Scene,
) -> None:
    # As a race or an older version might leave it: lowered without a word to the invitations.
    Membership.objects.create(organisation=scene.place, user=scene.who, role=Role.MANAGER)
    own = Actor("ada", id=scene.who.pk)
    waiting = invitation_create(
        organisation=scene.place, actor=own, email="y@example.org", role="viewer"
    )
    _, link = invitation_made(scene.place, INVITED, invited_by_id=scene.who.pk)
    assert invitation_find(token=link)
    Membership.objects.filter(user=scene.who).update(role=Role.OPERATOR)

    page = Client().get(f"/invitations/{link}/")
    assert page.status_code == 404
    with pytest.raises(NotFound):
        invitation_accept_as_new(token=link, actor=ACTOR, name="Ada", password="other-words-42")
    assert invitations_send_due() == 0
    with pytest.raises(NotAllowed):
        invitation_create(organisation=scene.place, actor=own, email="z@example.org", role="viewer")
    with pytest.raises(NotAllowed):
        invitation_resend(organisation=scene.place, actor=own, invitation_id=waiting.pk)
    # Somebody who may does not have to wait for it to run out.
    assert invitation_create(organisation=scene.place, actor=ACTOR, email=INVITED, role="viewer").pk
    assert Invitation.objects.filter(email=INVITED, ended_at=None).count() == 1


def test_nothing_else_writes_a_role() -> None:
    assert {name for name, tree in sources() for name in _writes_roles(name, tree)} == {
        *WRITERS,
        # Organisations and their names.
        "organisations.services.organisation_create",
        "organisations.services.organisations_ensure",
        "organisations.services._rename",
        "organisations.services.organisation_remove",
        # Whoever makes a person says whether it is a platform admin.
        "accounts.services._person_create",
        # The role of an invitation, and the name of a person.
        "organisations.invitations.invitation_create",
        "accounts.people.person_invited_create",
    }


RIGHTS = {"role", "is_platform_admin", "is_active"}
VERBS = {"create", "get_or_create", "update_or_create", "bulk_create", "bulk_update"} | {
    *("update", "delete", "save", "aupdate", "adelete", "asave", "acreate")
}
# Files that have a membership or a person in hand; what they write is looked at one by one.
CLOSE = {"organisations.services", "organisations.members", "organisations.standing"} | {
    *("organisations.accepting", "organisations.removing", "accounts.people")
}


def _writes_roles(module: str, tree: ast.Module) -> set[str]:
    return {
        f"{module}.{_name(top)}"
        for top in tree.body
        if not isinstance(top, ast.ImportFrom)
        for node in ast.walk(top)
        if _writes(node, close=module in CLOSE)
    } - {f"{module}.-"}


def _name(top: ast.stmt) -> str:
    if isinstance(top, ast.FunctionDef):
        return top.name
    target = top.targets[0] if isinstance(top, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else "-"


def _writes(node: ast.AST, *, close: bool) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node.attr in RIGHTS
    if not isinstance(node, ast.Call):
        return False
    verb = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    given = {one.arg for one in node.keywords}
    about = close or "ship" in ast.unparse(node.func)
    made = isinstance(node.func, ast.Name) and node.func.id in {"User", "Membership"}
    return (verb in VERBS and (about or bool(given & RIGHTS))) or (made and bool(given & RIGHTS))
