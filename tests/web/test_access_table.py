"""Who may open what: a row for every URL, tried by every role with GET and POST."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from freddy_admin.accounts.saved_views import saved_view_save
from freddy_admin.alerts.preferences import MailKind, unsubscribe_token
from freddy_admin.audit.services import OPERATOR, Actor
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.operations.services import operation_batch_create, sync_operation_create
from freddy_admin.vault.import_selectors import open_import_drafts_list
from tests.alerts.delivery_flow import rule_make
from tests.api.api_client import create_api_token
from tests.vault.import_draft_data import import_draft_make
from tests.web.channel_rows import create_channel
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.fuzz_rollback_helpers import close_response
from tests.web.incident_rows import create_incident, create_window
from tests.web.member_factories import create_invitation, create_member
from tests.web.module_people import module_people, organisation, people, signed_in

__all__ = ["module_people", "organisation", "people", "signed_in"]
ROLES = ("signed out", "stranger", "viewer", "operator", "manager", "admin")
# Status of GET and of POST per role of ROLES; 302 from a GET leads to the sign-in page.
SEE_OWN = ((302, 200, 200, 200, 200, 200), (302, 405, 405, 405, 405, 405))
OWN_FORM = ((302, 200, 200, 200, 200, 200), (302, 200, 200, 200, 200, 200))
ADMIN = ((302, 403, 403, 403, 403, 200), (302, 403, 403, 403, 403, 405))
ADMIN_FORM = ((302, 403, 403, 403, 403, 200), (302, 403, 403, 403, 403, 200))
VIEW = ((302, 404, 200, 200, 200, 200), (302, 405, 405, 405, 405, 405))
CHECK = ((302, 405, 405, 405, 405, 405), (302, 404, 403, 302, 302, 302))
MANAGE_FORM = ((302, 404, 403, 403, 200, 200), (302, 404, 403, 403, 200, 200))
REMOVE_FORM = ((302, 404, 403, 403, 403, 200), (302, 404, 403, 403, 403, 200))
MANAGE_DOES = ((302, 405, 405, 405, 405, 405), (302, 404, 403, 403, 302, 302))
REVOKE = ((302, 404, 403, 403, 200, 200), (302, 404, 403, 403, 302, 302))
# No candidate waits here: 409 for whoever may decide.
CANDIDATE = ((302, 405, 405, 405, 405, 405), (302, 404, 403, 403, 409, 409))
CANDIDATE_FORM = (CANDIDATE[1], CANDIDATE[1])
ADMIN_READ = ((302, 403, 403, 403, 403, 200), (302, 405, 405, 405, 405, 405))
START_SYNC = ((302, 404, 403, 200, 200, 200), (302, 404, 403, 302, 302, 302))
# Each person chooses among their own keys; without a choice the form comes back.
START_SYNCS = ((302, 200, 200, 200, 200, 200), (302, 302, 302, 302, 302, 302))
MACHINE = ((401, 401, 401, 401, 401, 401), (405, 405, 405, 405, 405, 405))
MACHINE_DOES = (MACHINE[1], MACHINE[0])
NOWHERE = ((404,) * 6, (404,) * 6)
MACHINES = (MACHINE, MACHINE_DOES, NOWHERE)
MANAGE_READ = ((302, 404, 403, 403, 200, 200), (302, 405, 405, 405, 405, 405))
OWN_DOES = ((302, 405, 405, 405, 405, 405), (302, 302, 302, 302, 302, 302))
# There is an administrator, and therefore no first visit any more.
OVER = ((404,) * 6, (405,) * 6)
OVER_FORM = ([404] * 6, [404] * 6)
# A session of somebody else: each person ends their own alone.
NOBODYS = ((302, 405, 405, 405, 405, 405), (302, 404, 404, 404, 404, 404))
# An object of the viewer: 404 for everybody else, platform admins included.
VIEWERS_ALONE = ((302, 405, 405, 405, 405, 405), (302, 404, 302, 404, 404, 404))
EXPORT = ((302, 404, 403, 403, 200, 200), (302, 404, 403, 403, 200, 200))
# A platform admin who is no member has nothing to leave.
LEAVE = ((302, 404, 200, 200, 200, 404), (302, 404, 302, 302, 302, 404))
ADMIN_DOES = ((302, 405, 405, 405, 405, 405), (302, 403, 403, 403, 403, 302))
# Open to whoever has the link; the page says whether it was sent to them.
LINK = ((200, 200, 200, 200, 200, 200), (200, 200, 200, 200, 200, 200))
# For key managers of any organisation; a draft is open to its creator alone, the manager.
IMPORT = ((302, 200, 403, 403, 200, 200), (302, 200, 403, 403, 200, 200))
IMPORT_OWN = ((302, 404, 403, 403, 200, 404), (302, 405, 405, 405, 405, 405))
IMPORT_DOES = ((302, 405, 405, 405, 405, 405), (302, 404, 403, 403, 302, 404))
# Operators and managers look after incidents; what lacks a field comes back as a page.
HANDLE_DOES = CHECK
HANDLE_FORM = ((302, 405, 405, 405, 405, 405), (302, 404, 403, 200, 200, 200))
# Leads on, whoever asks: to a form, or back with a sentence.
LEADS_ON = ((302, 302, 302, 302, 302, 302), (302, 405, 405, 405, 405, 405))
ACCESS_TABLE = {
    "overview": SEE_OWN,
    "overview_csv": SEE_OWN,
    "incident_list": SEE_OWN,
    "incidents_csv": SEE_OWN,
    "incident": VIEW,
    "incident_acknowledge": HANDLE_DOES,
    "incident_unacknowledge": HANDLE_DOES,
    "incident_assign": HANDLE_DOES,
    "incident_mute": HANDLE_FORM,
    "incident_unmute": HANDLE_DOES,
    "incident_note": HANDLE_FORM,
    "alert_rules": SEE_OWN,
    "alert_rules_choose": LEADS_ON,
    "organisation_alert_rules": VIEW,
    "alert_rule_create": MANAGE_FORM,
    "alert_rule_update": MANAGE_FORM,
    "alert_rule_delete": MANAGE_DOES,
    "fleet_rule_create": ADMIN_FORM,
    "fleet_rule_update": ADMIN_FORM,
    "fleet_rule_delete": ADMIN_DOES,
    "alert_rehearsal": SEE_OWN,
    "alert_log": SEE_OWN,
    "alert_channels": SEE_OWN,
    "alert_channel_new": LEADS_ON,
    "alert_channel_kinds": MANAGE_READ,
    "alert_channel_create": MANAGE_FORM,
    "alert_channel": MANAGE_READ,
    "alert_channel_rename": MANAGE_FORM,
    "alert_channel_address": MANAGE_FORM,
    "alert_channel_secret": MANAGE_FORM,
    "alert_channel_former_end": MANAGE_DOES,
    "alert_channel_enable": MANAGE_DOES,
    "alert_channel_disable": MANAGE_DOES,
    "alert_channel_delete": MANAGE_FORM,
    "alert_channel_test": MANAGE_DOES,
    "fleet_channel_kinds": ADMIN_READ,
    "fleet_channel_create": ADMIN_FORM,
    "fleet_channel": ADMIN_READ,
    "fleet_channel_rename": ADMIN_FORM,
    "fleet_channel_address": ADMIN_FORM,
    "fleet_channel_secret": ADMIN_FORM,
    "fleet_channel_former_end": ADMIN_DOES,
    "fleet_channel_enable": ADMIN_DOES,
    "fleet_channel_disable": ADMIN_DOES,
    "fleet_channel_delete": ADMIN_FORM,
    "fleet_channel_test": ADMIN_DOES,
    "alert_windows": SEE_OWN,
    "alert_window_new": LEADS_ON,
    "alert_window_create": MANAGE_FORM,
    "alert_window_update": MANAGE_FORM,
    "alert_window_delete": MANAGE_DOES,
    "fleet_window_create": ADMIN_FORM,
    "fleet_window_update": ADMIN_FORM,
    "fleet_window_delete": ADMIN_DOES,
    "import_new": IMPORT,
    "import_draft": IMPORT_OWN,
    "import_confirm": IMPORT_DOES,
    "import_retest": IMPORT_DOES,
    "import_discard": IMPORT_DOES,
    "audit": SEE_OWN,
    "audit_csv": OWN_FORM,
    "system": ADMIN_READ,
    "clock_confirm": ADMIN_DOES,
    "panel_confirm": ADMIN_DOES,
    "profile": OWN_FORM,
    "first_visit": OVER,
    "first_visit_link": OVER_FORM,
    "single_sign_on_unlink": OWN_DOES,
    "sessions": SEE_OWN,
    "sessions_end": OWN_DOES,
    "session_end": NOBODYS,
    "profile_alerts": OWN_FORM,
    "profile_export": OWN_FORM,
    "unsubscribe": LINK,
    "roles": SEE_OWN,
    "people": ADMIN_READ,
    "person": ADMIN_READ,
    "person_change": ADMIN_DOES,
    "person_unlink": ADMIN_DOES,
    "person_remove": ADMIN_FORM,
    "person_export": ADMIN_FORM,
    "invitation": LINK,
    "invitation_accept": OWN_DOES,
    "api_tokens": SEE_OWN,
    "api_token_create": OWN_FORM,
    "api_token_revoke": VIEWERS_ALONE,
    "saved_view_create": OWN_DOES,
    "saved_view_delete": VIEWERS_ALONE,
    "organisation_add": ADMIN_FORM,
    "organisation": VIEW,
    "organisation_rename": MANAGE_FORM,
    "organisation_remove": REMOVE_FORM,
    "organisation_export": EXPORT,
    "members": VIEW,
    "member": MANAGE_FORM,
    "member_remove": REVOKE,
    "member_invite": MANAGE_FORM,
    "member_invitation": REVOKE,
    "organisation_leave": LEAVE,
    "connectors": VIEW,
    "auth_configs": VIEW,
    "catalog_check": CHECK,
    "connector_switch": MANAGE_FORM,
    "key_add": MANAGE_FORM,
    "key": VIEW,
    "key_check": CHECK,
    "key_sync": START_SYNC,
    "sync_batch_create": START_SYNCS,
    "sync_batch": VIEW,
    "key_replace": MANAGE_FORM,
    "key_edit": MANAGE_FORM,
    "key_pause": MANAGE_DOES,
    "key_resume": MANAGE_DOES,
    "key_revoke": MANAGE_FORM,
    "candidate_keep": CANDIDATE,
    "candidate_use": CANDIDATE_FORM,
    "candidate_retest": CANDIDATE,
    "candidate_discard": CANDIDATE,
    "statuses": MACHINE,
    "events": MACHINE,
    "operation": MACHINE,
    "check": MACHINE_DOES,
    "sync": MACHINE_DOES,
    "api_incidents": MACHINE,
    "api_incident": MACHINE,
    "api_incident_acknowledge": MACHINE_DOES,
    "api_deliveries": MACHINE,
    "api_not_found": NOWHERE,
}
# URLs with tests elsewhere: sign-in pages, health, metrics, the schema.
ELSEWHERE_PREFIXES = ("accounts/",)
ELSEWHERE = {"healthz", "readyz", "metrics", "openapi-json", "api-root"}


def list_url_patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from list_url_patterns(pattern, route)
        else:
            yield route, pattern


def test_every_address_has_a_row() -> None:
    names = {
        pattern.name or route
        for route, pattern in list_url_patterns(get_resolver())
        if not route.startswith(ELSEWHERE_PREFIXES)
    }
    assert names - ELSEWHERE == set(ACCESS_TABLE)


def test_every_view_declares_who_may_open_it() -> None:
    open_pages = [
        route
        for route, pattern in list_url_patterns(get_resolver())
        if pattern.name in ACCESS_TABLE
        and ACCESS_TABLE[pattern.name] not in MACHINES
        and not getattr(pattern.callback, "access_rule", "")
    ]
    assert open_pages == []


@pytest.mark.parametrize("name", ACCESS_TABLE)
def test_an_address_answers_each_person_as_the_table_says(
    name: str, people: People, signed_in: SignIn, organisation: Organisation, make_key: MakeKey
) -> None:
    answers: dict[str, tuple[int, int]] = {}
    for role in ROLES:
        client = Client() if role == "signed out" else signed_in(getattr(people, role))
        is_api = ACCESS_TABLE[name] in MACHINES
        address = (
            _api_url_for_name(name)
            if is_api
            else url_for_name(name, organisation, make_key, people)
        )
        answers[role] = (
            _response_status(client.get(address)),
            _response_status(client.post(address)),
        )
    gets, posts = ACCESS_TABLE[name]
    assert answers == dict(zip(ROLES, zip(gets, posts, strict=True), strict=True))


def _response_status(answer: HttpResponseBase) -> int:
    close_response(answer)  # files that nobody reads
    return answer.status_code


OF_ONE_PERSON = {
    *(
        "saved_view_delete",
        "api_token_revoke",
        "import_draft",
        "import_confirm",
        "import_retest",
        "import_discard",
    )
}


def _personal_object(name: str, people: People) -> object:
    if name == "saved_view_delete":
        return saved_view_save(
            actor=OPERATOR, user=people.viewer, name="Late", query="state=late"
        ).pk
    if name == "api_token_revoke":
        return create_api_token(people.viewer)
    draft = open_import_drafts_list(user=people.manager).first()
    return (draft or import_draft_make(people.manager, "Alder,Main")).pk


OF_PEOPLE = {
    *("member", "member_remove", "member_invitation", "invitation", "invitation_accept"),
    *("person", "person_change", "person_export", "person_remove", "person_unlink"),
    "unsubscribe",
}


def _people_url_for_name(name: str, organisation: Organisation) -> str:
    if name in {"member", "member_remove"}:
        return reverse(name, args=[organisation.slug, create_member(organisation).pk])
    if name.startswith("person"):
        return reverse(name, args=[create_member(organisation).pk])
    if name == "unsubscribe":
        reader = create_member(organisation)
        return reverse(name, args=[unsubscribe_token(user=reader, kind=MailKind.INCIDENTS)])
    invitation, token = create_invitation(organisation)
    return reverse(
        name, args=[organisation.slug, invitation.pk] if name == "member_invitation" else [token]
    )


# What these addresses name does not exist.
OF_NOTHING: dict[str, list[object]] = {
    "first_visit_link": ["freddy_made-up"],
    "session_end": [2**40],
}
OF_ALL_ALERTS = {
    *("incident_list", "incidents_csv"),
    *("alert_windows", "alert_window_new", "fleet_window_create"),
    *("alert_rules", "alert_rules_choose", "fleet_rule_create"),
}


def _alerts_url_for_name(name: str, organisation: Organisation, make_key: MakeKey) -> str:
    if name in OF_ALL_ALERTS:
        return reverse(name)
    if "_channel" in name:
        return _channel_url_for_name(name, organisation)
    if name.startswith("incident"):
        return reverse(name, args=[organisation.slug, create_incident(make_key(name)).pk])
    if name in {"alert_window_create", "alert_rule_create", "organisation_alert_rules"}:
        return reverse(name, args=[organisation.slug])
    if "_rule" in name:
        owner = None if name.startswith("fleet_") else organisation
        rule = rule_make(owner, roles=["manager"])
        return reverse(name, args=[rule.pk] if owner is None else [owner.slug, rule.pk])
    if name.startswith("fleet_"):
        return reverse(name, args=[create_window(None).pk])
    return reverse(name, args=[organisation.slug, create_window(organisation).pk])


def _channel_url_for_name(name: str, organisation: Organisation) -> str:
    if name in {"alert_channels", "alert_channel_new", "fleet_channel_kinds"}:
        return reverse(name)
    owner = None if name.startswith("fleet_") else organisation
    start = [owner.slug] if owner else []
    if name == "alert_channel_kinds":
        return reverse(name, args=start)
    if name.endswith("_create"):
        return reverse(name, args=[*start, "webhook"])
    return reverse(name, args=[*start, create_channel(owner, "webhook").pk])


def url_for_name(name: str, organisation: Organisation, make_key: MakeKey, people: People) -> str:
    if name in OF_ONE_PERSON:
        return reverse(name, args=[_personal_object(name, people)])
    if name in OF_NOTHING:
        return reverse(name, args=OF_NOTHING[name])
    if any(part in name for part in ("incident", "_window", "_rule", "_channel")):
        return _alerts_url_for_name(name, organisation, make_key)
    if name == "sync_batch":
        key, actor = make_key("Synced"), Actor("Ana")
        batch = operation_batch_create(actor=actor)
        sync_operation_create(
            organisation=organisation, actor=actor, key_id=key.pk, full=False, batch=batch
        )
        return reverse(name, args=[batch.pk])
    if name in OF_PEOPLE:
        return _people_url_for_name(name, organisation)
    if name == "catalog_check":
        return reverse(name, args=[organisation.slug, make_key("Listed").pk, "connectors"])
    if name == "connector_switch":
        page = reverse(name, args=[organisation.slug, make_key("Switched").pk])
        return f"{page}?tool=gmail&on=0"
    if name.startswith("candidate_") or (name.startswith("key") and name != "key_add"):
        return reverse(name, args=[organisation.slug, make_key(f"for {name}").pk])
    if name.startswith("organisation_") and name != "organisation_add":
        return reverse(name, args=[organisation.slug])
    within = {
        "organisation",
        "members",
        "member_invite",
        "organisation_leave",
        "key_add",
        "connectors",
        "auth_configs",
    }
    return reverse(name, args=[organisation.slug] if name in within else [])


def _api_url_for_name(name: str) -> str:
    if name == "api_not_found":
        return reverse(name, args=["v1/nowhere"])
    # API requests here carry no token; tokens have tests of their own.
    arguments: dict[str, list[object]] = {
        **{listed: [] for listed in ("statuses", "api_incidents", "api_deliveries")},
        "events": ["alder"],
        "api_incident": [UUID(int=1)],
        "api_incident_acknowledge": [UUID(int=1)],
    }
    return reverse(f"api:{name}", args=arguments.get(name, [1]))
