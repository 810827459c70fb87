"""Whatever deletes by age asks whether the clock can be believed; the rest says why it need not."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "freddy_admin"
DELETES = {"delete", "delete_many", "_raw_delete", "clear_expired", "clearsessions", "logout"}
PERSON = "a person asked for exactly this"
ASKED = "its caller has asked the clock, and hands the moment over"
# A function that deletes something without asking the clock, and why no age decides there.
WITHOUT = {
    "accounts/ending.py:sessions_end": PERSON,
    "accounts/ending.py:tokens_forget": PERSON,
    "accounts/people.py:person_delete": PERSON,
    "accounts/saved_views.py:saved_view_remove": PERSON,
    "accounts/sessions.py:session_end": PERSON,
    "accounts/sessions.py:sessions_end_all": PERSON,
    "accounts/signing_in/first_visit.py:first_link_make": "one link at a time",
    "accounts/signing_in/resets.py:_claim": "asked for an address of nobody",
    "accounts/signing_in/resets.py:_send": "it was mailed",
    "accounts/signing_in/resets.py:resets_send_due": "asked for an address of nobody",
    "accounts/single_sign_on/links.py:link_remove": PERSON,
    "accounts/tokens/panel_tokens.py:api_token_revoke": PERSON,
    "accounts/tokens/panel_tokens.py:api_tokens_revoke_all": PERSON,
    "accounts/session_store.py:delete": PERSON,
    "audit/repeats.py:_close": "it is written as an event in the same transaction",
    "core/cache.py:cache_delete": "the cache is never the only copy",
    "core/cache.py:cache_delete_many": "the cache is never the only copy",
    "core/cache_table.py:add": "an entry of the cache that cannot be read",
    "organisations/standing.py:role_set": PERSON,
    "organisations/services.py:organisation_remove": PERSON,
    "sync/history/retention.py:_oldest_go": ASKED,
    "sync/lifecycle.py:key_revoke": PERSON,
    "sync/orders/startable.py:syncs_order": "it came to hold nothing, a moment ago",
    "sync/platform.py:beat_remove": "the worker itself ends",
    "vault/rotations.py:rotation_begin": "the latest twenty stay, however old",
    "vault/services/candidate_expiry.py:_expire": ASKED,
    "vault/services/candidates.py:_drop": "a person threw it away, or it is here already",
    "vault/services/candidates.py:candidate_promote": "it is the key's own secret from now on",
    "vault/services/import_drafts.py:import_draft_discard": PERSON,
    "vault/services/keys.py:_candidate_seal": "a person pasted another one",
    "vault/services/keys.py:api_key_revoke": PERSON,
    "vault/services/reseal.py:_canaries_retire": "no row needs that master key",
    "vault/tagging.py:tags_give": "no key has this tag",
    "web/views/sessions.py:end": PERSON,
    "web/views/sessions.py:end_all": PERSON,
}


def _functions() -> Iterator[tuple[str, set[str]]]:
    for path in sorted(ROOT.rglob("*.py")):
        if {"migrations", "sandbox"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.name}", _called(node)


def _called(function: ast.FunctionDef) -> set[str]:
    targets = [one.func for one in ast.walk(function) if isinstance(one, ast.Call)]
    attributes = {one.attr for one in targets if isinstance(one, ast.Attribute)}
    return attributes | {one.id for one in targets if isinstance(one, ast.Name)}


def test_every_function_that_deletes_asks_the_clock_or_says_why_not() -> None:
    found = dict(_functions())
    deleting = {name for name, called in found.items() if called & DELETES}
    asking = {name for name, called in found.items() if "deletion_now" in called}
    assert deleting - asking == set(WITHOUT)
    assert len(asking) >= 9


def test_what_is_said_to_have_been_asked_before_is_called_by_who_asks() -> None:
    found = dict(_functions())
    for name in [name for name, why in WITHOUT.items() if why == ASKED]:
        callers = [called for called in found.values() if name.partition(":")[2] in called]
        assert callers
        assert all("deletion_now" in called for called in callers)
