"""The tags of audit events, and how each is recorded."""

from enum import Enum, StrEnum
from typing import Final


class AuditTag(StrEnum):
    """What happened; the value is stored and never changes its meaning."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_FAILED = "sign_in_failed"
    CONFIRMATION_FAILED = "confirmation_failed"
    SESSIONS_ENDED = "sessions_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # nosec B105
    SECOND_FACTOR_ADDED = "second_factor_added"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    SECOND_FACTOR_LIMITED = "second_factor_limited"
    SINGLE_SIGN_ON_LINKED = "single_sign_on_linked"
    SINGLE_SIGN_ON_UNLINKED = "single_sign_on_unlinked"
    PERSON_CREATED = "person_created"
    PERSON_CHANGED = "person_changed"
    VIEW_KEPT = "view_kept"
    VIEW_REMOVED = "view_removed"
    TOKEN_CREATED = "token_created"  # noqa: S105  # nosec B105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105  # nosec B105
    ORGANISATION_CREATED = "organisation_created"
    ORGANISATION_RENAMED = "organisation_renamed"
    ORGANISATION_RENAME_REFUSED = "organisation_rename_refused"
    ORGANISATION_REMOVED = "organisation_removed"
    MEMBER_ADDED = "member_added"
    MEMBER_CHANGED = "member_changed"
    MEMBER_REMOVED = "member_removed"
    MEMBER_LEFT = "member_left"
    MEMBER_INVITED = "member_invited"
    INVITATION_RESENT = "invitation_resent"
    INVITATION_SENT = "invitation_sent"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    INVITATION_ACCEPTED = "invitation_accepted"
    ADMIN_MADE = "admin_made"
    ADMIN_UNMADE = "admin_unmade"
    PERSON_SWITCHED_OFF = "person_switched_off"
    PERSON_SWITCHED_ON = "person_switched_on"
    PERSON_REMOVED = "person_removed"
    PERSON_EXPORTED = "person_exported"
    ORGANISATION_EXPORTED = "organisation_exported"
    KEY_ADDED = "key_added"
    KEY_TESTED = "key_tested"
    KEY_KEPT_UNTESTED = "key_kept_untested"
    KEY_KEPT_DIFFERING = "key_kept_differing"
    KEY_KEPT_REFUSED = "key_kept_refused"
    # A new secret was pasted; whether it took over is another event, in versions before 0.5 none.
    KEY_REPLACEMENT_REQUESTED = "key_replaced"
    KEY_REPLACED = "key_taken_over"
    KEY_CANDIDATE_DISCARDED = "key_candidate_discarded"
    KEY_CHANGED = "key_changed"
    KEY_PAUSED = "key_paused"
    KEY_RESUMED = "key_resumed"
    KEY_REVOKED = "key_revoked"
    KEYS_IMPORTED = "keys_imported"
    KEYS_IMPORT_OPENED = "keys_import_opened"
    KEYS_IMPORT_CONFIRMED = "keys_import_confirmed"
    KEYS_IMPORT_DISCARDED = "keys_import_discarded"
    CHECK_REQUESTED = "check_requested"
    SYNC_REQUESTED = "sync_requested"
    SYNC_ENDED = "sync_ended"
    CONNECTOR_SWITCH_REQUESTED = "connector_switch_requested"
    CONNECTOR_SWITCH_ENDED = "connector_switch_ended"
    EXPORTED = "exported"
    ACCESS_DENIED = "access_denied"
    CHANNEL_CREATED = "channel_created"
    CHANNEL_CHANGED = "channel_changed"
    CHANNEL_ADDRESS_REPLACED = "channel_address_replaced"
    CHANNEL_SECRET_ROTATED = "channel_secret_rotated"  # noqa: S105  # nosec B105
    CHANNEL_FORMER_SECRETS_ENDED = "channel_former_secrets_ended"
    CHANNEL_ENABLED = "channel_enabled"
    CHANNEL_DISABLED = "channel_disabled"
    CHANNEL_DELETED = "channel_deleted"
    CHANNEL_TESTED = "channel_tested"
    CLOCK_CONFIRMED = "clock_confirmed"
    PANEL_CONFIRMED = "panel_confirmed"
    MASTER_KEY_ROTATED = "master_key_rotated"
    ALERT_RULE_CREATED = "alert_rule_created"
    ALERT_RULE_CHANGED = "alert_rule_changed"
    ALERT_RULE_REMOVED = "alert_rule_removed"
    INCIDENT_ACKNOWLEDGED = "incident_acknowledged"
    INCIDENT_UNACKNOWLEDGED = "incident_unacknowledged"
    INCIDENT_ASSIGNED = "incident_assigned"
    INCIDENT_UNASSIGNED = "incident_unassigned"
    INCIDENT_NOTED = "incident_noted"
    INCIDENT_MUTED = "incident_muted"
    INCIDENT_UNMUTED = "incident_unmuted"
    WINDOW_CREATED = "window_created"
    WINDOW_CHANGED = "window_changed"
    WINDOW_DELETED = "window_deleted"


class RecordingMode(Enum):
    """How repeated events with one tag are recorded."""

    ALWAYS = "each time an event of its own"
    COUNT_REPEATS = "the first at once, its repeats counted and said once"


# What changes keys, members, roles, organisations, tokens, second factors or settings, and each
# operation, is always an event; rate limits keep it from being a flood. What anybody can repeat for
# ever without changing anything for others is counted. A tag without a mode cannot be recorded.
RECORDING_MODES: Final = {
    **dict.fromkeys(
        (
            *(
                AuditTag.PASSWORD_CHANGED,
                AuditTag.SECOND_FACTOR_ADDED,
                AuditTag.SECOND_FACTOR_REMOVED,
                AuditTag.SECOND_FACTOR_CHANGED,
            ),
            *(
                AuditTag.SECOND_FACTOR_LIMITED,
                AuditTag.SINGLE_SIGN_ON_LINKED,
                AuditTag.SINGLE_SIGN_ON_UNLINKED,
            ),
            *(AuditTag.PERSON_CREATED, AuditTag.TOKEN_CREATED, AuditTag.TOKEN_REVOKED),
            *(
                AuditTag.ORGANISATION_CREATED,
                AuditTag.ORGANISATION_RENAMED,
                AuditTag.ORGANISATION_REMOVED,
            ),
            *(
                AuditTag.MEMBER_ADDED,
                AuditTag.MEMBER_CHANGED,
                AuditTag.MEMBER_REMOVED,
                AuditTag.MEMBER_LEFT,
            ),
            *(AuditTag.MEMBER_INVITED, AuditTag.INVITATION_RESENT, AuditTag.INVITATION_SENT),
            *(
                AuditTag.INVITATION_WITHDRAWN,
                AuditTag.INVITATION_ACCEPTED,
                AuditTag.ADMIN_MADE,
                AuditTag.ADMIN_UNMADE,
            ),
            *(AuditTag.PERSON_SWITCHED_OFF, AuditTag.PERSON_SWITCHED_ON, AuditTag.PERSON_REMOVED),
            *(
                AuditTag.KEY_ADDED,
                AuditTag.KEY_TESTED,
                AuditTag.KEY_KEPT_UNTESTED,
                AuditTag.KEY_KEPT_DIFFERING,
                AuditTag.KEY_KEPT_REFUSED,
            ),
            *(
                AuditTag.KEY_REPLACEMENT_REQUESTED,
                AuditTag.KEY_REPLACED,
                AuditTag.KEY_CANDIDATE_DISCARDED,
                AuditTag.KEY_CHANGED,
                AuditTag.KEY_PAUSED,
            ),
            *(
                AuditTag.KEY_RESUMED,
                AuditTag.KEY_REVOKED,
                AuditTag.KEYS_IMPORTED,
                AuditTag.KEYS_IMPORT_OPENED,
            ),
            *(
                AuditTag.KEYS_IMPORT_CONFIRMED,
                AuditTag.KEYS_IMPORT_DISCARDED,
                AuditTag.CHECK_REQUESTED,
            ),
            *(AuditTag.SYNC_REQUESTED, AuditTag.SYNC_ENDED, AuditTag.CONNECTOR_SWITCH_REQUESTED),
            *(
                AuditTag.CONNECTOR_SWITCH_ENDED,
                AuditTag.MASTER_KEY_ROTATED,
                AuditTag.CLOCK_CONFIRMED,
                AuditTag.PANEL_CONFIRMED,
            ),
            *(
                AuditTag.ALERT_RULE_CREATED,
                AuditTag.ALERT_RULE_CHANGED,
                AuditTag.ALERT_RULE_REMOVED,
            ),
            *(
                AuditTag.INCIDENT_ACKNOWLEDGED,
                AuditTag.INCIDENT_UNACKNOWLEDGED,
                AuditTag.INCIDENT_ASSIGNED,
                AuditTag.INCIDENT_UNASSIGNED,
                AuditTag.INCIDENT_NOTED,
                AuditTag.INCIDENT_MUTED,
                AuditTag.INCIDENT_UNMUTED,
            ),
            *(AuditTag.WINDOW_CREATED, AuditTag.WINDOW_CHANGED, AuditTag.WINDOW_DELETED),
            *(
                AuditTag.CHANNEL_CREATED,
                AuditTag.CHANNEL_CHANGED,
                AuditTag.CHANNEL_ADDRESS_REPLACED,
                AuditTag.CHANNEL_SECRET_ROTATED,
                AuditTag.CHANNEL_FORMER_SECRETS_ENDED,
                AuditTag.CHANNEL_ENABLED,
                AuditTag.CHANNEL_DISABLED,
                AuditTag.CHANNEL_DELETED,
                AuditTag.CHANNEL_TESTED,
            ),
        ),
        RecordingMode.ALWAYS,
    ),
    **dict.fromkeys(
        (
            *(AuditTag.EXPORTED, AuditTag.PERSON_EXPORTED, AuditTag.ORGANISATION_EXPORTED),
            *(AuditTag.VIEW_KEPT, AuditTag.VIEW_REMOVED, AuditTag.PERSON_CHANGED),
            *(AuditTag.ACCESS_DENIED, AuditTag.ORGANISATION_RENAME_REFUSED),
            *(
                AuditTag.SIGNED_IN,
                AuditTag.SIGNED_OUT,
                AuditTag.SIGN_IN_FAILED,
                AuditTag.CONFIRMATION_FAILED,
            ),
            # As frequent as sign-ins, which one person may repeat from many addresses.
            AuditTag.SESSIONS_ENDED,
        ),
        RecordingMode.COUNT_REPEATS,
    ),
}
