"""The URLs of the panel's pages."""

from django.urls import path, register_converter

from freddy_admin.core.url_converters import PrimaryKeyConverter
from freddy_admin.web.pages.alert_channel import views as alert_channel_views
from freddy_admin.web.pages.alert_log import views as alert_log_views
from freddy_admin.web.pages.alert_preferences import views as alert_preferences_views
from freddy_admin.web.pages.alert_rehearsal import views as alert_rehearsal_views
from freddy_admin.web.pages.alert_rule import views as alert_rule_views
from freddy_admin.web.pages.alert_window import views as alert_window_views
from freddy_admin.web.pages.api_token import views as api_token_views
from freddy_admin.web.pages.audit_log import views as audit_log_views
from freddy_admin.web.pages.catalog import views as catalog_views
from freddy_admin.web.pages.first_visit import views as first_visit_views
from freddy_admin.web.pages.incident import views as incident_views
from freddy_admin.web.pages.invitation import views as invitation_views
from freddy_admin.web.pages.key import views as key_views
from freddy_admin.web.pages.key_import import views as key_import_views
from freddy_admin.web.pages.member import views as member_views
from freddy_admin.web.pages.organisation import views as organisation_views
from freddy_admin.web.pages.overview import views as overview_views
from freddy_admin.web.pages.person import views as person_views
from freddy_admin.web.pages.profile import views as profile_views
from freddy_admin.web.pages.role import views as role_views
from freddy_admin.web.pages.sync_start import views as sync_start_views
from freddy_admin.web.pages.system import views as system_views

register_converter(PrimaryKeyConverter, "number")

ORGANISATION_PATH = "organisations/<slug:slug>/"
MEMBER_PATH = f"{ORGANISATION_PATH}members/<number:user_id>/"
PERSON_PATH = "people/<number:person_id>/"
INCIDENT_PATH = f"{ORGANISATION_PATH}incidents/<number:incident_id>/"
RULE_PATH = f"{ORGANISATION_PATH}alerts/rules/<number:rule_id>/"
FLEET_RULE_PATH = "alerts/fleet/rules/<number:rule_id>/"
WINDOW_PATH = f"{ORGANISATION_PATH}alerts/windows/<number:window_id>/"
FLEET_WINDOW_PATH = "alerts/fleet/windows/<number:window_id>/"
CHANNELS_PATH = f"{ORGANISATION_PATH}alerts/channels/"
CHANNEL_PATH = f"{CHANNELS_PATH}<number:channel_id>/"
FLEET_CHANNEL_PATH = "alerts/fleet/channels/<number:channel_id>/"
KEY_PATH = f"{ORGANISATION_PATH}keys/<number:key_id>/"
urlpatterns = [
    path("", overview_views.overview_show_view, name="overview"),
    path("overview.csv", overview_views.overview_export_view, name="overview_csv"),
    path("syncs/new/", sync_start_views.sync_batch_create_view, name="sync_batch_create"),
    path("syncs/<uuid:batch_id>/", sync_start_views.sync_batch_detail_view, name="sync_batch"),
    path("import/", key_import_views.import_create_view, name="import_new"),
    path("import/<uuid:draft_id>/", key_import_views.import_draft_detail_view, name="import_draft"),
    path(
        "import/<uuid:draft_id>/confirm/",
        key_import_views.import_draft_confirm_view,
        name="import_confirm",
    ),
    path(
        "import/<uuid:draft_id>/retest/",
        key_import_views.import_draft_retest_view,
        name="import_retest",
    ),
    path(
        "import/<uuid:draft_id>/discard/",
        key_import_views.import_draft_discard_view,
        name="import_discard",
    ),
    path("alerts/", incident_views.incident_list_view, name="incident_list"),
    path("alerts.csv", incident_views.incident_export_view, name="incidents_csv"),
    path("alerts/rules/", alert_rule_views.alert_rule_list_view, name="alert_rules"),
    path("alerts/rules/open/", alert_rule_views.alert_rule_choose_view, name="alert_rules_choose"),
    path(
        "alerts/fleet/rules/new/", alert_rule_views.fleet_rule_create_view, name="fleet_rule_create"
    ),
    path(FLEET_RULE_PATH, alert_rule_views.fleet_rule_update_view, name="fleet_rule_update"),
    path(
        f"{FLEET_RULE_PATH}remove/",
        alert_rule_views.fleet_rule_delete_view,
        name="fleet_rule_delete",
    ),
    path("alerts/channels/", alert_channel_views.channel_list_view, name="alert_channels"),
    path("alerts/channels/new/", alert_channel_views.channel_choose_view, name="alert_channel_new"),
    path(
        "alerts/fleet/channels/new/",
        alert_channel_views.fleet_channel_kinds_view,
        name="fleet_channel_kinds",
    ),
    path(
        "alerts/fleet/channels/new/<str:channel_kind>/",
        alert_channel_views.fleet_channel_create_view,
        name="fleet_channel_create",
    ),
    path(FLEET_CHANNEL_PATH, alert_channel_views.fleet_channel_detail_view, name="fleet_channel"),
    path(
        f"{FLEET_CHANNEL_PATH}rename/",
        alert_channel_views.fleet_channel_rename_view,
        name="fleet_channel_rename",
    ),
    path(
        f"{FLEET_CHANNEL_PATH}address/",
        alert_channel_views.fleet_channel_address_view,
        name="fleet_channel_address",
    ),
    path(
        f"{FLEET_CHANNEL_PATH}secret/",
        alert_channel_views.fleet_channel_secret_view,
        name="fleet_channel_secret",
    ),
    path(
        f"{FLEET_CHANNEL_PATH}former-secrets/end/",
        alert_channel_views.fleet_channel_former_end_view,
        name="fleet_channel_former_end",
    ),
    path(
        f"{FLEET_CHANNEL_PATH}enable/",
        alert_channel_views.fleet_channel_enable_view,
        name="fleet_channel_enable",
    ),
    path(
        f"{FLEET_CHANNEL_PATH}disable/",
        alert_channel_views.fleet_channel_disable_view,
        name="fleet_channel_disable",
    ),
    path(
        f"{FLEET_CHANNEL_PATH}delete/",
        alert_channel_views.fleet_channel_delete_view,
        name="fleet_channel_delete",
    ),
    path(
        f"{FLEET_CHANNEL_PATH}test/",
        alert_channel_views.fleet_channel_test_view,
        name="fleet_channel_test",
    ),
    path("alerts/rehearsal/", alert_rehearsal_views.rehearsal_show_view, name="alert_rehearsal"),
    path("alerts/log/", alert_log_views.alert_log_list_view, name="alert_log"),
    path("alerts/windows/", alert_window_views.window_list_view, name="alert_windows"),
    path("alerts/windows/new/", alert_window_views.window_choose_view, name="alert_window_new"),
    path(
        "alerts/fleet/windows/new/",
        alert_window_views.fleet_window_create_view,
        name="fleet_window_create",
    ),
    path(
        FLEET_WINDOW_PATH, alert_window_views.fleet_window_update_view, name="fleet_window_update"
    ),
    path(
        f"{FLEET_WINDOW_PATH}end/",
        alert_window_views.fleet_window_delete_view,
        name="fleet_window_delete",
    ),
    path("audit/", audit_log_views.audit_log_list_view, name="audit"),
    path("audit.csv", audit_log_views.audit_log_export_view, name="audit_csv"),
    path("system/", system_views.system_status_view, name="system"),
    path("system/clock/", system_views.clock_confirm_view, name="clock_confirm"),
    path("system/panel/", system_views.panel_confirm_view, name="panel_confirm"),
    path("first-visit/", first_visit_views.setup_link_required_view, name="first_visit"),
    path(
        "first-visit/<str:token>/",
        first_visit_views.first_admin_create_view,
        name="first_visit_link",
    ),
    path("profile/", profile_views.profile_update_view, name="profile"),
    path(
        "profile/single-sign-on/unlink/",
        profile_views.oidc_unlink_view,
        name="single_sign_on_unlink",
    ),
    path("profile/sessions/", profile_views.session_list_view, name="sessions"),
    path("profile/sessions/end/", profile_views.session_end_all_view, name="sessions_end"),
    path(
        "profile/sessions/<number:session_id>/end/",
        profile_views.session_end_view,
        name="session_end",
    ),
    path("profile/tokens/", api_token_views.api_token_list_view, name="api_tokens"),
    path("profile/tokens/new/", api_token_views.api_token_create_view, name="api_token_create"),
    path(
        "profile/tokens/<number:token_id>/revoke/",
        api_token_views.api_token_revoke_view,
        name="api_token_revoke",
    ),
    path("profile/export/", profile_views.profile_export_view, name="profile_export"),
    path(
        "profile/alerts/",
        alert_preferences_views.alert_preferences_update_view,
        name="profile_alerts",
    ),
    path("unsubscribe/<str:token>/", alert_preferences_views.unsubscribe_view, name="unsubscribe"),
    path("roles/", role_views.role_list_view, name="roles"),
    path("people/", person_views.person_list_view, name="people"),
    path(PERSON_PATH, person_views.person_detail_view, name="person"),
    path(
        f"{PERSON_PATH}change/",
        person_views.person_admin_or_active_update_view,
        name="person_change",
    ),
    path(f"{PERSON_PATH}unlink/", person_views.person_oidc_unlink_view, name="person_unlink"),
    path(f"{PERSON_PATH}remove/", person_views.person_delete_view, name="person_remove"),
    path(f"{PERSON_PATH}export/", person_views.person_export_view, name="person_export"),
    path(
        "invitations/<str:token>/",
        invitation_views.invitation_detail_and_sign_up_view,
        name="invitation",
    ),
    path(
        "invitations/<str:token>/accept/",
        invitation_views.invitation_accept_view,
        name="invitation_accept",
    ),
    path("views/keep/", overview_views.saved_view_create_view, name="saved_view_create"),
    path(
        "views/<number:view_id>/remove/",
        overview_views.saved_view_delete_view,
        name="saved_view_delete",
    ),
    # Not below /organisations/: an organisation may be called "add".
    path("add-organisation/", organisation_views.organisation_create_view, name="organisation_add"),
    path(ORGANISATION_PATH, organisation_views.organisation_detail_view, name="organisation"),
    path(
        f"{ORGANISATION_PATH}rename/",
        organisation_views.organisation_rename_view,
        name="organisation_rename",
    ),
    path(
        f"{ORGANISATION_PATH}remove/",
        organisation_views.organisation_delete_view,
        name="organisation_remove",
    ),
    path(
        f"{ORGANISATION_PATH}export/",
        organisation_views.organisation_export_view,
        name="organisation_export",
    ),
    path(
        f"{ORGANISATION_PATH}leave/",
        member_views.organisation_leave_view,
        name="organisation_leave",
    ),
    path(f"{ORGANISATION_PATH}members/", member_views.member_list_view, name="members"),
    path(
        f"{ORGANISATION_PATH}members/invite/",
        invitation_views.invitation_create_view,
        name="member_invite",
    ),
    path(MEMBER_PATH, member_views.member_role_update_view, name="member"),
    path(f"{MEMBER_PATH}remove/", member_views.member_remove_view, name="member_remove"),
    path(
        f"{ORGANISATION_PATH}invitations/<number:invitation_id>/",
        invitation_views.invitation_resend_or_withdraw_view,
        name="member_invitation",
    ),
    path(f"{ORGANISATION_PATH}connectors/", catalog_views.connector_list_view, name="connectors"),
    path(
        f"{ORGANISATION_PATH}auth-configs/",
        catalog_views.auth_config_list_view,
        name="auth_configs",
    ),
    path(f"{ORGANISATION_PATH}keys/add/", key_views.key_create_view, name="key_add"),
    path(KEY_PATH, key_views.key_detail_view, name="key"),
    path(f"{KEY_PATH}check/", key_views.key_check_request_view, name="key_check"),
    path(f"{KEY_PATH}sync/", sync_start_views.sync_start_view, name="key_sync"),
    path(
        f"{KEY_PATH}lists/<str:kind>/check/",
        catalog_views.catalog_fetch_request_view,
        name="catalog_check",
    ),
    path(
        f"{KEY_PATH}connectors/switch/",
        catalog_views.connector_toggle_view,
        name="connector_switch",
    ),
    path(f"{KEY_PATH}replace/", key_views.key_replace_view, name="key_replace"),
    path(f"{KEY_PATH}edit/", key_views.key_update_view, name="key_edit"),
    path(f"{KEY_PATH}pause/", key_views.key_pause_view, name="key_pause"),
    path(f"{KEY_PATH}resume/", key_views.key_resume_view, name="key_resume"),
    path(f"{KEY_PATH}revoke/", key_views.key_revoke_view, name="key_revoke"),
    path(f"{KEY_PATH}candidate/keep/", key_views.candidate_keep_view, name="candidate_keep"),
    path(f"{KEY_PATH}candidate/use/", key_views.candidate_use_view, name="candidate_use"),
    path(
        f"{KEY_PATH}candidate/retest/",
        key_views.candidate_retest_view,
        name="candidate_retest",
    ),
    path(
        f"{KEY_PATH}candidate/discard/",
        key_views.candidate_discard_view,
        name="candidate_discard",
    ),
    path(INCIDENT_PATH, incident_views.incident_detail_view, name="incident"),
    path(
        f"{INCIDENT_PATH}acknowledge/",
        incident_views.incident_acknowledge_view,
        name="incident_acknowledge",
    ),
    path(
        f"{INCIDENT_PATH}unacknowledge/",
        incident_views.incident_unacknowledge_view,
        name="incident_unacknowledge",
    ),
    path(f"{INCIDENT_PATH}assign/", incident_views.incident_assign_view, name="incident_assign"),
    path(f"{INCIDENT_PATH}mute/", incident_views.incident_mute_view, name="incident_mute"),
    path(f"{INCIDENT_PATH}unmute/", incident_views.incident_unmute_view, name="incident_unmute"),
    path(f"{INCIDENT_PATH}note/", incident_views.incident_note_view, name="incident_note"),
    path(
        f"{ORGANISATION_PATH}alerts/rules/",
        alert_rule_views.organisation_alert_rule_list_view,
        name="organisation_alert_rules",
    ),
    path(
        f"{ORGANISATION_PATH}alerts/rules/new/",
        alert_rule_views.alert_rule_create_view,
        name="alert_rule_create",
    ),
    path(RULE_PATH, alert_rule_views.alert_rule_update_view, name="alert_rule_update"),
    path(f"{RULE_PATH}remove/", alert_rule_views.alert_rule_delete_view, name="alert_rule_delete"),
    path(
        f"{ORGANISATION_PATH}alerts/windows/new/",
        alert_window_views.window_create_view,
        name="alert_window_create",
    ),
    path(WINDOW_PATH, alert_window_views.window_update_view, name="alert_window_update"),
    path(f"{WINDOW_PATH}end/", alert_window_views.window_delete_view, name="alert_window_delete"),
    path(
        f"{CHANNELS_PATH}new/",
        alert_channel_views.channel_kinds_view,
        name="alert_channel_kinds",
    ),
    path(
        f"{CHANNELS_PATH}new/<str:channel_kind>/",
        alert_channel_views.channel_create_view,
        name="alert_channel_create",
    ),
    path(CHANNEL_PATH, alert_channel_views.channel_detail_view, name="alert_channel"),
    path(
        f"{CHANNEL_PATH}rename/",
        alert_channel_views.channel_rename_view,
        name="alert_channel_rename",
    ),
    path(
        f"{CHANNEL_PATH}address/",
        alert_channel_views.channel_address_view,
        name="alert_channel_address",
    ),
    path(
        f"{CHANNEL_PATH}secret/",
        alert_channel_views.channel_secret_view,
        name="alert_channel_secret",
    ),
    path(
        f"{CHANNEL_PATH}former-secrets/end/",
        alert_channel_views.channel_former_end_view,
        name="alert_channel_former_end",
    ),
    path(
        f"{CHANNEL_PATH}enable/",
        alert_channel_views.channel_enable_view,
        name="alert_channel_enable",
    ),
    path(
        f"{CHANNEL_PATH}disable/",
        alert_channel_views.channel_disable_view,
        name="alert_channel_disable",
    ),
    path(
        f"{CHANNEL_PATH}delete/",
        alert_channel_views.channel_delete_view,
        name="alert_channel_delete",
    ),
    path(
        f"{CHANNEL_PATH}test/",
        alert_channel_views.channel_test_view,
        name="alert_channel_test",
    ),
]
