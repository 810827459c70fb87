"""Every page of the panel, in one list."""

from django.urls import path, register_converter

from freddy_admin.core.converters import NumberConverter
from freddy_admin.web.machines import api
from freddy_admin.web.views import (
    audit,
    candidates,
    checks,
    coming_in,
    exports,
    first_visit,
    imports,
    invitations,
    keys,
    lists,
    members,
    organisations,
    overview,
    panel_tokens,
    people,
    profile,
    roles,
    saved_views,
    sessions,
    single_sign_on,
    switches,
    syncs,
    system,
    takeouts,
)

register_converter(NumberConverter, "number")

ORGANISATION = "organisations/<slug:slug>/"
MEMBER = f"{ORGANISATION}members/<number:user_id>/"
PERSON = "people/<number:person_id>/"
KEY = f"{ORGANISATION}keys/<number:key_id>/"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("overview.csv", exports.overview_csv, name="overview_csv"),
    path("syncs/new/", syncs.syncs_new, name="syncs_new"),
    path("syncs/<uuid:batch_id>/", syncs.syncs_batch, name="syncs_batch"),
    path("import/", imports.import_new, name="import_new"),
    path("import/<uuid:draft_id>/", imports.import_draft, name="import_draft"),
    path("import/<uuid:draft_id>/confirm/", imports.import_confirm, name="import_confirm"),
    path("import/<uuid:draft_id>/retest/", imports.import_retest, name="import_retest"),
    path("import/<uuid:draft_id>/discard/", imports.import_discard, name="import_discard"),
    path("audit/", audit.audit, name="audit"),
    path("audit.csv", audit.audit_csv, name="audit_csv"),
    path("system/", system.system, name="system"),
    path("system/clock/", system.clock_confirm_view, name="clock_confirm"),
    path("first-visit/", first_visit.first_visit, name="first_visit"),
    path("first-visit/<str:token>/", first_visit.first_visit_link, name="first_visit_link"),
    path("profile/", profile.profile, name="profile"),
    path("profile/single-sign-on/unlink/", single_sign_on.unlink, name="single_sign_on_unlink"),
    path("profile/sessions/", sessions.sessions, name="sessions"),
    path("profile/sessions/end/", sessions.end_all, name="sessions_end"),
    path("profile/sessions/<number:session_id>/end/", sessions.end, name="session_end"),
    path("profile/tokens/", panel_tokens.tokens, name="tokens"),
    path("profile/tokens/new/", panel_tokens.token_new, name="token_new"),
    path(
        "profile/tokens/<number:token_id>/revoke/", panel_tokens.token_revoke, name="token_revoke"
    ),
    path("profile/export/", takeouts.profile_export, name="profile_export"),
    path("roles/", roles.roles, name="roles"),
    path("people/", people.people, name="people"),
    path(PERSON, people.person, name="person"),
    path(f"{PERSON}change/", people.person_change, name="person_change"),
    path(f"{PERSON}unlink/", single_sign_on.person_unlink, name="person_unlink"),
    path(f"{PERSON}remove/", people.person_out, name="person_remove"),
    path(f"{PERSON}export/", takeouts.person_export, name="person_export"),
    path("invitations/<str:token>/", coming_in.invitation, name="invitation"),
    path("invitations/<str:token>/accept/", coming_in.accept, name="invitation_accept"),
    path("views/keep/", saved_views.keep, name="view_keep"),
    path("views/<number:view_id>/remove/", saved_views.remove, name="view_remove"),
    # Not below /organisations/: an organisation may be called "add".
    path("add-organisation/", organisations.organisation_add, name="organisation_add"),
    path(ORGANISATION, organisations.organisation, name="organisation"),
    path(
        f"{ORGANISATION}rename/", organisations.organisation_change_name, name="organisation_rename"
    ),
    path(f"{ORGANISATION}remove/", organisations.organisation_delete, name="organisation_remove"),
    path(f"{ORGANISATION}export/", takeouts.organisation_export, name="organisation_export"),
    path(f"{ORGANISATION}leave/", members.leave, name="leave"),
    path(f"{ORGANISATION}members/", members.members, name="members"),
    path(f"{ORGANISATION}members/invite/", invitations.member_invite, name="member_invite"),
    path(MEMBER, members.member, name="member"),
    path(f"{MEMBER}remove/", members.member_out, name="member_remove"),
    path(
        f"{ORGANISATION}invitations/<number:invitation_id>/",
        invitations.member_invitation,
        name="member_invitation",
    ),
    path(f"{ORGANISATION}connectors/", lists.connectors, name="connectors"),
    path(f"{ORGANISATION}auth-configs/", lists.auth_configs, name="auth_configs"),
    path(f"{ORGANISATION}keys/add/", keys.key_add, name="key_add"),
    path(KEY, keys.key, name="key"),
    path(f"{KEY}check/", checks.check, name="key_check"),
    path(f"{KEY}sync/", syncs.key_sync, name="key_sync"),
    path(f"{KEY}lists/<str:kind>/check/", lists.listing_check, name="listing_check"),
    path(f"{KEY}connectors/switch/", switches.connector_switch, name="connector_switch"),
    path(f"{KEY}replace/", keys.key_replace, name="key_replace"),
    path(f"{KEY}edit/", keys.key_edit, name="key_edit"),
    path(f"{KEY}pause/", keys.key_stop, name="key_pause"),
    path(f"{KEY}resume/", keys.key_go_on, name="key_resume"),
    path(f"{KEY}revoke/", keys.key_end, name="key_revoke"),
    path(f"{KEY}candidate/keep/", candidates.keep, name="candidate_keep"),
    path(f"{KEY}candidate/retest/", candidates.retest, name="candidate_retest"),
    path(f"{KEY}candidate/discard/", candidates.discard, name="candidate_discard"),
    path("api/v1/", api.urls),
    path("api/<path:rest>", api.nowhere, name="api_nowhere"),
]
