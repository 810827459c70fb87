"""A key that stops working soon: said before it happens, with what to do."""

from dataclasses import dataclass
from datetime import date

from django.utils.dates import MONTHS_3
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.expiry import LAST_DAYS, URGENT_DAYS
from freddy_admin.sync.rows import KeyRow
from freddy_admin.web.presenters.states import BAD, QUIET, WARN, Pill


@dataclass(frozen=True, slots=True)
class ExpiryView:
    """A sentence, and how loud it is: quiet from 30 days on, amber from 7, red on the last."""

    tone: str
    words: SafeString


def expiry_view(row: KeyRow) -> ExpiryView | None:
    """What the key's panel says; None without a date, or with one that is far ahead."""
    left = row.expires_in
    if left is None or row.expires_on is None or not row.expires_soon:
        return None
    over = _("As long as Aitronos accepts it we go on; if the date is wrong, correct it.")
    todo = _("Replace it before; until then the present one works.")
    words = format_html(
        "{} {} {}", expiry_sentence(row), _day_said(row.expires_on), over if left < 0 else todo
    )
    return ExpiryView(tone=_tone(left), words=words)


def expiry_sentence(row: KeyRow) -> str:
    """`The key of Acme expires in 6 days: make a new one.`"""
    left, key = row.expires_in or 0, _named(row)
    if abs(left) > 1:
        sentence = (
            _("%(key)s expired %(n)d days ago: make a new one.")
            if left < 0
            else _("%(key)s expires in %(n)d days: make a new one.")
        )
        return sentence % {"key": key, "n": abs(left)}
    sentences = {
        -1: _("%(key)s expired yesterday: make a new one."),
        0: _("%(key)s expires today: make a new one."),
        1: _("%(key)s expires tomorrow: make a new one."),
    }
    return sentences[left] % {"key": key}


def expiry_note(row: KeyRow) -> str:
    """The same for a list, in a few words; empty while there is time."""
    left = row.expires_in
    if left is None or not row.expires_soon:
        return ""
    if left < 0:
        return _("key expired")
    near = {0: _("key expires today"), 1: _("key expires tomorrow")}
    return near.get(left) or _("key expires in %(n)d days") % {"n": left}


def expiry_pill(row: KeyRow) -> Pill:
    """For a card of a key that is well apart from this."""
    left = row.expires_in or 0
    word = _("Key expired") if left < 0 else _("Key expires")
    return Pill(value="expiring", tone=_tone(left), icon="calendar-x", word=word)


def day_words(day: date) -> str:
    """`8 Mar 2026`."""
    return f"{day.day} {MONTHS_3[day.month]} {day.year}".replace(".", "").title()


def _day_said(day: date) -> str:
    return _("By its date: %(day)s.") % {"day": day_words(day)}


def _tone(left: int) -> str:
    if left <= LAST_DAYS:
        return BAD
    return WARN if left <= URGENT_DAYS else QUIET


def _named(row: KeyRow) -> str:
    if row.keys_in_organisation > 1:
        return _("The key “%(label)s” of %(name)s") % {
            "label": row.key_label,
            "name": row.organisation_name,
        }
    return _("The key of %(name)s") % {"name": row.organisation_name}
