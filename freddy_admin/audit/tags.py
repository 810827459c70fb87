"""Everything the audit log can say, each as a plain sentence."""

from enum import Enum
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Tag(models.TextChoices):
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


class Recording(Enum):
    """How what happens again and again gets into the log."""

    ALWAYS = "each time an event of its own"
    REPEATS_COUNTED = "the first at once, its repeats counted and said once"


# What changes keys, members, roles, organisations, tokens, second factors or settings, and each
# operation, is always an event; the rate limits of its addresses keep it from being a flood.
# What anybody can do for ever without changing anything for others is counted. Every tag has its
# place here: one without is refused when it is written.
RECORDING: Final = {
    **dict.fromkeys(
        (
            *(
                Tag.PASSWORD_CHANGED,
                Tag.SECOND_FACTOR_ADDED,
                Tag.SECOND_FACTOR_REMOVED,
                Tag.SECOND_FACTOR_CHANGED,
            ),
            *(Tag.SECOND_FACTOR_LIMITED, Tag.SINGLE_SIGN_ON_LINKED, Tag.SINGLE_SIGN_ON_UNLINKED),
            *(Tag.PERSON_CREATED, Tag.TOKEN_CREATED, Tag.TOKEN_REVOKED),
            *(Tag.ORGANISATION_CREATED, Tag.ORGANISATION_RENAMED, Tag.ORGANISATION_REMOVED),
            *(Tag.MEMBER_ADDED, Tag.MEMBER_CHANGED, Tag.MEMBER_REMOVED, Tag.MEMBER_LEFT),
            *(Tag.MEMBER_INVITED, Tag.INVITATION_RESENT, Tag.INVITATION_SENT),
            *(Tag.INVITATION_WITHDRAWN, Tag.INVITATION_ACCEPTED, Tag.ADMIN_MADE, Tag.ADMIN_UNMADE),
            *(Tag.PERSON_SWITCHED_OFF, Tag.PERSON_SWITCHED_ON, Tag.PERSON_REMOVED),
            *(Tag.KEY_ADDED, Tag.KEY_TESTED, Tag.KEY_KEPT_UNTESTED, Tag.KEY_KEPT_DIFFERING),
            *(Tag.KEY_REPLACED, Tag.KEY_CANDIDATE_DISCARDED, Tag.KEY_CHANGED, Tag.KEY_PAUSED),
            *(Tag.KEY_RESUMED, Tag.KEY_REVOKED, Tag.KEYS_IMPORTED, Tag.KEYS_IMPORT_OPENED),
            *(Tag.KEYS_IMPORT_CONFIRMED, Tag.KEYS_IMPORT_DISCARDED, Tag.CHECK_REQUESTED),
            *(Tag.SYNC_REQUESTED, Tag.SYNC_ENDED, Tag.CONNECTOR_SWITCH_REQUESTED),
            *(Tag.CONNECTOR_SWITCH_ENDED, Tag.MASTER_KEY_ROTATED, Tag.CLOCK_CONFIRMED),
        ),
        Recording.ALWAYS,
    ),
    **dict.fromkeys(
        (
            *(Tag.EXPORTED, Tag.PERSON_EXPORTED, Tag.ORGANISATION_EXPORTED),
            *(Tag.VIEW_KEPT, Tag.VIEW_REMOVED, Tag.PERSON_CHANGED),
            *(Tag.ACCESS_DENIED, Tag.ORGANISATION_RENAME_REFUSED),
            *(Tag.SIGNED_IN, Tag.SIGNED_OUT, Tag.SIGN_IN_FAILED, Tag.CONFIRMATION_FAILED),
            # As many as somebody signs in, who may do so from as many addresses as they have.
            Tag.SESSIONS_ENDED,
        ),
        Recording.REPEATS_COUNTED,
    ),
}
