"""A part of the panel as the system page shows it."""

import hashlib
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.clock_monitor import deletion_hold_sentence, is_deletion_hold_harmless
from freddy_admin.sync.platform_status import PlatformStatus, is_worker_alive
from freddy_admin.vault.master_key_rotation_progress import RotationState
from freddy_admin.wording.audit import audit_verification_status
from freddy_admin.wording.master_keys import (
    master_key_wording,
    rotation_progress,
    rotation_wording,
)
from freddy_admin.wording.platform import (
    PartWording,
    api_wording,
    cache_wording,
    clocks_agree_wording,
    database_wording,
    deletion_held_wording,
    parts_needing_you,
    version_wording,
    worker_wording,
)
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.states import BAD, GOOD, WARN
from freddy_admin.wording.times import UserTime


@dataclass(frozen=True, slots=True)
class ProgressBar:
    """`value` of `maximum`, with the words for it."""

    value: int
    maximum: int
    words: str


@dataclass(frozen=True, slots=True)
class ComponentButton:
    """A button of a component: the name of the URL that takes its form, and the label."""

    url_name: str
    word: str


@dataclass(frozen=True, slots=True)
class SystemComponent:
    """One part of the panel."""

    icon: str
    name: str
    tone: str
    word: str
    sentence: SafeString
    lines: list[SafeString]
    progress: ProgressBar | None = None
    button: ComponentButton | None = None


def system_component(
    wording: PartWording,
    user_time: UserTime,
    *,
    progress: ProgressBar | None = None,
    button: ComponentButton | None = None,
) -> SystemComponent:
    """One part, rendered."""
    return SystemComponent(
        icon=wording.icon,
        name=str(wording.name),
        tone=wording.tone,
        word=render_text(wording.label),
        sentence=render_html(wording.words, user_time),
        lines=[render_html(line, user_time) for line in wording.lines],
        progress=progress,
        button=button,
    )


@dataclass(frozen=True, slots=True)
class SystemPageContext:
    """The page."""

    tone: str
    summary: str
    components: list[SystemComponent]
    digest: str  # another one as soon as anything of the page is, apart from ages
    pending: bool


def system_page_context(status: PlatformStatus, user_time: UserTime) -> SystemPageContext:
    """The page for one moment."""
    components = [
        system_component(worker_wording(status, user_time.now), user_time),
        system_component(api_wording(status), user_time),
        system_component(master_key_wording(status), user_time),
        *_rotation_components(status.rotation, user_time),
        system_component(database_wording(status), user_time),
        system_component(cache_wording(status), user_time),
        _clock_component(status, user_time),
        _audit_log_component(status, user_time),
        system_component(version_wording(status), user_time),
    ]
    tones = [component.tone for component in components]
    problem_count = tones.count(BAD) + tones.count(WARN)
    return SystemPageContext(
        tone=BAD if BAD in tones else WARN if problem_count else GOOD,
        summary=render_text(parts_needing_you(problem_count)),
        components=components,
        digest=_system_digest(status, user_time),
        pending=status.rotation is not None and status.rotation.is_running(user_time.now),
    )


def _system_digest(status: PlatformStatus, user_time: UserTime) -> str:
    alive = [worker.name for worker in status.workers if is_worker_alive(worker, now=user_time.now)]
    api = status.api and (status.api.reachable, status.api.kind)
    run = status.rotation
    stands = run is not None and run.is_interrupted(user_time.now)
    hold = status.deletion_hold and _clock_component(status, user_time).sentence
    master = (status.master_key, status.master_keys)
    facts = (alive, api, status.cache_works, *master, run, stands, hold)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _rotation_components(run: RotationState | None, user_time: UserTime) -> list[SystemComponent]:
    """The running or latest rotation of master keys; empty where there was none."""
    if run is None:
        return []
    progress = ProgressBar(
        run.done + run.unreadable, max(run.total, 1), render_text(rotation_progress(run))
    )
    wording = rotation_wording(run, user_time.now)
    return [system_component(wording, user_time, progress=progress)]


def _audit_log_component(status: PlatformStatus, user_time: UserTime) -> SystemComponent:
    tone, word, sentences = audit_verification_status(status.audit)
    return SystemComponent(
        "history", _("Audit log"), tone, str(word), render_html(sentences, user_time), lines=[]
    )


def _clock_component(status: PlatformStatus, user_time: UserTime) -> SystemComponent:
    hold = status.deletion_hold
    if hold is None:
        return system_component(clocks_agree_wording(status), user_time)
    cause = deletion_hold_sentence(
        hold, until=user_time.format_clock(hold.until) if hold.until else ""
    )
    wording = deletion_held_wording(
        cause, user_time.now, is_harmless=is_deletion_hold_harmless(hold)
    )
    button = ComponentButton("clock_confirm", _("The time is right"))
    return system_component(wording, user_time, button=button)
