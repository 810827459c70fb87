"""What was found in the audit log, as a sentence."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from freddy_admin.audit.verifying import Wrong


def problem_sentence(wrong: str, *, number: int | None, at: str) -> str:
    """What is wrong, where and since when; `at` is a time as the reader reads times."""
    words = _SENTENCES.get(Wrong(wrong)) if wrong in set(Wrong) else None
    sentence = words() if words else _("something in it is wrong.")
    return sentence % {"n": number or "?", "at": at or _("the beginning")}


_SENTENCES: dict[Wrong, Callable[[], str]] = {
    Wrong.REMOVED: lambda: _("an event (number %(n)s) was removed by hand, written after %(at)s."),
    Wrong.CHANGED: lambda: _("event %(n)s of %(at)s was changed or moved by hand."),
    Wrong.ADDED: lambda: _("event %(n)s (%(at)s) was not written by this panel."),
    Wrong.NEWEST_REMOVED: lambda: _("the newest events, after %(at)s, were removed by hand."),
    Wrong.END_CHANGED: lambda: _(
        "the note of where the log ends was changed by hand, or events up to %(at)s were."
    ),
    Wrong.END_MISSING: lambda: _("the note of where the log ends was removed by hand."),
    Wrong.BEGUN_ANEW: lambda: _(
        "the note of where the log ends was removed by hand: begun anew with place %(n)s on %(at)s."
    ),
}
