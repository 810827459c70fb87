"""The audit log's own condition, as the worker last found it."""

from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.audit.models import AuditVerification
from freddy_admin.audit.verification_result import chain_problem_sentence
from freddy_admin.web.presenters.state_pill import BAD, GOOD, QUIET
from freddy_admin.web.presenters.user_time import UserTime


def audit_verification_status(
    check: AuditVerification | None, user_time: UserTime
) -> tuple[str, str, SafeString]:
    """Tone, a word, and a sentence with when it was verified."""
    if check is None or check.verified_at is None:
        sentence = _("The worker verifies the log once a day, a little at a time.")
        return QUIET, _("not verified yet"), format_html("{}", sentence)
    verified = format_html(_("Last verified {ago}."), ago=user_time.render_ago(check.verified_at))
    if not check.problem:
        events = _("%(n)s events, none was changed or removed.") % {"n": f"{check.events:,}"}
        return GOOD, _("in order"), format_html("{} {}", verified, events)
    return (
        BAD,
        _("tampered with"),
        format_html(
            "{} {} {}", _problem_description(check, user_time), _problem_advice(), verified
        ),
    )


def _problem_description(check: AuditVerification, user_time: UserTime) -> str:
    problem = check.problem
    at = str(problem.get("at") or "")
    exact = user_time.format_exact(datetime.fromisoformat(at)) if at else ""
    sentence = chain_problem_sentence(
        str(problem.get("wrong")), number=problem.get("number"), at=exact
    )
    return sentence[:1].upper() + sentence[1:]


def _problem_advice() -> str:
    return _("Keep a copy of the database and run `manage.py doctor`.")
