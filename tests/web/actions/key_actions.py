"""Actions on API keys, in the browser and by a program with a token."""

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.vault.candidate_result import CandidateResult
from freddy_admin.vault.models import ApiKey, CandidateState, ImportRowState
from freddy_admin.vault.services.candidates import candidate_record_result, candidates_claim
from freddy_admin.vault.services.keys import api_key_replace
from tests.api.api_client import ApiClient
from tests.vault.import_draft_data import (
    csv_bytes,
    import_draft_make,
    import_rows_record_results,
    secret,
)
from tests.web.actions.scenario import (
    ORGANISATION_URL,
    ActionRequest,
    Scenario,
    UserAction,
    request_to,
    request_to_new_key,
)

SECRET = "oak_live_planted_0123456789abcdef"
KEY_DETAILS = {"label": "Other", "revision": "", "tags": "", "owner": ""}


def _create_import_draft(scene: Scenario, *verdicts: ImportRowState) -> str:
    rows = [f"Alder,Row {number},{secret(str(number))},," for number, __ in enumerate(verdicts)]
    draft = import_draft_make(scene.people.manager, *rows)
    import_rows_record_results(
        {f"Row {number}": verdict for number, verdict in enumerate(verdicts)}
    )
    return f"/import/{draft.pk}/"


def _import_action(name: str, state: ImportRowState = ImportRowState.WORKS) -> UserAction:
    tags = {
        "confirm": "keys_import_confirmed",
        "retest": "check_requested",
        "discard": "keys_import_discarded",
    }
    return UserAction(
        "manager",
        lambda scene: ActionRequest(f"{_create_import_draft(scene, state)}{name}/"),
        (tags[name],),
    )


def _create_candidate(scene: Scenario, state: CandidateState = CandidateState.UNTESTED) -> ApiKey:
    key = scene.key()
    actor = Actor("Mara")
    api_key_replace(organisation=scene.organisation, actor=actor, key=key, secret=SECRET)
    ((_lease, candidate),) = candidates_claim(limit=9, lease_seconds=30)
    candidate_record_result(
        organisation=scene.organisation,
        state=state,
        key=key,
        version=candidate.version,
        outcome=CandidateResult(kind="timeout", message="No answer"),
    )
    return key


def _candidate_action(name: str, *tags: str) -> UserAction:
    def build_request(scene: Scenario) -> ActionRequest:
        key = _create_candidate(scene)
        fields = {"version": key.version + 1, "seen": "untested"}
        return ActionRequest(f"{ORGANISATION_URL}keys/{key.pk}/candidate/{name}/", fields)

    return UserAction("manager", build_request, tags, is_in_organisation=True)


def _candidate_use_request(scene: Scenario) -> ActionRequest:
    key = _create_candidate(scene, CandidateState.DIFFERS)
    fields = {"version": key.version + 1, "name": scene.organisation.name}
    return ActionRequest(f"{ORGANISATION_URL}keys/{key.pk}/candidate/use/", fields)


def _api_action(name: str, tag: str) -> UserAction:
    def build_request(scene: Scenario) -> ActionRequest:
        token = ApiClient(scene.people.operator, "act").token
        bearer = {"authorization": f"Bearer {token}"}
        return ActionRequest(f"/api/v1/keys/{scene.key().pk}/{name}", headers=bearer, json="{}")

    return UserAction("nobody", build_request, (tag,), is_in_organisation=True, actor="operator")


def _toggle_request(scene: Scenario) -> ActionRequest:
    path = f"{ORGANISATION_URL}keys/{scene.key().pk}/connectors/switch/?tool=gmail&on=0"
    return ActionRequest(path, {"understood": "on"})


def _resume_request(scene: Scenario) -> ActionRequest:
    key = scene.key(paused_at=clock.now(), paused_by="Ann")
    return ActionRequest(f"{ORGANISATION_URL}keys/{key.pk}/resume/")


KEY_ACTIONS = {
    "import_new": UserAction(
        "manager",
        request_to("/import/", rows=csv_bytes(f"Alder,Main,{secret('a')},,").decode()),
        ("keys_import_opened",),
    ),
    "import_confirm": _import_action("confirm"),
    "import_retest": _import_action("retest", ImportRowState.REJECTED),
    "import_discard": _import_action("discard"),
    "catalog_check": UserAction(
        "operator",
        request_to_new_key("lists/connectors/check"),
        ("check_requested",),
        is_in_organisation=True,
    ),
    "connector_switch": UserAction(
        "manager", _toggle_request, ("connector_switch_requested",), is_in_organisation=True
    ),
    "key_add": UserAction(
        "manager",
        request_to(f"{ORGANISATION_URL}keys/add/", label="New", api_key=SECRET),
        ("key_added",),
        is_in_organisation=True,
    ),
    "key_check": UserAction(
        "operator", request_to_new_key("check"), ("check_requested",), is_in_organisation=True
    ),
    "key_sync": UserAction(
        "operator",
        request_to_new_key("sync", mode="full"),
        ("sync_requested",),
        is_in_organisation=True,
    ),
    "key_replace": UserAction(
        "manager",
        request_to_new_key("replace", api_key=SECRET),
        ("key_replaced",),
        is_in_organisation=True,
    ),
    "key_edit": UserAction(
        "manager",
        request_to_new_key("edit", **KEY_DETAILS),
        ("key_changed",),
        is_in_organisation=True,
    ),
    "key_pause": UserAction(
        "manager", request_to_new_key("pause"), ("key_paused",), is_in_organisation=True
    ),
    "key_resume": UserAction("manager", _resume_request, ("key_resumed",), is_in_organisation=True),
    "key_revoke": UserAction(
        "manager",
        request_to_new_key("revoke", label="Main"),
        ("key_revoked",),
        is_in_organisation=True,
    ),
    "candidate_keep": _candidate_action("keep", "key_kept_untested", "key_taken_over"),
    "candidate_use": UserAction(
        "manager",
        _candidate_use_request,
        ("key_kept_differing", "key_taken_over"),
        is_in_organisation=True,
    ),
    "candidate_retest": _candidate_action("retest", "check_requested"),
    "candidate_discard": _candidate_action("discard", "key_candidate_discarded"),
    "check": _api_action("check", "check_requested"),
    "sync": _api_action("sync", "sync_requested"),
}
