"""Deeds on API keys, in the browser and by a program with a token."""

from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core import clock
from freddy_admin.vault.models import ApiKey, Verdict
from freddy_admin.vault.services import TestOutcome, api_key_replace, candidate_could_not_test
from freddy_admin.vault.services.candidates import candidates_claim
from tests.vault.pasting import laid_out, pasted, secret, verdicts_come
from tests.web.deeds.scene import HERE, Ask, Deed, Scene, on, on_key
from tests.web.machines import Program

SECRET = "oak_live_planted_0123456789abcdef"
DETAILS = {"label": "Other", "revision": "", "tags": "", "owner": ""}


def _draft(scene: Scene, *verdicts: Verdict) -> str:
    rows = [f"Alder,Row {number},{secret(str(number))},," for number, __ in enumerate(verdicts)]
    draft = laid_out(scene.people.manager, *rows)
    verdicts_come({f"Row {number}": one for number, one in enumerate(verdicts)})
    return f"/import/{draft.pk}/"


def _imported(name: str, verdict: Verdict = Verdict.WORKS) -> Deed:
    tags = {
        "confirm": "keys_import_confirmed",
        "retest": "check_requested",
        "discard": "keys_import_discarded",
    }
    return Deed("manager", lambda scene: Ask(f"{_draft(scene, verdict)}{name}/"), (tags[name],))


def _untested(scene: Scene) -> ApiKey:
    key = scene.key()
    actor = Actor("Mara")
    api_key_replace(organisation=scene.organisation, actor=actor, key=key, secret=SECRET)
    (claimed,) = candidates_claim(limit=9, lease_seconds=30)
    candidate_could_not_test(
        organisation=scene.organisation,
        actor=WORKER,
        key=key,
        version=claimed.version,
        outcome=TestOutcome(kind="timeout", message="No answer"),
    )
    return key


def _candidate(name: str, tag: str) -> Deed:
    def ask(scene: Scene) -> Ask:
        key = _untested(scene)
        fields = {"version": key.version + 1, "seen": "untested"}
        return Ask(f"{HERE}keys/{key.pk}/candidate/{name}/", fields)

    return Deed("manager", ask, (tag,), here=True)


def _by_program(name: str, tag: str) -> Deed:
    def ask(scene: Scene) -> Ask:
        token = Program(scene.people.operator, "act").token
        bearer = {"authorization": f"Bearer {token}"}
        return Ask(f"/api/v1/keys/{scene.key().pk}/{name}", headers=bearer, json="{}")

    return Deed("nobody", ask, (tag,), here=True, actor="operator")


def _switch(scene: Scene) -> Ask:
    path = f"{HERE}keys/{scene.key().pk}/connectors/switch/?tool=gmail&on=0"
    return Ask(path, {"understood": "on"})


def _resume(scene: Scene) -> Ask:
    key = scene.key(paused_at=clock.now(), paused_by="Ann")
    return Ask(f"{HERE}keys/{key.pk}/resume/")


KEYS = {
    "import_new": Deed(
        "manager",
        on("/import/", rows=pasted(f"Alder,Main,{secret('a')},,").decode()),
        ("keys_import_opened",),
    ),
    "import_confirm": _imported("confirm"),
    "import_retest": _imported("retest", Verdict.REJECTED),
    "import_discard": _imported("discard"),
    "listing_check": Deed(
        "operator", on_key("lists/connectors/check"), ("check_requested",), here=True
    ),
    "connector_switch": Deed("manager", _switch, ("connector_switch_requested",), here=True),
    "key_add": Deed(
        "manager", on(f"{HERE}keys/add/", label="New", api_key=SECRET), ("key_added",), here=True
    ),
    "key_check": Deed("operator", on_key("check"), ("check_requested",), here=True),
    "key_sync": Deed("operator", on_key("sync", mode="full"), ("sync_requested",), here=True),
    "key_replace": Deed("manager", on_key("replace", api_key=SECRET), ("key_replaced",), here=True),
    "key_edit": Deed("manager", on_key("edit", **DETAILS), ("key_changed",), here=True),
    "key_pause": Deed("manager", on_key("pause"), ("key_paused",), here=True),
    "key_resume": Deed("manager", _resume, ("key_resumed",), here=True),
    "key_revoke": Deed("manager", on_key("revoke", label="Main"), ("key_revoked",), here=True),
    "candidate_keep": _candidate("keep", "key_kept_untested"),
    "candidate_retest": _candidate("retest", "check_requested"),
    "candidate_discard": _candidate("discard", "key_candidate_discarded"),
    "check": _by_program("check", "check_requested"),
    "sync": _by_program("sync", "sync_requested"),
}
