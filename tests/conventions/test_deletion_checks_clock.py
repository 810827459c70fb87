"""Functions that delete by age ask for a trusted time; the others have a reason here."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "freddy_admin"
DELETING_CALLS = {
    "delete",
    "delete_many",
    "_raw_delete",
    "clear_expired",
    "clearsessions",
    "logout",
}
REQUESTED_BY_PERSON = "a person asked for exactly this"
CHECKED_BY_CALLER = "its caller has asked for the trusted time, and passes it on"
# Functions that delete something without `trusted_now`, and why no age decides there.
EXEMPT_FUNCTIONS = {
    "accounts/api_tokens.py:api_token_revoke": REQUESTED_BY_PERSON,
    "accounts/api_tokens.py:api_tokens_remove_organisation": REQUESTED_BY_PERSON,
    "accounts/api_tokens.py:api_tokens_revoke_all": REQUESTED_BY_PERSON,
    "accounts/people.py:person_delete": REQUESTED_BY_PERSON,
    "accounts/saved_views.py:saved_view_delete": REQUESTED_BY_PERSON,
    "accounts/session_list.py:session_sign_out": REQUESTED_BY_PERSON,
    "accounts/session_list.py:sessions_delete": REQUESTED_BY_PERSON,
    "accounts/session_list.py:sessions_sign_out_all": REQUESTED_BY_PERSON,
    "accounts/sessions.py:delete": REQUESTED_BY_PERSON,
    "accounts/auth/first_admin_setup_link.py:setup_link_create": "one link at a time",
    "accounts/auth/password_reset.py:_requests_of_nobody_delete": "for an address of nobody",
    "accounts/auth/password_reset.py:_reset_mail_prepare": "for an address of nobody",
    "accounts/auth/password_reset.py:_reset_mail_record_sent": "it was mailed",
    "accounts/oidc/account_links.py:account_link_delete": REQUESTED_BY_PERSON,
    "alerts/channels/notices.py:_notice_record_sent": "it was mailed",
    "alerts/deliveries/planning.py:openings_replan": "planned anew in the same transaction",
    "alerts/deliveries/removal.py:_recovery_freeze": "made a moment ago, and it tells nothing",
    "alerts/incidents/history_import.py:_add_resolutions": "the incident goes on; written anew",
    "alerts/incidents/retention.py:incidents_prune": "`history_pruned_to` asks, and is None then",
    "alerts/rules/services.py:rule_delete": REQUESTED_BY_PERSON,
    "audit/services.py:_flush_counts": "it is written as an event in the same transaction",
    "core/cache.py:add": "the cache entry cannot be read",
    "core/cache.py:cache_delete_many": "the cache is never the only copy",
    "core/cache.py:clear": "the cache is never the only copy",
    "core/cache.py:prune": "the cache is never the only copy",
    "core/outbox.py:outbox_cancel": "what it was about is over",
    "core/outbox.py:_message_prepare": "what it was about is over",
    "core/outbox.py:_sent_record": "it was sent",
    "organisations/membership_roles.py:membership_role_write": REQUESTED_BY_PERSON,
    "organisations/services.py:organisation_delete": REQUESTED_BY_PERSON,
    "sync/history/retention.py:_delete_oldest_rows": CHECKED_BY_CALLER,
    "sync/key_lifecycle.py:key_revoke": REQUESTED_BY_PERSON,
    "sync/operations/startable_syncs.py:sync_batch_create": "it came to hold nothing, a moment ago",
    "sync/platform_status.py:worker_heartbeat_delete": "the worker itself ends",
    "sync/status/shared_figures.py:_store": "counted anew from the keys themselves",
    "sync/status/state_counts.py:state_counts_refresh": "counted anew from the keys themselves",
    "vault/master_key_rotation_progress.py:rotation_start": "the latest twenty stay, however old",
    "vault/services/candidates.py:_candidate_expire": CHECKED_BY_CALLER,
    "vault/services/candidates.py:_candidate_delete": "thrown away by a person, or here already",
    "vault/services/candidates.py:candidate_promote": "it is the key's own secret from now on",
    "vault/services/channel_secrets.py:_delete": "by a person, or its caller asked for the time",
    "vault/services/channel_secrets.py:channel_address_set": "a person entered another one",
    "vault/services/import_drafts.py:import_draft_discard": REQUESTED_BY_PERSON,
    "vault/services/keys.py:_candidate_create": "a person pasted another secret",
    "vault/services/keys.py:api_key_revoke": REQUESTED_BY_PERSON,
    "vault/services/reseal.py:_unused_canaries_delete": "no row needs that master key",
    "vault/key_details.py:key_tags_set": "no key has this tag",
    "web/pages/profile/views.py:session_end_view": REQUESTED_BY_PERSON,
    "web/pages/profile/views.py:session_end_all_view": REQUESTED_BY_PERSON,
    "sync/status/names.py:_words_write": "no name has these words any more",
}


def _list_functions() -> Iterator[tuple[str, set[str]]]:
    for path in sorted(ROOT.rglob("*.py")):
        if {"migrations", "sandbox"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.name}", _called_names(node)


def _called_names(function: ast.FunctionDef) -> set[str]:
    targets = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    attributes = {target.attr for target in targets if isinstance(target, ast.Attribute)}
    return attributes | {target.id for target in targets if isinstance(target, ast.Name)}


def test_every_deleting_function_asks_for_trusted_time_or_is_exempt() -> None:
    calls_by_function = dict(_list_functions())
    deleting = {name for name, calls in calls_by_function.items() if calls & DELETING_CALLS}
    clock_checking = {name for name, calls in calls_by_function.items() if "trusted_now" in calls}
    assert deleting - clock_checking == set(EXEMPT_FUNCTIONS)
    assert len(clock_checking) >= 9


def test_callers_of_exempt_functions_ask_for_trusted_time() -> None:
    calls_by_function = dict(_list_functions())
    for path_and_name, reason in EXEMPT_FUNCTIONS.items():
        if reason == CHECKED_BY_CALLER:
            name = path_and_name.partition(":")[2]
            caller_calls = [calls for calls in calls_by_function.values() if name in calls]
            assert caller_calls
            assert all("trusted_now" in calls for calls in caller_calls)
