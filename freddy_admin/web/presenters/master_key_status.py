"""Master keys on the system page: which rows need which, what their canaries say, a rotation."""

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.platform_status import PlatformStatus
from freddy_admin.vault.master_key_canaries import CanaryTestResult
from freddy_admin.vault.master_key_rotation_progress import RotationState
from freddy_admin.vault.master_key_state import MasterKeyFit, MasterKeyUsage
from freddy_admin.vault.models import CanaryResult
from freddy_admin.web.presenters.state_pill import BAD, GOOD, QUIET, WARN
from freddy_admin.web.presenters.system_component import (
    ProgressBar,
    SystemComponent,
    system_component,
)
from freddy_admin.web.presenters.user_time import UserTime

_FIT_TONES = {
    MasterKeyFit.OK: GOOD,
    MasterKeyFit.EMPTY: QUIET,
    MasterKeyFit.NO_PRIVATE_KEY: GOOD,
    MasterKeyFit.MISSING: BAD,
    MasterKeyFit.CANARY_FAILED: BAD,
}


def master_key_component(status: PlatformStatus, user_time: UserTime) -> SystemComponent:
    """Whether the master key fits, then a line per master key, the sealing one first."""
    fit = status.master_key.fit
    lines: list[SafeString | str] = [
        _master_key_line(usage, user_time) for usage in status.master_keys
    ]
    if status.master_keys_are_wrapped:
        lines.append(_("Wrapped by AWS KMS; the worker has them unwrapped when it starts."))
    tone, word = _FIT_TONES[fit], str(fit.label)
    return system_component(
        "shield-lock", _("Master key"), tone, word, status.master_key.sentence, lines
    )


def rotation_components(run: RotationState | None, user_time: UserTime) -> list[SystemComponent]:
    """The running or latest rotation of master keys; empty where there was none."""
    if run is None:
        return []
    name, looked_at = _("Replacing the master key"), run.done + run.unreadable
    words = _("%(done)s of %(total)s sealed anew") % {
        "done": f"{run.done:,}",
        "total": f"{run.total:,}",
    }
    progress = ProgressBar(looked_at, max(run.total, 1), words)
    lines = [_("New master key: fingerprint %(id)s") % {"id": run.sealing_id[:8]}]
    if run.is_running(user_time.now):
        sentence = format_html(
            _("Began {ago}. The panel goes on meanwhile."), ago=_started_ago(run, user_time)
        )
        return [system_component("refresh", name, QUIET, _("at work"), sentence, lines, progress)]
    if run.is_interrupted(user_time.now):
        sentence = format_html(
            _(
                "It was cut short after {n} rows, {ago}. Nothing is lost: every row opens with the "
                "old or the new key. Run `manage.py rotate_encryption` again."
            ),
            n=f"{looked_at:,}",
            ago=user_time.render_ago(run.heartbeat_at),
        )
        return [system_component("refresh", name, WARN, _("cut short"), sentence, lines, progress)]
    return [_finished_rotation_component(run, user_time, lines, progress)]


def _finished_rotation_component(
    run: RotationState, user_time: UserTime, lines: list[str], progress: ProgressBar
) -> SystemComponent:
    finished_ago = user_time.render_ago(run.finished_at or run.heartbeat_at)
    if run.unreadable:
        words = ngettext(
            "{n} row could not be opened and stays as it is; `manage.py rotate_encryption` names "
            "it. Ended {ago}.",
            "{n} rows could not be opened and stay as they are; `manage.py rotate_encryption` "
            "names them. Ended {ago}.",
            run.unreadable,
        )
        sentence = format_html(words, n=f"{run.unreadable:,}", ago=finished_ago)
        name, word = _("Replacing the master key"), _("ended, not all rows")
        return system_component("refresh", name, WARN, word, sentence, lines, progress)
    sentence = format_html(_("Every row was sealed anew. Ended {ago}."), ago=finished_ago)
    name, word = _("Replacing the master key"), _("ended")
    return system_component("refresh", name, GOOD, word, sentence, lines, progress)


def _started_ago(run: RotationState, user_time: UserTime) -> SafeString:
    return user_time.render_ago(run.started_at)


def _master_key_line(usage: MasterKeyUsage, user_time: UserTime) -> SafeString:
    rows = ngettext("%(n)s stored key", "%(n)s stored keys", usage.rows) % {"n": f"{usage.rows:,}"}
    texts = [_("Fingerprint %(id)s") % {"id": usage.master_key_id[:8]}, rows]
    if usage.is_sealing_key:
        texts.append(_("seals new keys"))
    elif not usage.rows:
        texts.append(_("may be taken out of ENCRYPTION_KEYS"))
    parts = [*texts, *([_canary_text(usage.canary_test, user_time)] if usage.canary else [])]
    return format_html_join(" · ", "{}", ((part,) for part in parts))


def _canary_text(canary_test: CanaryTestResult, user_time: UserTime) -> SafeString:
    if canary_test.result is None or canary_test.tested_at is None:
        return format_html("{}", _("no worker has tried it yet"))
    words = {
        CanaryResult.OK: _("opened by {by} {ago}"),
        CanaryResult.FAILED: _("does not open for {by}, tried {ago}"),
        CanaryResult.MISSING: _("{by} does not have it, tried {ago}"),
    }[canary_test.result]
    return format_html(
        words, by=canary_test.tested_by, ago=user_time.render_ago(canary_test.tested_at)
    )
