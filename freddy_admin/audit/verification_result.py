"""The sentences for the problems that verification finds in the audit log."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from freddy_admin.audit.chain_verification import ChainProblemKind


def chain_problem_sentence(kind: str, *, number: int | None, at: str) -> str:
    """The sentence for a problem; `at` is a time that is formatted already."""
    sentence_factory = (
        _PROBLEM_SENTENCES.get(ChainProblemKind(kind)) if kind in set(ChainProblemKind) else None
    )
    sentence = sentence_factory() if sentence_factory else _("something in it is wrong.")
    return sentence % {"n": number or "?", "at": at or _("the beginning")}


_PROBLEM_SENTENCES: dict[ChainProblemKind, Callable[[], str]] = {
    ChainProblemKind.REMOVED: lambda: _(
        "an event (number %(n)s) was removed by hand, written after %(at)s."
    ),
    ChainProblemKind.CHANGED: lambda: _("event %(n)s of %(at)s was changed or moved by hand."),
    ChainProblemKind.ADDED: lambda: _("event %(n)s (%(at)s) was not written by this panel."),
    ChainProblemKind.NEWEST_REMOVED: lambda: _(
        "the newest events, after %(at)s, were removed by hand."
    ),
    ChainProblemKind.END_CHANGED: lambda: _(
        "the note of where the log ends was changed by hand, or events up to %(at)s were."
    ),
    ChainProblemKind.END_MISSING: lambda: _("the note of where the log ends was removed by hand."),
    ChainProblemKind.RESTARTED: lambda: _(
        "the note of where the log ends was removed by hand: begun anew with place %(n)s on %(at)s."
    ),
}
