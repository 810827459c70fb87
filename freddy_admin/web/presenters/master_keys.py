"""Master keys on the system page: which rows need which, what their canaries say, a rotation."""

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.platform import PlatformStatus
from freddy_admin.vault.canaries import CanaryTrial
from freddy_admin.vault.master_keys import MasterKeyFit, MasterKeyUse
from freddy_admin.vault.models import CanaryVerdict
from freddy_admin.vault.rotations import RotationState
from freddy_admin.web.presenters.parts import Part, Progress, part
from freddy_admin.web.presenters.states import BAD, GOOD, QUIET, WARN
from freddy_admin.web.presenters.times import Reading

_FITS = {
    MasterKeyFit.OK: GOOD,
    MasterKeyFit.EMPTY: QUIET,
    MasterKeyFit.NO_PRIVATE_KEY: GOOD,
    MasterKeyFit.MISSING: BAD,
    MasterKeyFit.CANARY_FAILED: BAD,
}


def master_key_part(status: PlatformStatus, on: Reading) -> Part:
    """Does it fit; then a line per master key, the one that seals first."""
    fit = status.master_key.fit
    lines: list[SafeString | str] = [_use(one, on) for one in status.master_keys]
    if status.wrapped:
        lines.append(_("Wrapped by AWS KMS; the worker has them unwrapped when it starts."))
    tone, word = _FITS[fit], str(fit.label)
    return part("shield-lock", _("Master key"), tone, word, status.master_key.sentence, lines)


def rotation_part(run: RotationState | None, on: Reading) -> list[Part]:
    """The rotation at work, or the latest one; nothing where there never was one."""
    if run is None:
        return []
    name, looked_at = _("Replacing the master key"), run.done + run.unreadable
    words = _("%(done)s of %(total)s sealed anew") % {
        "done": f"{run.done:,}",
        "total": f"{run.total:,}",
    }
    progress = Progress(looked_at, max(run.total, 1), words)
    lines = [_("New master key: fingerprint %(id)s") % {"id": run.sealing_id[:8]}]
    if run.runs(on.now):
        sentence = format_html(_("Began {ago}. The panel goes on meanwhile."), ago=_ago(run, on))
        return [part("refresh", name, QUIET, _("at work"), sentence, lines, progress)]
    if run.was_cut_short(on.now):
        sentence = format_html(
            _(
                "It was cut short after {n} rows, {ago}. Nothing is lost: every row opens with the "
                "old or the new key. Run `manage.py rotate_encryption` again."
            ),
            n=f"{looked_at:,}",
            ago=on.ago(run.beat_at),
        )
        return [part("refresh", name, WARN, _("cut short"), sentence, lines, progress)]
    return [_ended(run, on, lines, progress)]


def _ended(run: RotationState, on: Reading, lines: list[str], progress: Progress) -> Part:
    ended = on.ago(run.ended_at or run.beat_at)
    if run.unreadable:
        words = ngettext(
            "{n} row could not be opened and stays as it is; `manage.py rotate_encryption` names "
            "it. Ended {ago}.",
            "{n} rows could not be opened and stay as they are; `manage.py rotate_encryption` "
            "names them. Ended {ago}.",
            run.unreadable,
        )
        sentence = format_html(words, n=f"{run.unreadable:,}", ago=ended)
        name, word = _("Replacing the master key"), _("ended, not all rows")
        return part("refresh", name, WARN, word, sentence, lines, progress)
    sentence = format_html(_("Every row was sealed anew. Ended {ago}."), ago=ended)
    name, word = _("Replacing the master key"), _("ended")
    return part("refresh", name, GOOD, word, sentence, lines, progress)


def _ago(run: RotationState, on: Reading) -> SafeString:
    return on.ago(run.started_at)


def _use(use: MasterKeyUse, on: Reading) -> SafeString:
    rows = ngettext("%(n)s stored key", "%(n)s stored keys", use.rows) % {"n": f"{use.rows:,}"}
    said = [_("Fingerprint %(id)s") % {"id": use.master_key_id[:8]}, rows]
    if use.seals:
        said.append(_("seals new keys"))
    elif not use.rows:
        said.append(_("may be taken out of ENCRYPTION_KEYS"))
    told = [*said, *([_canary(use.trial, on)] if use.canary else [])]
    return format_html_join(" · ", "{}", ((one,) for one in told))


def _canary(trial: CanaryTrial, on: Reading) -> SafeString:
    if trial.verdict is None or trial.at is None:
        return format_html("{}", _("no worker has tried it yet"))
    words = {
        CanaryVerdict.SINGS: _("opened by {by} {ago}"),
        CanaryVerdict.MUTE: _("does not open for {by}, tried {ago}"),
        CanaryVerdict.MISSING: _("{by} does not have it, tried {ago}"),
    }[trial.verdict]
    return format_html(words, by=trial.by, ago=on.ago(trial.at))
