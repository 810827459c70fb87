"""Keys that report the very same sync, and keys of one organisation that contradict each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.agreement import Contradiction, Disagreement, disagreements
from freddy_admin.sync.rows import Alike, Filters, KeyRow, Overview
from freddy_admin.web.filters import address
from freddy_admin.web.presenters.times import Reading, interval_words

NAMED = 3


@dataclass(frozen=True, slots=True)
class AlikeLine:
    """A sentence, and the way to exactly these keys."""

    words: str
    link: str
    href: str


@dataclass(frozen=True, slots=True)
class AlikeView:
    """The quiet notice of the overview; `more` may be empty."""

    lines: list[AlikeLine]
    more: str


@dataclass(frozen=True, slots=True)
class DisagreementView:
    """Which keys say what, a sentence per contradiction, and what it may mean."""

    lines: list[str]
    meaning: str


def alike_view(overview: Overview, path: str) -> AlikeView | None:
    """What to say of keys that report the same; a group that is shown alone is not said again."""
    lines = [_alike_line(one, path) for one in overview.alike if one.mark != overview.filters.same]
    if not lines:
        return None
    number = overview.more_alike
    more = ngettext("There is %(n)d more such group.", "There are %(n)d more such groups.", number)
    return AlikeView(lines, more % {"n": number} if number else "")


def disagreement_view(rows: list[KeyRow], on: Reading) -> DisagreementView | None:
    """What to say where the keys of one organisation cannot all be right."""
    found = disagreements(rows)
    if not found:
        return None
    foreign = any(one.about is Contradiction.ORGANIZATION_ID for one in found)
    return DisagreementView(
        lines=[_sentence(one, on) for one in found],
        meaning=_(
            "One of these keys may belong to another organisation at Aitronos: compare them before "
            "you rely on what they show."
        )
        if foreign
        else _(
            "One of these keys may belong to another organisation at Aitronos, or only some of "
            "them share one catalogue of connectors."
        ),
    )


def _alike_line(one: Alike, path: str) -> AlikeLine:
    parts = {"n": f"{one.keys:,}", "names": _names(one)}
    if one.organisations == 1:
        words = _("These %(n)s keys of %(names)s report the same sync.")
    elif one.organisations == one.keys:
        words = _("These %(n)s report the same sync: %(names)s.")
    else:
        words = _("These %(n)s keys report the same sync: %(names)s.")
    return AlikeLine(
        words=words % parts,
        link=_("Show these %(n)s") % parts,
        href=address(Filters(), path, same=one.mark),
    )


def _names(one: Alike) -> str:
    others = one.organisations - len(one.names)
    if not others:
        return _enumerated(one.names)
    if one.organisations == one.keys:
        rest = ngettext("%(n)s other", "%(n)s others", others)
    else:
        rest = ngettext("%(n)s other organisation", "%(n)s other organisations", others)
    return _enumerated((*one.names, rest % {"n": f"{others:,}"}))


def _sentence(one: Disagreement, on: Reading) -> str:
    sentences = {
        Contradiction.ORGANIZATION_ID: _("The organisation at Aitronos is %(versions)s."),
        Contradiction.TOTAL_TOOLS: _("The number of tools is %(versions)s."),
        Contradiction.INTERVAL: _("A sync runs %(versions)s."),
        Contradiction.LAST_SYNC: _("The last sync came %(versions)s."),
    }
    said = [
        _("%(value)s according to %(keys)s")
        % {"value": _value(one.about, value, on), "keys": _keys(labels)}
        for value, labels in one.versions[:NAMED]
    ]
    rest = sum(len(labels) for __, labels in one.versions[NAMED:])
    if rest:
        others = ngettext("%(n)d more key", "%(n)d more keys", rest) % {"n": rest}
        said.append(_("something else according to %(keys)s") % {"keys": others})
    parts = {"most": ", ".join(said[:-1]), "last": said[-1]}
    return sentences[one.about] % {"versions": _("%(most)s, but %(last)s") % parts}


def _value(about: Contradiction, value: object, on: Reading) -> str:
    if isinstance(value, datetime):
        return _("at %(time)s") % {"time": on.clock(value)}
    if value is None:
        return _("never")
    if about is Contradiction.INTERVAL and isinstance(value, int):
        return interval_words(value) if value else _("on no schedule")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _keys(labels: Sequence[str]) -> str:
    named = [_("“%(label)s”") % {"label": label} for label in labels[:NAMED]]
    rest = len(labels) - len(named)
    if rest:
        named.append(ngettext("%(n)d more key", "%(n)d more keys", rest) % {"n": rest})
    return _enumerated(named)


def _enumerated(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) == 1:
        return words[0]
    parts = {"most": ", ".join(words[:-1]), "last": words[-1]}
    return _("%(most)s and %(last)s") % parts
