"""Whose move it is and what this reader is offered; and the text that support needs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.catalog.types import CatalogState
from freddy_admin.sync.checks.results import CallFailure, LocalFailureKind
from freddy_admin.sync.health_states import NEW_SECRET_STATES
from freddy_admin.sync.models import CatalogKind
from freddy_admin.sync.status.rows import CheckError, KeyRow
from freddy_admin.vault.models import ApiKey, CandidateSecret, ImportDraftRow, KeyCandidate
from freddy_admin.wording.environments import call_lines
from freddy_admin.wording.failures import check_error_from_candidate
from freddy_admin.wording.sentences import EMPTY, Phrases, Sentence, Text, say
from freddy_admin.wording.states import STATE_WORDINGS, KeyAction, refusal_wording


def key_next_move(row: KeyRow) -> Sentence:
    """Whose move it is; empty where it is nobody's."""
    if row.is_panel_fault:
        return say(_("This is for the people who run this panel, not for you."))
    if row.is_refused_alike:
        return say(_("The people who run this panel find out why, with Aitronos."))
    action = STATE_WORDINGS[row.state].action
    is_members_move = row.needs_action and not row.is_nobodys_move
    if is_members_move and not row.members_can and action in _ADMIN_MOVES:
        return say(_ADMIN_MOVES[action])
    refusal = refusal_wording(row)
    if refusal and refusal.next_move:
        return say(refusal.next_move)
    return say(STATE_WORDINGS[row.state].next_move)


# Where nobody of the organisation can make the move.
_ADMIN_MOVES: Final[Mapping[KeyAction | None, Text]] = {
    KeyAction.PASTE_KEY_AGAIN: _(
        "A platform admin pastes the key again: this organisation has no manager."
    ),
    KeyAction.REPLACE_KEY: _(
        "A platform admin pastes a key that works: this organisation has no manager."
    ),
    KeyAction.START_SYNC: _(
        "A platform admin starts a sync: this organisation has nobody else who may."
    ),
}


def responsible_party(row: KeyRow, usual: Text) -> Text:
    """Who can fix what is wrong: `usual`, where the organisation has somebody who can.

    Empty where the key's owner alone can, who is named beside it.
    """
    if row.is_refused_alike:
        return _("The people who run this panel, with Aitronos.")
    if row.move_permission is None or row.members_can:
        return usual
    if row.owner_can and row.owner_name:
        return ""
    if row.is_own_move:
        return _("You, as a platform admin: this organisation has nobody else who may.")
    return _("A platform admin: this organisation has nobody who may.")


def problem_advice(row: KeyRow, usual: Text) -> Text:
    """What to do: `usual`, but nothing at a key that is refused like others."""
    if row.is_refused_alike:
        return _("Leave the key as it is: others are refused in the same way.")
    return usual


def key_action(row: KeyRow) -> KeyAction | None:
    """What moves the key on, whoever may do it; None where nothing does."""
    if row.is_refused_alike:
        return KeyAction.CHECK_NOW
    action, refusal = STATE_WORDINGS[row.state].action, refusal_wording(row)
    if action in {KeyAction.START_SYNC, KeyAction.CHECK_NOW} and row.is_panel_fault:
        return None
    return KeyAction.CHECK_NOW if refusal and not refusal.needs_new_key else action


_NEW_KEY_MOVE: Final = _("A manager makes a new key at Aitronos and pastes it here.")
_NEW_KEY_MOVE_OF_ADMIN: Final = _(
    "A platform admin pastes a new key here: this organisation has no manager."
)


def new_key_move(row: KeyRow) -> Sentence:
    """Who replaces a key that expires."""
    return say(_NEW_KEY_MOVE if row.members_can else _NEW_KEY_MOVE_OF_ADMIN)


def owner_to_ask(row: KeyRow) -> Sentence:
    """The owner, where asking helps; empty where another has to act, whatever the reason."""
    is_in_vain = row.is_panel_fault or row.is_nobodys_move
    if not row.owner_name or not row.owner_can or is_in_vain:
        return EMPTY
    if row.owner_is_user:
        return say(_("You look after this key."))
    return say(_("Ask {name}, who looks after this key."), name=row.owner_name)


# What somebody of the organisation can mend; Aitronos and networks nobody of ours can.
_OWNER_FIXABLE_KINDS = frozenset(
    {
        FailureKind.KEY_REFUSED,
        FailureKind.KEY_NOT_PERMITTED,
        FailureKind.INVALID_SECRET,
        LocalFailureKind.KEY_UNREADABLE,
    }
)


def owner_to_ask_about_problem(row: KeyRow) -> Sentence:
    """Whom to ask about what is wrong; empty where nobody of ours can mend it."""
    if row.error is None:
        return owner_to_ask(row) if row.needs_action else EMPTY
    is_owner_fixable = row.state in NEW_SECRET_STATES or row.error.kind in _OWNER_FIXABLE_KINDS
    return owner_to_ask(row) if is_owner_fixable else EMPTY


Lines = list[tuple[Text, str]]
SUPPORT_MAIL_SUBJECT = _("Aitronos: a call failed")
SYNC_STATUS_API_PATH = "/v1/admin/composio/sync/status"
# As the documentation of the API names them.
CATALOG_API_PATHS = {
    CatalogKind.AUTH_CONFIGS: "/v1/admin/composio/auth-configs",
    CatalogKind.CONNECTORS: "/v1/personal-connectors/available",
}


def support_text(row: KeyRow) -> str:
    """About the status of a key."""
    lines: Lines = [
        (_("Organisation"), row.organisation_name),
        (_("Key"), _key_identity_text(row.key_label, row.key_id, row.key_version)),
        (_("Organisation id at Aitronos"), row.organization_id or row.reported_organization_id),
        (_("State"), _state_identity_text(row)),
        (_("Read at"), _format_utc(row.now)),
        (_("Last check"), _format_utc(row.checked_at)),
        (_("Last good check"), _format_utc(row.observed_at)),
        (_("Last sync"), _format_utc(row.figures.last_sync_at if row.figures else None)),
        (_("Next sync"), _format_utc(row.figures.next_sync_at if row.figures else None)),
        *call_lines(row.environment, SYNC_STATUS_API_PATH),
    ]
    if row.error is not None:
        failures = str(row.failures or row.refusals or "")
        lines += [*_error_lines(row.error), (_("Failed checks in a row"), failures)]
    return _joined_lines(lines)


def catalog_support_text(
    state: CatalogState, *, key: ApiKey, organisation_name: str, error: CheckError, now: datetime
) -> str:
    """About a catalog that could not be fetched with this key."""
    return _joined_lines(
        [
            (_("Organisation"), organisation_name),
            (_("Key"), _key_identity_text(key.label, key.pk, key.version)),
            (_("Organisation id at Aitronos"), key.organization_id),
            (_("Read at"), _format_utc(now)),
            (_("Last call"), _format_utc(state.checked_at)),
            (_("Last good call"), _format_utc(state.observed_at)),
            *call_lines(key.environment, CATALOG_API_PATHS[state.kind]),
            *_error_lines(error),
        ]
    )


def candidate_support_text(candidate: KeyCandidate, *, key: ApiKey, now: datetime) -> str:
    """About a new secret that was tested and did not work; `key` comes with its organisation."""
    identity = _key_identity_text(key.label, key.pk, candidate.version)
    return _tested_secret_text(
        candidate,
        [
            (_("Organisation"), key.organisation.name),
            (_("New key"), identity),
            (_("Organisation id at Aitronos"), key.organization_id),
        ],
        now=now,
    )


def import_row_support_text(row: ImportDraftRow, *, now: datetime) -> str:
    """About a pasted row whose secret was tested and did not work."""
    return _tested_secret_text(
        row,
        [
            (_("Organisation"), row.organisation_name),
            (_("New key"), row.label),
            (_("Organisation id at Aitronos"), row.organization_id),
        ],
        now=now,
    )


def call_failure_text(failure: CallFailure) -> str:
    """What Aitronos said of a failed call, on one line for a terminal; "" where it said nothing."""
    facts = (
        ("HTTP", str(failure.http_status or "")),
        ("code", failure.code),
        ("message", failure.message),
        ("system_message", failure.system_message),
        ("type", failure.error_type),
        ("timestamp", failure.timestamp),
        ("trace_id", failure.trace_id),
        ("x-request-id", failure.request_id),
    )
    return " · ".join(f"{name} {value}" for name, value in facts if value)


def error_identity(error: CheckError) -> Sentence:
    """`HTTP 403 · INSUFFICIENT_PERMISSIONS · trace_id req_….`; empty where nothing is known."""
    facts = (
        ("HTTP {value}", str(error.http_status or "")),
        ("{value}", error.code),
        ("trace_id {value}", error.trace_id),
        ("x-request-id {value}", error.request_id),
    )
    phrases = tuple(say(text, value=value) for text, value in facts if value)
    return say(_("{facts}."), facts=Phrases(phrases, " · ")) if phrases else EMPTY


def call_ids(details: Mapping[str, Any]) -> tuple[Sentence, ...]:
    """What to quote about failed calls from what an event keeps: of the first, and of the latest.

    Named as the API names them; empty where it sent none.
    """
    latest = details.get("latest_ids")
    first_ids = _quoted_ids(details, _("{ids}."))
    if not isinstance(latest, Mapping):
        return (first_ids,)
    return first_ids, _quoted_ids(latest, _("The latest: {ids}."))


def _quoted_ids(details: Mapping[str, Any], text: Text) -> Sentence:
    ids = (("trace_id", details.get("trace_id")), ("x-request-id", details.get("request_id")))
    phrases = tuple(
        say("{name} {id}", name=name, id=value[:128])
        for name, value in ids
        if value and isinstance(value, str)
    )
    return say(text, ids=Phrases(phrases, ", ")) if phrases else EMPTY


def _tested_secret_text(secret: CandidateSecret, lines: Lines, *, now: datetime) -> str:
    return _joined_lines(
        [
            *lines,
            (_("Read at"), _format_utc(now)),
            (_("Tested at"), _format_utc(secret.tested_at)),
            *call_lines(secret.environment, SYNC_STATUS_API_PATH),
            *_error_lines(check_error_from_candidate(secret)),
        ]
    )


def _error_lines(error: CheckError) -> Lines:
    return [
        (_("Failure"), error.kind),
        (_("HTTP status"), str(error.http_status or "")),
        (_("Code"), error.code),
        (_("Field"), error.field),
        (_("Detail"), error.detail),
        (_("Message"), error.message),
        ("system_message", error.system_message),
        ("type", error.error_type),
        ("timestamp", error.timestamp),
        ("trace_id", error.trace_id),
        ("x-request-id", error.request_id),
    ]


def _joined_lines(lines: Lines) -> str:
    return "\n".join(f"{name}: {value}" for name, value in lines if value)


def _key_identity_text(label: str, key_id: int, version: int) -> str:
    parts = {"label": label, "id": key_id, "version": version}
    return _("%(label)s (no. %(id)s, version %(version)s)") % parts


def _state_identity_text(row: KeyRow) -> str:
    parts = {"state": row.state.value, "rule": row.state_rule}
    parts["since"] = _format_utc(row.state_since)
    return _("%(state)s, rule %(rule)s, since %(since)s") % parts


def _format_utc(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else str(_("never"))
