"""Actions on the pages of organisations, members, people and one's own profile."""

from freddy_admin.accounts.auth.first_admin_setup_link import setup_link_create
from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.saved_views import saved_view_save
from freddy_admin.alerts.preferences import MailKind, unsubscribe_token
from freddy_admin.audit.services import OPERATOR
from tests.accounts.conftest import PASSWORD
from tests.api.api_client import create_api_token
from tests.web.actions.scenario import (
    ORGANISATION_URL,
    ActionRequest,
    Scenario,
    UserAction,
    read_request_to,
    request_to,
)
from tests.web.member_factories import create_invitation, create_member

SYNC_BATCH_URL = "/syncs/new/"


def create_member_id(scene: Scenario) -> int:
    return create_member(scene.organisation).pk


def _sync_batch_request(scene: Scenario) -> ActionRequest:
    return ActionRequest(SYNC_BATCH_URL, {"key": [scene.key().pk], "start": "each"})


def _first_admin_request(scene: Scenario) -> ActionRequest:
    User.objects.all().delete()
    fields = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}
    return ActionRequest(f"/first-visit/{setup_link_create()}/", fields)


def _session_end_request(scene: Scenario) -> ActionRequest:
    row = UserSession.objects.create(
        user=scene.people.viewer, ip="192.0.2.1", session_key_hash="elsewhere", user_agent="A"
    )
    return ActionRequest(f"/profile/sessions/{row.pk}/end/")


def _session_end_all_request(scene: Scenario) -> ActionRequest:
    scene.signed_in(scene.people.viewer)
    return ActionRequest("/profile/sessions/end/")


def _invitation_sign_up_request(scene: Scenario) -> ActionRequest:
    __, link = create_invitation(scene.organisation, "nia@example.org")
    return ActionRequest(f"/invitations/{link}/", {"name": "Nia", "password": PASSWORD})


def _invitation_accept_request(scene: Scenario) -> ActionRequest:
    __, link = create_invitation(scene.organisation, scene.people.stranger.email)
    return ActionRequest(f"/invitations/{link}/accept/")


def _saved_view_delete_request(scene: Scenario) -> ActionRequest:
    user = scene.people.viewer
    view = saved_view_save(actor=OPERATOR, user=user, name="Late", query="state=late")
    return ActionRequest(f"/views/{view.pk}/remove/")


def _invitation_withdraw_request(scene: Scenario) -> ActionRequest:
    invitation, __ = create_invitation(scene.organisation)
    return ActionRequest(f"{ORGANISATION_URL}invitations/{invitation.pk}/", {"do": "withdraw"})


def _person_delete_request(scene: Scenario) -> ActionRequest:
    person = create_member(scene.organisation)
    return ActionRequest(f"/people/{person.pk}/remove/", {"email": person.email})


def _unsubscribe_request(scene: Scenario) -> ActionRequest:
    token = unsubscribe_token(user=scene.people.viewer, kind=MailKind.INCIDENTS)
    return ActionRequest(f"/unsubscribe/{token}/")


SAVED_VIEW_FIELDS = {"name": "Late", "query": "state=late"}
PROFILE_FIELDS = {"name": "Vera", "time_zone": "UTC", "theme": "light"}
API_TOKEN_FIELDS = {"name": "Board", "scope": "read", "days": "30", "reach": "all"}
PAGE_ACTIONS = {
    "overview_csv": UserAction("viewer", read_request_to("/overview.csv"), ("exported",)),
    "audit_csv": UserAction("viewer", read_request_to("/audit.csv"), ("exported",)),
    "organisation_export": UserAction(
        "manager",
        read_request_to(f"{ORGANISATION_URL}export/"),
        ("organisation_exported",),
        is_in_organisation=True,
    ),
    "profile_export": UserAction(
        "viewer", read_request_to("/profile/export/"), ("person_exported",)
    ),
    "person_export": UserAction(
        "admin",
        lambda scene: ActionRequest(f"/people/{create_member_id(scene)}/export/", method="get"),
        ("person_exported",),
    ),
    "sync_batch_create": UserAction(
        "operator", _sync_batch_request, ("sync_requested",), is_in_organisation=True
    ),
    "first_visit_link": UserAction(
        "nobody", _first_admin_request, ("person_created", "signed_in"), actor=""
    ),
    "profile": UserAction("viewer", request_to("/profile/", **PROFILE_FIELDS), ("person_changed",)),
    "profile_alerts": UserAction(
        "viewer", request_to("/profile/alerts/", leave="1"), ("person_changed",)
    ),
    "unsubscribe": UserAction("nobody", _unsubscribe_request, ("person_changed",), actor="viewer"),
    "sessions_end": UserAction("viewer", _session_end_all_request, ("sessions_ended",)),
    "session_end": UserAction("viewer", _session_end_request, ("sessions_ended",)),
    "api_token_create": UserAction(
        "viewer", request_to("/profile/tokens/new/", **API_TOKEN_FIELDS), ("token_created",)
    ),
    "api_token_revoke": UserAction(
        "viewer",
        lambda scene: ActionRequest(
            f"/profile/tokens/{create_api_token(scene.people.viewer)}/revoke/"
        ),
        ("token_revoked",),
    ),
    "clock_confirm": UserAction("admin", request_to("/system/clock/"), ("clock_confirmed",)),
    "panel_confirm": UserAction("admin", request_to("/system/panel/"), ("panel_confirmed",)),
    "person_change": UserAction(
        "admin",
        lambda scene: ActionRequest(f"/people/{create_member_id(scene)}/change/", {"do": "admin"}),
        ("admin_made",),
    ),
    "person_remove": UserAction(
        "admin", _person_delete_request, ("person_removed", "member_removed")
    ),
    "invitation": UserAction(
        "nobody",
        _invitation_sign_up_request,
        ("person_created", "invitation_accepted", "signed_in"),
        actor="",
    ),
    "invitation_accept": UserAction(
        "stranger", _invitation_accept_request, ("invitation_accepted",), is_in_organisation=True
    ),
    "saved_view_create": UserAction(
        "viewer", request_to("/views/keep/", name="Late", query="state=late"), ("view_kept",)
    ),
    "saved_view_delete": UserAction("viewer", _saved_view_delete_request, ("view_removed",)),
    "organisation_add": UserAction(
        "admin", request_to("/add-organisation/", name="Cedar"), ("organisation_created",)
    ),
    "organisation_rename": UserAction(
        "manager",
        request_to(f"{ORGANISATION_URL}rename/", name="Alder Ltd"),
        ("organisation_renamed",),
        is_in_organisation=True,
    ),
    "organisation_remove": UserAction(
        "admin",
        request_to(f"{ORGANISATION_URL}remove/", name="Alder"),
        ("organisation_removed",),
        is_in_organisation=True,
    ),
    "organisation_leave": UserAction(
        "viewer", request_to(f"{ORGANISATION_URL}leave/"), ("member_left",), is_in_organisation=True
    ),
    "member": UserAction(
        "manager",
        lambda scene: ActionRequest(
            f"{ORGANISATION_URL}members/{create_member_id(scene)}/", {"role": "operator"}
        ),
        ("member_changed",),
        is_in_organisation=True,
    ),
    "member_remove": UserAction(
        "manager",
        lambda scene: ActionRequest(f"{ORGANISATION_URL}members/{create_member_id(scene)}/remove/"),
        ("member_removed",),
        is_in_organisation=True,
    ),
    "member_invite": UserAction(
        "manager",
        request_to(f"{ORGANISATION_URL}members/invite/", email="nia@example.org", role="viewer"),
        ("member_invited",),
        is_in_organisation=True,
    ),
    "member_invitation": UserAction(
        "manager", _invitation_withdraw_request, ("invitation_withdrawn",), is_in_organisation=True
    ),
}
