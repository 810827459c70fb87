"""Deeds on the pages of organisations, members, people and one's own profile."""

from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.saved_views import saved_view_keep
from freddy_admin.accounts.signing_in.first_visit import first_link_make
from freddy_admin.audit.services import OPERATOR
from tests.accounts.conftest import PASSWORD
from tests.web.deeds.scene import HERE, Ask, Deed, Scene, on, read
from tests.web.machines import token_made
from tests.web.membership import invitation_made, member_made

MANY_SYNCS = "/syncs/new/"


def member(scene: Scene) -> int:
    return member_made(scene.organisation).pk


def _syncs(scene: Scene) -> Ask:
    return Ask(MANY_SYNCS, {"key": [scene.key().pk], "start": "each"})


def _first(scene: Scene) -> Ask:
    User.objects.all().delete()
    fields = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}
    return Ask(f"/first-visit/{first_link_make()}/", fields)


def _session(scene: Scene) -> Ask:
    row = UserSession.objects.create(
        user=scene.people.viewer, ip="192.0.2.1", session_key_hash="elsewhere", user_agent="A"
    )
    return Ask(f"/profile/sessions/{row.pk}/end/")


def _sessions(scene: Scene) -> Ask:
    scene.signed_in(scene.people.viewer)
    return Ask("/profile/sessions/end/")


def _invitation(scene: Scene) -> Ask:
    __, link = invitation_made(scene.organisation, "nia@example.org")
    return Ask(f"/invitations/{link}/", {"name": "Nia", "password": PASSWORD})


def _accept(scene: Scene) -> Ask:
    __, link = invitation_made(scene.organisation, scene.people.stranger.email)
    return Ask(f"/invitations/{link}/accept/")


def _view_remove(scene: Scene) -> Ask:
    user = scene.people.viewer
    view = saved_view_keep(actor=OPERATOR, user=user, name="Late", query="state=late")
    return Ask(f"/views/{view.pk}/remove/")


def _withdraw(scene: Scene) -> Ask:
    made, __ = invitation_made(scene.organisation)
    return Ask(f"{HERE}invitations/{made.pk}/", {"do": "withdraw"})


def _person_remove(scene: Scene) -> Ask:
    person = member_made(scene.organisation)
    return Ask(f"/people/{person.pk}/remove/", {"email": person.email})


VIEW = {"name": "Late", "query": "state=late"}
PROFILE = {"name": "Vera", "time_zone": "UTC", "theme": "light"}
TOKEN = {"name": "Board", "scope": "read", "days": "30", "reach": "all"}
PAGES = {
    "overview_csv": Deed("viewer", read("/overview.csv"), ("exported",)),
    "audit_csv": Deed("viewer", read("/audit.csv"), ("exported",)),
    "organisation_export": Deed(
        "manager", read(f"{HERE}export/"), ("organisation_exported",), here=True
    ),
    "profile_export": Deed("viewer", read("/profile/export/"), ("person_exported",)),
    "person_export": Deed(
        "admin",
        lambda scene: Ask(f"/people/{member(scene)}/export/", method="get"),
        ("person_exported",),
    ),
    "syncs_new": Deed("operator", _syncs, ("sync_requested",), here=True),
    "first_visit_link": Deed("nobody", _first, ("person_created", "signed_in"), actor=""),
    "profile": Deed("viewer", on("/profile/", **PROFILE), ("person_changed",)),
    "sessions_end": Deed("viewer", _sessions, ("sessions_ended",)),
    "session_end": Deed("viewer", _session, ("sessions_ended",)),
    "token_new": Deed("viewer", on("/profile/tokens/new/", **TOKEN), ("token_created",)),
    "token_revoke": Deed(
        "viewer",
        lambda scene: Ask(f"/profile/tokens/{token_made(scene.people.viewer)}/revoke/"),
        ("token_revoked",),
    ),
    "clock_confirm": Deed("admin", on("/system/clock/"), ("clock_confirmed",)),
    "person_change": Deed(
        "admin",
        lambda scene: Ask(f"/people/{member(scene)}/change/", {"do": "admin"}),
        ("admin_made",),
    ),
    "person_remove": Deed("admin", _person_remove, ("person_removed", "member_removed")),
    "invitation": Deed(
        "nobody",
        _invitation,
        ("person_created", "invitation_accepted", "signed_in"),
        actor="",
    ),
    "invitation_accept": Deed("stranger", _accept, ("invitation_accepted",), here=True),
    "view_keep": Deed(
        "viewer", on("/views/keep/", name="Late", query="state=late"), ("view_kept",)
    ),
    "view_remove": Deed("viewer", _view_remove, ("view_removed",)),
    "organisation_add": Deed(
        "admin", on("/add-organisation/", name="Cedar"), ("organisation_created",)
    ),
    "organisation_rename": Deed(
        "manager", on(f"{HERE}rename/", name="Alder Ltd"), ("organisation_renamed",), here=True
    ),
    "organisation_remove": Deed(
        "admin", on(f"{HERE}remove/", name="Alder"), ("organisation_removed",), here=True
    ),
    "leave": Deed("viewer", on(f"{HERE}leave/"), ("member_left",), here=True),
    "member": Deed(
        "manager",
        lambda scene: Ask(f"{HERE}members/{member(scene)}/", {"role": "operator"}),
        ("member_changed",),
        here=True,
    ),
    "member_remove": Deed(
        "manager",
        lambda scene: Ask(f"{HERE}members/{member(scene)}/remove/"),
        ("member_removed",),
        here=True,
    ),
    "member_invite": Deed(
        "manager",
        on(f"{HERE}members/invite/", email="nia@example.org", role="viewer"),
        ("member_invited",),
        here=True,
    ),
    "member_invitation": Deed("manager", _withdraw, ("invitation_withdrawn",), here=True),
}
