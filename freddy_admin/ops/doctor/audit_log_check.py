"""The `doctor` check of the audit log: every event is verified, a thousand at a time."""

from datetime import UTC, datetime

from django.utils.translation import gettext as _

from freddy_admin.audit.append_only_triggers import append_only_triggers_missing
from freddy_admin.audit.chain import unlinked_events
from freddy_admin.audit.chain_verification import (
    ChainProblem,
    VerificationProgress,
    chain_verify,
    secret_key_change_times,
)
from freddy_admin.audit.verification_result import chain_problem_sentence


def audit_log_check() -> tuple[bool, str]:
    """Whether the audit log is in order, and a sentence."""
    progress, problem = chain_verify()
    if problem is not None:
        return False, _tampering_sentence(problem)
    missing_triggers = append_only_triggers_missing()
    if missing_triggers:
        sentence = _("the database no longer refuses changes (%(names)s): run `manage.py migrate`.")
        return False, sentence % {"names": ", ".join(missing_triggers)}
    return True, " ".join(
        [
            _intact_sentence(progress),
            *_secret_key_sentences(progress),
            *_unlinked_events_sentences(),
        ]
    )


def _tampering_sentence(problem: ChainProblem) -> str:
    what = chain_problem_sentence(problem.kind, number=problem.number, at=_format_utc(problem.at))
    todo = _("Keep a copy of the database, and compare it with a backup.")
    return f"{what} {todo}"


def _intact_sentence(progress: VerificationProgress) -> str:
    values = {"count": progress.place, "last": progress.last[:16]}
    return _("in order: %(count)d events, the last one %(last)s.") % values


def _secret_key_sentences(progress: VerificationProgress) -> list[str]:
    sentences = [
        _("SECRET_KEY was changed on %(at)s.") % {"at": _format_utc(at.isoformat())}
        for at in secret_key_change_times()[-3:]
    ]
    if progress.former:
        first, last = progress.former[0][0], progress.former[-1][1]
        sentences.append(
            _("Events %(first)d to %(last)d are as they were then.")
            % {"first": first, "last": last}
        )
    if progress.unproven_since:
        sentences.append(
            _(
                "SECRET_KEY is another one since event %(n)d: only with the former one in "
                "SECRET_KEY_FALLBACKS can be proven that nothing was changed."
            )
            % {"n": progress.unproven_since}
        )
    return sentences


def _unlinked_events_sentences() -> list[str]:
    unlinked_count = unlinked_events().count()
    if not unlinked_count:
        return []
    return [_("%(count)d wait for the worker to link them.") % {"count": unlinked_count}]


def _format_utc(at: str) -> str:
    if not at:
        return ""
    return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
