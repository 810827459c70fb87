"""Master keys: which rows need which, what their canaries say, and a rotation."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.sync.platform_status import PlatformStatus
from freddy_admin.vault.master_key_state import CanaryTestResult, MasterKeyFit, MasterKeyUsage
from freddy_admin.vault.models import CanaryResult, MasterKeyRotation
from freddy_admin.wording.platform import PartWording
from freddy_admin.wording.sentences import (
    Phrases,
    Sentence,
    Text,
    moment_ago,
    say,
    say_counted,
)
from freddy_admin.wording.states import BAD, GOOD, QUIET, WARN

_FIT_TONES: Final[Mapping[MasterKeyFit, str]] = {
    MasterKeyFit.OK: GOOD,
    MasterKeyFit.EMPTY: QUIET,
    MasterKeyFit.NO_PRIVATE_KEY: GOOD,
    MasterKeyFit.MISSING: BAD,
    MasterKeyFit.CANARY_FAILED: BAD,
}


def master_key_wording(status: PlatformStatus) -> PartWording:
    """Whether the master key fits, then a line per master key, the sealing one first."""
    fit = status.master_key.fit
    lines = [_usage_line(usage) for usage in status.master_keys]
    if status.master_keys_are_wrapped:
        lines.append(say(_("Wrapped by AWS KMS; the worker has them unwrapped when it starts.")))
    return PartWording(
        "shield-lock",
        _("Master key"),
        _FIT_TONES[fit],
        say("{fit}", fit=fit.label),
        (say("{condition}", condition=status.master_key.sentence),),
        tuple(lines),
    )


_STORED_KEYS: Final[Any] = ngettext_lazy("{n} stored key", "{n} stored keys", "n")


def _usage_line(usage: MasterKeyUsage) -> Sentence:
    phrases = [
        say(_("Fingerprint {id}"), id=usage.master_key_id[:8]),
        say_counted(_STORED_KEYS, usage.rows),
    ]
    if usage.is_sealing_key:
        phrases.append(say(_("seals new keys")))
    elif not usage.rows:
        phrases.append(say(_("may be taken out of ENCRYPTION_KEYS")))
    if usage.canary:
        phrases.append(_canary(usage.canary_test))
    return say("{facts}", facts=Phrases(tuple(phrases), " · "))


_CANARIES: Final[Mapping[CanaryResult, Text]] = {
    CanaryResult.OK: _("opened by {by} {ago}"),
    CanaryResult.FAILED: _("does not open for {by}, tried {ago}"),
    CanaryResult.MISSING: _("{by} does not have it, tried {ago}"),
}


def _canary(test: CanaryTestResult) -> Sentence:
    if test.result is None or test.tested_at is None:
        return say(_("no worker has tried it yet"))
    return say(_CANARIES[test.result], by=test.tested_by, ago=moment_ago(test.tested_at))


def rotation_progress(run: MasterKeyRotation) -> Sentence:
    """How far a rotation came."""
    return say(_("{done} of {total} sealed anew"), done=run.done, total=run.total)


def rotation_wording(run: MasterKeyRotation, now: datetime) -> PartWording:
    """The running or latest rotation of master keys."""
    tone, label, words = _rotation_condition(run, now)
    lines = (say(_("New master key: fingerprint {id}"), id=run.sealing_id[:8]),)
    return PartWording("refresh", _("Replacing the master key"), tone, say(label), (words,), lines)


_CUT_SHORT: Final[Any] = ngettext_lazy(
    "It was cut short after {n} row, {ago}. Nothing is lost: every row opens with the "
    "old or the new key. Run `manage.py rotate_encryption` again.",
    "It was cut short after {n} rows, {ago}. Nothing is lost: every row opens with the "
    "old or the new key. Run `manage.py rotate_encryption` again.",
    "n",
)


_NOT_OPENED: Final[Any] = ngettext_lazy(
    "{n} row could not be opened and stays as it is; `manage.py rotate_encryption` names "
    "it. Ended {ago}.",
    "{n} rows could not be opened and stay as they are; `manage.py rotate_encryption` "
    "names them. Ended {ago}.",
    "n",
)


def _rotation_condition(run: MasterKeyRotation, now: datetime) -> tuple[str, Text, Sentence]:
    """Tone, a word or two, and a sentence."""
    if run.is_running(now):
        words = say(_("Began {ago}. The panel goes on meanwhile."), ago=moment_ago(run.started_at))
        return QUIET, _("at work"), words
    if run.is_interrupted(now):
        words = say_counted(_CUT_SHORT, run.done + run.unreadable, ago=moment_ago(run.heartbeat_at))
        return WARN, _("cut short"), words
    ended = moment_ago(run.finished_at or run.heartbeat_at)
    if run.unreadable:
        words = say_counted(_NOT_OPENED, run.unreadable, ago=ended)
        return WARN, _("ended, not all rows"), words
    return GOOD, _("ended"), say(_("Every row was sealed anew. Ended {ago}."), ago=ended)
