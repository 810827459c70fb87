"""The expiry of a key, announced before it happens, with what to do."""

from dataclasses import dataclass
from datetime import date

from django.utils.dates import MONTHS_3
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.status.key_expiry import LAST_DAYS, URGENT_DAYS
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.presenters.state_pill import BAD, QUIET, WARN, StatePill


@dataclass(frozen=True, slots=True)
class KeyExpiryNotice:
    """A sentence, and how loud it is: quiet from 30 days on, amber from 7, red on the last."""

    tone: str
    words: SafeString


def key_expiry_notice(row: KeyRow) -> KeyExpiryNotice | None:
    """The notice on the key's card; None without a date, or with one that is far ahead."""
    days_left = row.days_until_expiry
    if days_left is None or row.expires_on is None or not row.is_expiring_soon:
        return None
    over = _("As long as Aitronos accepts it we go on; if the date is wrong, correct it.")
    todo = _("Replace it before; until then the present one works.")
    words = format_html(
        "{} {} {}",
        key_expiry_sentence(row),
        _expiry_date_sentence(row.expires_on),
        over if days_left < 0 else todo,
    )
    return KeyExpiryNotice(tone=_expiry_tone(days_left), words=words)


def key_expiry_sentence(row: KeyRow) -> str:
    """`The key of Acme expires in 6 days: make a new one.`"""
    days_left, key = row.days_until_expiry or 0, _key_with_organisation_name(row)
    if abs(days_left) > 1:
        sentence = (
            _("%(key)s expired %(n)d days ago: make a new one.")
            if days_left < 0
            else _("%(key)s expires in %(n)d days: make a new one.")
        )
        return sentence % {"key": key, "n": abs(days_left)}
    sentences = {
        -1: _("%(key)s expired yesterday: make a new one."),
        0: _("%(key)s expires today: make a new one."),
        1: _("%(key)s expires tomorrow: make a new one."),
    }
    return sentences[days_left] % {"key": key}


def key_expiry_note(row: KeyRow) -> str:
    """The expiry in a few words, for a list; empty while it is far ahead."""
    days_left = row.days_until_expiry
    if days_left is None or not row.is_expiring_soon:
        return ""
    if days_left < 0:
        return _("key expired")
    near_sentences = {0: _("key expires today"), 1: _("key expires tomorrow")}
    return near_sentences.get(days_left) or _("key expires in %(n)d days") % {"n": days_left}


def key_expiry_pill(row: KeyRow) -> StatePill:
    """The pill of a card whose key needs nothing but a new secret."""
    days_left = row.days_until_expiry or 0
    word = _("Key expired") if days_left < 0 else _("Key expires")
    return StatePill(value="expiring", tone=_expiry_tone(days_left), icon="calendar-x", word=word)


def format_day(day: date) -> str:
    """`8 Mar 2026`."""
    return f"{day.day} {MONTHS_3[day.month]} {day.year}".replace(".", "").title()


def _expiry_date_sentence(day: date) -> str:
    return _("By its date: %(day)s.") % {"day": format_day(day)}


def _expiry_tone(days_left: int) -> str:
    if days_left <= LAST_DAYS:
        return BAD
    return WARN if days_left <= URGENT_DAYS else QUIET


def _key_with_organisation_name(row: KeyRow) -> str:
    if row.keys_in_organisation > 1:
        return _("The key “%(label)s” of %(name)s") % {
            "label": row.key_label,
            "name": row.organisation_name,
        }
    return _("The key of %(name)s") % {"name": row.organisation_name}
