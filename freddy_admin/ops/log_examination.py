"""What `doctor` says of the audit log: every event of it is looked at, a thousand at a time."""

from datetime import UTC, datetime

from django.utils.translation import gettext as _

from freddy_admin.audit.chain import events_unlinked
from freddy_admin.audit.guards import guards_missing
from freddy_admin.audit.verdicts import problem_sentence
from freddy_admin.audit.verifying import Problem, Walk, chain_verify, key_changes


def audit_log_examine() -> tuple[bool, str]:
    """Whether it is in order, and a sentence."""
    walk, problem = chain_verify()
    if problem is not None:
        return False, _tampered(problem)
    missing = guards_missing()
    if missing:
        lost = _("the database no longer refuses changes (%(names)s): run `manage.py migrate`.")
        return False, lost % {"names": ", ".join(missing)}
    return True, " ".join([_in_order(walk), *_keys(walk), *_waiting()])


def _tampered(problem: Problem) -> str:
    what = problem_sentence(problem.wrong, number=problem.number, at=_utc(problem.at))
    todo = _("Keep a copy of the database, and compare it with a backup.")
    return f"{what} {todo}"


def _in_order(walk: Walk) -> str:
    words = {"count": walk.place, "last": walk.last[:16]}
    return _("in order: %(count)d events, the last one %(last)s.") % words


def _keys(walk: Walk) -> list[str]:
    said = [
        _("SECRET_KEY was changed on %(at)s.") % {"at": _utc(at.isoformat())}
        for at in key_changes()[-3:]
    ]
    if walk.former:
        first, last = walk.former[0][0], walk.former[-1][1]
        said.append(
            _("Events %(first)d to %(last)d are as they were then.")
            % {"first": first, "last": last}
        )
    if walk.unproven_since:
        said.append(
            _(
                "SECRET_KEY is another one since event %(n)d: only with the former one in "
                "SECRET_KEY_FALLBACKS can be proven that nothing was changed."
            )
            % {"n": walk.unproven_since}
        )
    return said


def _waiting() -> list[str]:
    waiting = events_unlinked().count()
    if not waiting:
        return []
    return [_("%(count)d wait for the worker to link them.") % {"count": waiting}]


def _utc(at: str) -> str:
    if not at:
        return ""
    return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
