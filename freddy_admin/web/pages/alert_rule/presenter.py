"""Alert rules as rows of a page: each in sentences, the default one included."""

from typing import Any

from django.utils.translation import gettext as _

from freddy_admin.alerts.models import AlertRule
from freddy_admin.alerts.rules.decisions import RuleTerms
from freddy_admin.alerts.rules.default import FLEET_DEFAULT, organisation_default
from freddy_admin.organisations.models import Organisation
from freddy_admin.wording.alert_rules import rule_quiet_hours, rule_sentences, rule_timing
from freddy_admin.wording.sentences import render_text


def rule_rows(rules: list[AlertRule], *, organisation: Organisation | None) -> list[dict[str, Any]]:
    """These rules; where there are none, the default one."""
    if not rules:
        default = FLEET_DEFAULT if organisation is None else organisation_default(organisation.pk)
        return [_default_row(default)]
    return [_row(rule) for rule in rules]


def _row(rule: AlertRule) -> dict[str, Any]:
    channels = [str(channel) for channel in rule.channels.all()]
    return {
        "rule": rule,
        "name": rule.name,
        "is_off": not rule.enabled,
        "who": render_text(
            rule_sentences(
                severity=rule.severity,
                causes_only=rule.causes_only,
                roles=rule.roles,
                channels=sorted(channels, key=str.casefold),
            )
        ),
        "when": render_text(
            rule_timing(delay_minutes=rule.delay_minutes, sends_reminders=rule.sends_reminders)
        ),
        "quiet": render_text(rule_quiet_hours(rule.quiet_from, rule.quiet_until, rule.zone)),
    }


def _default_row(terms: RuleTerms) -> dict[str, Any]:
    return {
        "rule": None,
        "name": _("Default rule"),
        "is_off": False,
        "who": render_text(
            rule_sentences(
                severity=terms.severity,
                causes_only=terms.causes_only,
                roles=sorted(terms.roles),
                channels=[],
            )
        ),
        "when": render_text(rule_timing(delay_minutes=0, sends_reminders=terms.sends_reminders)),
        "quiet": "",
    }
