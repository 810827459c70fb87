"""The system page: each part of the panel, and whether it needs somebody."""

import hashlib
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from freddy_admin.alerts.condition import AlertsCondition, alerts_facts
from freddy_admin.core.tasks import is_engine_installed
from freddy_admin.sync.clock_monitor import deletion_hold_sentence, is_deletion_hold_harmless
from freddy_admin.sync.platform_status import PlatformStatus, is_worker_alive
from freddy_admin.vault.models import MasterKeyRotation
from freddy_admin.wording.alerts_condition import alerts_wording
from freddy_admin.wording.audit_verification import audit_verification_status
from freddy_admin.wording.keys import CATALOGUE_ONLY
from freddy_admin.wording.master_keys import (
    master_key_wording,
    rotation_progress,
    rotation_wording,
)
from freddy_admin.wording.outside_heartbeat import heartbeat_wording
from freddy_admin.wording.panel_copy import panel_part_wording
from freddy_admin.wording.platform import (
    PartWording,
    cache_wording,
    clocks_agree_wording,
    database_wording,
    deletion_held_wording,
    keys_wording,
    mail_wording,
    parts_summary,
    version_wording,
    worker_wording,
)
from freddy_admin.wording.platform_api import (
    api_wordings,
    calls_wording,
    missing_environments_wording,
)
from freddy_admin.wording.queues import JOBS_LATE_SECONDS, queues_wording
from freddy_admin.wording.refused_alike import (
    refusal_sample,
    refused_keys_wording,
    refused_support_text,
)
from freddy_admin.wording.sentences import render_html, render_text, say
from freddy_admin.wording.states import BAD, GOOD, WARN
from freddy_admin.wording.times import UserTime


def system_page_context(
    status: PlatformStatus, alerts: AlertsCondition, user_time: UserTime
) -> dict[str, Any]:
    """The page for one moment; `digest` is another one as soon as more than ages changed."""
    clock_component = _clock_component(status, user_time)
    components = [
        _panel_component(status, user_time),
        _component(worker_wording(status, user_time.now), user_time),
        _component(_queues_wording(status, user_time), user_time),
        *(_component(wording, user_time) for wording in api_wordings(status)),
        *(_component(wording, user_time) for wording in missing_environments_wording(status)),
        *_keys_components(status, user_time),
        _component(calls_wording(status, user_time.now), user_time),
        _component(master_key_wording(status), user_time),
        *_rotation_components(status.rotation, user_time),
        _component(database_wording(status), user_time),
        _component(cache_wording(status), user_time),
        _component(mail_wording(status, user_time.now), user_time),
        _component(alerts_wording(alerts_facts(alerts)), user_time),
        _component(heartbeat_wording(alerts.heartbeat), user_time),
        clock_component,
        _component(_audit_log_wording(status), user_time),
        _component(version_wording(status), user_time),
    ]
    problems = [part for part in components if part["tone"] in {BAD, WARN}]
    waiting_count = sum(part["is_waiting"] for part in problems)
    summary = parts_summary(
        needing_you=len(problems) - waiting_count, waiting=waiting_count, keys=status.keys
    )
    has_bad_part = any(part["tone"] == BAD for part in problems)
    return {
        "tone": BAD if has_bad_part else WARN if problems else GOOD,
        "summary": render_text(summary),
        "components": components,
        "digest": _system_digest(status, alerts, user_time, clock_component),
        "pending": status.rotation is not None and status.rotation.is_running(user_time.now),
    }


def _system_digest(
    status: PlatformStatus,
    alerts: AlertsCondition,
    user_time: UserTime,
    clock_component: dict[str, Any],
) -> str:
    alive = [worker.name for worker in status.workers if is_worker_alive(worker, now=user_time.now)]
    apis = [
        (place.name, api and (api.reachable, api.kind, api.status, api.components))
        for place, api in status.apis
    ]
    api = (apis, status.missing_environments)
    calls = status.calls
    # Not the calls themselves: each check makes one.
    budgets = [(budget.budget_group, budget.key_count) for budget in calls.fullest]
    run = status.rotation
    rotation = run and (run.pk, run.heartbeat_at, run.done, run.unreadable, run.finished_at)
    stands = run is not None and run.is_interrupted(user_time.now)
    hold = status.deletion_hold and clock_component["sentence"]
    master = (status.master_key, status.master_keys)
    mail = (status.mail, status.mail.is_late(user_time.now))
    late = [work.is_late(user_time.now) for work in status.waiting]
    jobs = [(job.queue, job.waiting, job.age > JOBS_LATE_SECONDS) for job in status.jobs]
    facts = (
        alive,
        api,
        (status.keys, calls.stretched_groups, budgets),
        not status.cache_problem,
        *master,
        rotation,
        stands,
        hold,
        mail,
        (status.waiting, late, jobs),
        status.copied_from,
        [group for group, _samples in status.refused_groups],
        alerts_facts(alerts),
        alerts.heartbeat,
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _component(wording: PartWording, user_time: UserTime) -> dict[str, Any]:
    """One part; some get the bar of their progress or a button besides."""
    return {
        "icon": wording.icon,
        "name": wording.name,
        "tone": wording.tone,
        "label": render_text(wording.label),
        "sentence": render_html(wording.words, user_time),
        "lines": [render_html(line, user_time) for line in wording.lines],
        "is_waiting": wording.is_waiting,
    }


def _rotation_components(
    run: MasterKeyRotation | None, user_time: UserTime
) -> list[dict[str, Any]]:
    """The running or latest rotation of master keys; empty where there was none."""
    if run is None:
        return []
    progress = {
        "value": run.done + run.unreadable,
        "maximum": max(run.total, 1),
        "label": render_text(rotation_progress(run)),
    }
    wording = rotation_wording(run, user_time.now)
    return [_component(wording, user_time) | {"progress": progress}]


def _keys_components(status: PlatformStatus, user_time: UserTime) -> list[dict[str, Any]]:
    """The part of the keys: how many bring no figures, and which are refused in the same way."""
    keys = keys_wording(status.keys)
    components: list[dict[str, Any]] = []
    for group, samples in status.refused_groups:
        message = next((row.error_message for row in samples if row.error_message), "")
        support_text = refused_support_text(
            group,
            message=message,
            samples=[refusal_sample(r.checked_at, r.trace_id, r.request_id) for r in samples],
            now=user_time.now,
        )
        wording = refused_keys_wording(group, message)
        if not components:
            wording = replace(
                wording,
                words=(*wording.words, say(CATALOGUE_ONLY)),
                lines=(keys.label, *wording.lines),
            )
        anchor = f"refused-{len(components)}"
        components.append(
            _component(wording, user_time) | {"support_text": support_text, "anchor": anchor}
        )
    return components or [_component(keys, user_time)]


def _queues_wording(status: PlatformStatus, user_time: UserTime) -> PartWording:
    return queues_wording(status, user_time.now, has_engine=is_engine_installed())


def _audit_log_wording(status: PlatformStatus) -> PartWording:
    tone, label, sentences = audit_verification_status(status.audit)
    return PartWording("history", _("Audit log"), tone, say(label), sentences)


def _panel_component(status: PlatformStatus, user_time: UserTime) -> dict[str, Any]:
    wording = panel_part_wording(
        url=settings.PANEL_URL,
        copied_from=status.copied_from,
        sends_calls=settings.AITRONOS_CALLS,
    )
    button = {"url_name": "panel_confirm", "label": _("This is the panel")}
    return _component(wording, user_time) | ({"button": button} if status.copied_from else {})


def _clock_component(status: PlatformStatus, user_time: UserTime) -> dict[str, Any]:
    hold = status.deletion_hold
    if hold is None:
        return _component(clocks_agree_wording(status), user_time)
    cause = deletion_hold_sentence(
        hold, until=user_time.format_clock(hold.until) if hold.until else ""
    )
    wording = deletion_held_wording(
        cause, user_time.now, is_harmless=is_deletion_hold_harmless(hold)
    )
    button = {"url_name": "clock_confirm", "label": _("The time is right")}
    return _component(wording, user_time) | {"button": button}
