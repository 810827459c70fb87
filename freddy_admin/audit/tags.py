"""The tags of audit events, each with its sentence, and how each is recorded."""

from enum import Enum
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditTag(models.TextChoices):
    """What happened; the value is stored and never changes its meaning."""

    SIGNED_IN = "signed_in", _("signed in")
    SIGNED_OUT = "signed_out", _("signed out")
    SIGN_IN_FAILED = "sign_in_failed", _("could not sign in")
    CONFIRMATION_FAILED = "confirmation_failed", _("could not confirm who they are")
    SESSIONS_ENDED = "sessions_ended", _("ended a sign-in on another device")
    PASSWORD_CHANGED = "password_changed", _("changed a password")
    SECOND_FACTOR_ADDED = "second_factor_added", _("set up a second factor")
    SECOND_FACTOR_REMOVED = "second_factor_removed", _("removed a second factor")
    SECOND_FACTOR_CHANGED = "second_factor_changed", _("changed a second factor")
    SECOND_FACTOR_LIMITED = (
        "second_factor_limited",
        _("tried so many wrong codes that no more are taken for a day"),
    )
    SINGLE_SIGN_ON_LINKED = "single_sign_on_linked", _("linked an account to single sign-on")
    SINGLE_SIGN_ON_UNLINKED = (
        "single_sign_on_unlinked",
        _("unlinked an account from single sign-on"),
    )
    PERSON_CREATED = "person_created", _("created a person")
    PERSON_CHANGED = "person_changed", _("changed a person's settings")
    VIEW_KEPT = "view_kept", _("kept a view of the overview")
    VIEW_REMOVED = "view_removed", _("removed a view of the overview")
    TOKEN_CREATED = "token_created", _("created a panel token")
    TOKEN_REVOKED = "token_revoked", _("revoked a panel token")
    ORGANISATION_CREATED = "organisation_created", _("added an organisation")
    ORGANISATION_RENAMED = "organisation_renamed", _("renamed an organisation")
    ORGANISATION_RENAME_REFUSED = (
        "organisation_rename_refused",
        _("was refused a name for an organisation"),
    )
    ORGANISATION_REMOVED = "organisation_removed", _("removed an organisation")
    MEMBER_ADDED = "member_added", _("added a member")
    MEMBER_CHANGED = "member_changed", _("changed a member's role")
    MEMBER_REMOVED = "member_removed", _("removed a member")
    MEMBER_LEFT = "member_left", _("left the organisation")
    MEMBER_INVITED = "member_invited", _("invited somebody")
    INVITATION_RESENT = "invitation_resent", _("asked for an invitation to be sent again")
    INVITATION_SENT = "invitation_sent", _("sent an invitation by mail")
    INVITATION_WITHDRAWN = "invitation_withdrawn", _("withdrew an invitation")
    INVITATION_ACCEPTED = "invitation_accepted", _("accepted an invitation")
    ADMIN_MADE = "admin_made", _("made somebody a platform admin")
    ADMIN_UNMADE = "admin_unmade", _("took the platform admin's rights from somebody")
    PERSON_SWITCHED_OFF = "person_switched_off", _("switched a person's account off")
    PERSON_SWITCHED_ON = "person_switched_on", _("switched a person's account on")
    PERSON_REMOVED = "person_removed", _("removed a person")
    PERSON_EXPORTED = "person_exported", _("exported what is kept about a person")
    ORGANISATION_EXPORTED = "organisation_exported", _("exported an organisation")
    KEY_ADDED = "key_added", _("added an API key")
    KEY_TESTED = "key_tested", _("tested a new API key")
    KEY_KEPT_UNTESTED = "key_kept_untested", _("kept an API key that could not be tested")
    KEY_KEPT_DIFFERING = "key_kept_differing", _("kept an API key whose figures differ")
    KEY_REPLACED = "key_replaced", _("replaced an API key")
    KEY_CANDIDATE_DISCARDED = "key_candidate_discarded", _("threw a new API key away")
    KEY_CHANGED = "key_changed", _("changed an API key's details")
    KEY_PAUSED = "key_paused", _("paused an API key")
    KEY_RESUMED = "key_resumed", _("resumed an API key")
    KEY_REVOKED = "key_revoked", _("revoked an API key")
    KEYS_IMPORTED = "keys_imported", _("imported API keys")
    KEYS_IMPORT_OPENED = "keys_import_opened", _("pasted many API keys to be tried out")
    KEYS_IMPORT_CONFIRMED = "keys_import_confirmed", _("confirmed an import of API keys")
    KEYS_IMPORT_DISCARDED = "keys_import_discarded", _("threw an import of API keys away")
    CHECK_REQUESTED = "check_requested", _("asked for a check")
    SYNC_REQUESTED = "sync_requested", _("asked for a sync to be started")
    SYNC_ENDED = "sync_ended", _("got the answer to a sync that was asked for")
    CONNECTOR_SWITCH_REQUESTED = (
        "connector_switch_requested",
        _("asked for a connector to be switched"),
    )
    CONNECTOR_SWITCH_ENDED = (
        "connector_switch_ended",
        _("got the answer to a connector's switching"),
    )
    EXPORTED = "exported", _("exported")
    ACCESS_DENIED = "access_denied", _("was refused")
    CLOCK_CONFIRMED = "clock_confirmed", _("confirmed that the machine's clock is right")
    MASTER_KEY_ROTATED = "master_key_rotated", _("sealed keys anew with another master key")


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
            ),
            *(
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
