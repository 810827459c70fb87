"""The URLs of the panel's pages and of its JSON API."""

from django.urls import path, register_converter

from freddy_admin.core.url_converters import PrimaryKeyConverter
from freddy_admin.web.api import ninja_api
from freddy_admin.web.views import (
    api_tokens,
    audit_log,
    catalog,
    connector_toggle,
    data_exports,
    first_admin_setup,
    invitation_acceptance,
    key_candidates,
    key_checks,
    key_imports,
    keys,
    member_invitations,
    members,
    oidc_links,
    organisations,
    overview,
    overview_export,
    people,
    profile,
    roles,
    saved_views,
    sessions,
    sync_operations,
    system,
)

register_converter(PrimaryKeyConverter, "number")

ORGANISATION_PATH = "organisations/<slug:slug>/"
MEMBER_PATH = f"{ORGANISATION_PATH}members/<number:user_id>/"
PERSON_PATH = "people/<number:person_id>/"
KEY_PATH = f"{ORGANISATION_PATH}keys/<number:key_id>/"

urlpatterns = [
    path("", overview.overview_show_view, name="overview"),
    path("overview.csv", overview_export.overview_export_view, name="overview_csv"),
    path("syncs/new/", sync_operations.sync_batch_create_view, name="sync_batch_create"),
    path("syncs/<uuid:batch_id>/", sync_operations.sync_batch_detail_view, name="sync_batch"),
    path("import/", key_imports.import_create_view, name="import_new"),
    path("import/<uuid:draft_id>/", key_imports.import_draft_detail_view, name="import_draft"),
    path(
        "import/<uuid:draft_id>/confirm/",
        key_imports.import_draft_confirm_view,
        name="import_confirm",
    ),
    path(
        "import/<uuid:draft_id>/retest/", key_imports.import_draft_retest_view, name="import_retest"
    ),
    path(
        "import/<uuid:draft_id>/discard/",
        key_imports.import_draft_discard_view,
        name="import_discard",
    ),
    path("audit/", audit_log.audit_log_list_view, name="audit"),
    path("audit.csv", audit_log.audit_log_export_view, name="audit_csv"),
    path("system/", system.system_status_view, name="system"),
    path("system/clock/", system.clock_confirm_view, name="clock_confirm"),
    path("first-visit/", first_admin_setup.setup_link_required_view, name="first_visit"),
    path(
        "first-visit/<str:token>/",
        first_admin_setup.first_admin_create_view,
        name="first_visit_link",
    ),
    path("profile/", profile.profile_update_view, name="profile"),
    path(
        "profile/single-sign-on/unlink/", oidc_links.oidc_unlink_view, name="single_sign_on_unlink"
    ),
    path("profile/sessions/", sessions.session_list_view, name="sessions"),
    path("profile/sessions/end/", sessions.session_end_all_view, name="sessions_end"),
    path(
        "profile/sessions/<number:session_id>/end/", sessions.session_end_view, name="session_end"
    ),
    path("profile/tokens/", api_tokens.api_token_list_view, name="api_tokens"),
    path("profile/tokens/new/", api_tokens.api_token_create_view, name="api_token_create"),
    path(
        "profile/tokens/<number:token_id>/revoke/",
        api_tokens.api_token_revoke_view,
        name="api_token_revoke",
    ),
    path("profile/export/", data_exports.profile_export_view, name="profile_export"),
    path("roles/", roles.role_list_view, name="roles"),
    path("people/", people.person_list_view, name="people"),
    path(PERSON_PATH, people.person_detail_view, name="person"),
    path(f"{PERSON_PATH}change/", people.person_admin_or_active_update_view, name="person_change"),
    path(f"{PERSON_PATH}unlink/", oidc_links.person_oidc_unlink_view, name="person_unlink"),
    path(f"{PERSON_PATH}remove/", people.person_delete_view, name="person_remove"),
    path(f"{PERSON_PATH}export/", data_exports.person_export_view, name="person_export"),
    path(
        "invitations/<str:token>/",
        invitation_acceptance.invitation_detail_and_sign_up_view,
        name="invitation",
    ),
    path(
        "invitations/<str:token>/accept/",
        invitation_acceptance.invitation_accept_view,
        name="invitation_accept",
    ),
    path("views/keep/", saved_views.saved_view_create_view, name="saved_view_create"),
    path(
        "views/<number:view_id>/remove/",
        saved_views.saved_view_delete_view,
        name="saved_view_delete",
    ),
    # Not below /organisations/: an organisation may be called "add".
    path("add-organisation/", organisations.organisation_create_view, name="organisation_add"),
    path(ORGANISATION_PATH, organisations.organisation_detail_view, name="organisation"),
    path(
        f"{ORGANISATION_PATH}rename/",
        organisations.organisation_rename_view,
        name="organisation_rename",
    ),
    path(
        f"{ORGANISATION_PATH}remove/",
        organisations.organisation_delete_view,
        name="organisation_remove",
    ),
    path(
        f"{ORGANISATION_PATH}export/",
        data_exports.organisation_export_view,
        name="organisation_export",
    ),
    path(f"{ORGANISATION_PATH}leave/", members.organisation_leave_view, name="organisation_leave"),
    path(f"{ORGANISATION_PATH}members/", members.member_list_view, name="members"),
    path(
        f"{ORGANISATION_PATH}members/invite/",
        member_invitations.invitation_create_view,
        name="member_invite",
    ),
    path(MEMBER_PATH, members.member_role_update_view, name="member"),
    path(f"{MEMBER_PATH}remove/", members.member_remove_view, name="member_remove"),
    path(
        f"{ORGANISATION_PATH}invitations/<number:invitation_id>/",
        member_invitations.invitation_resend_or_withdraw_view,
        name="member_invitation",
    ),
    path(f"{ORGANISATION_PATH}connectors/", catalog.connector_list_view, name="connectors"),
    path(f"{ORGANISATION_PATH}auth-configs/", catalog.auth_config_list_view, name="auth_configs"),
    path(f"{ORGANISATION_PATH}keys/add/", keys.key_create_view, name="key_add"),
    path(KEY_PATH, keys.key_detail_view, name="key"),
    path(f"{KEY_PATH}check/", key_checks.key_check_request_view, name="key_check"),
    path(f"{KEY_PATH}sync/", sync_operations.sync_start_view, name="key_sync"),
    path(
        f"{KEY_PATH}lists/<str:kind>/check/",
        catalog.catalog_fetch_request_view,
        name="catalog_check",
    ),
    path(
        f"{KEY_PATH}connectors/switch/",
        connector_toggle.connector_toggle_view,
        name="connector_switch",
    ),
    path(f"{KEY_PATH}replace/", keys.key_replace_view, name="key_replace"),
    path(f"{KEY_PATH}edit/", keys.key_update_view, name="key_edit"),
    path(f"{KEY_PATH}pause/", keys.key_pause_view, name="key_pause"),
    path(f"{KEY_PATH}resume/", keys.key_resume_view, name="key_resume"),
    path(f"{KEY_PATH}revoke/", keys.key_revoke_view, name="key_revoke"),
    path(f"{KEY_PATH}candidate/keep/", key_candidates.candidate_keep_view, name="candidate_keep"),
    path(
        f"{KEY_PATH}candidate/retest/",
        key_candidates.candidate_retest_view,
        name="candidate_retest",
    ),
    path(
        f"{KEY_PATH}candidate/discard/",
        key_candidates.candidate_discard_view,
        name="candidate_discard",
    ),
    path("api/v1/", ninja_api.urls),
    path("api/<path:rest>", ninja_api.not_found, name="api_not_found"),
]
