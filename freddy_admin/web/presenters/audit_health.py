"""The audit log's own condition, as the worker last found it."""

from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.audit.models import AuditCheck
from freddy_admin.audit.verdicts import problem_sentence
from freddy_admin.web.presenters.states import BAD, GOOD, QUIET
from freddy_admin.web.presenters.times import Reading


def audit_health(check: AuditCheck | None, on: Reading) -> tuple[str, str, SafeString]:
    """Tone, a word, and a sentence with when it was verified."""
    if check is None or check.verified_at is None:
        sentence = _("The worker verifies the log once a day, a little at a time.")
        return QUIET, _("not verified yet"), format_html("{}", sentence)
    verified = format_html(_("Last verified {ago}."), ago=on.ago(check.verified_at))
    if not check.problem:
        events = _("%(n)s events, none was changed or removed.") % {"n": f"{check.events:,}"}
        return GOOD, _("in order"), format_html("{} {}", verified, events)
    return BAD, _("tampered with"), format_html("{} {} {}", _what(check, on), _todo(), verified)


def _what(check: AuditCheck, on: Reading) -> str:
    found = check.problem
    at = str(found.get("at") or "")
    exact = on.exact(datetime.fromisoformat(at)) if at else ""
    sentence = problem_sentence(str(found.get("wrong")), number=found.get("number"), at=exact)
    return sentence[:1].upper() + sentence[1:]


def _todo() -> str:
    return _("Keep a copy of the database and run `manage.py doctor`.")
