"""A sentence for people: one translatable text with named parts, told as HTML or as plain text.

Nothing is translated or formatted before it is rendered, so that one object serves a page in one
language and a mail in another. A text is a whole sentence, never a piece of one: languages differ
in the order of their words. Several sentences are rendered one after the other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from freddy_admin.wording.times import (
    EITHER,
    FUTURE,
    PAST,
    UserTime,
    format_day,
    format_interval,
)

Text = str | Promise


class Part:
    """What stands for a {name} of a sentence, as plain text and as HTML."""

    __slots__ = ()

    def as_text(self, user_time: UserTime | None) -> str:
        """Plain text. Raises ValueError for a time that nobody says when and where to read."""
        raise NotImplementedError

    def as_html(self, user_time: UserTime) -> SafeString:
        """The text, escaped, where there is no element for it."""
        return conditional_escape(self.as_text(user_time))


class MomentStyle(Enum):
    """How a time is told: how long ago, how far ahead, by the clock, or to the second.

    `CLOCK_CELL` is for lists. The first three are the side of now on which the time is held.
    """

    AGO = PAST
    UNTIL = FUTURE
    RELATIVE_CELL = EITHER
    CLOCK = "clock"
    CLOCK_CELL = "clock in a list"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Moment(Part):
    """A time within a sentence; in HTML an element with the exact time behind it."""

    at: datetime
    style: MomentStyle = MomentStyle.CLOCK

    def as_text(self, user_time: UserTime | None) -> str:
        """`12 min ago`, or `14:05`."""
        user_time = _require_user_time(user_time)
        if self.style in {MomentStyle.AGO, MomentStyle.UNTIL, MomentStyle.RELATIVE_CELL}:
            return user_time.format_relative(self.at, self.style.value)
        if self.style is MomentStyle.EXACT:
            return user_time.format_exact(self.at)
        return user_time.format_clock(self.at)

    def as_html(self, user_time: UserTime) -> SafeString:
        """The element."""
        return _MOMENT_ELEMENTS[self.style](user_time, self.at)


def moment_ago(at: datetime) -> Moment:
    """A time that is over, told by how long ago it is."""
    return Moment(at, MomentStyle.AGO)


def moment_cell(at: datetime) -> Moment:
    """A time in a list, told by the clock."""
    return Moment(at, MomentStyle.CLOCK_CELL)


@dataclass(frozen=True, slots=True)
class TimeSpan(Part):
    """From when to when, the second day named where it is another; without an end, until now."""

    start: datetime
    end: datetime | None

    def as_text(self, user_time: UserTime | None) -> str:
        """`23 Nov, 14:05 to 16:20`."""
        return _require_user_time(user_time).format_time_range(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Interval(Part):
    """How often something comes."""

    hours: int

    def as_text(self, user_time: UserTime | None) -> str:
        """`every 6 hours`."""
        return format_interval(self.hours)


@dataclass(frozen=True, slots=True)
class Markup(Part):
    """HTML of our own around the words of a sentence; nothing of it is left in plain text."""

    html: SafeString

    def as_text(self, user_time: UserTime | None) -> str:
        """Nothing."""
        return ""

    def as_html(self, user_time: UserTime) -> SafeString:
        """The markup as it is."""
        return self.html


@dataclass(frozen=True, slots=True)
class Sentence(Part):
    """`parts` are what the {names} of `text` stand for.

    Parts are texts (escaped in HTML), whole numbers (grouped as the language does), dates, or a
    `Part`, such as a phrase that is a sentence of its own. `count` chooses the plural of a text
    by `ngettext_lazy`.
    """

    text: Text
    parts: Mapping[str, object] = field(default_factory=dict)
    count: int | None = None

    def __bool__(self) -> bool:
        # To ask a lazy text would translate it.
        return not isinstance(self.text, str) or bool(self.text)

    def __str__(self) -> str:
        return self.as_text(None)

    def as_text(self, user_time: UserTime | None) -> str:
        """The sentence in the active language."""
        if not self.parts:
            return self._translated_text()
        parts = {name: _part_text(part, user_time) for name, part in self.parts.items()}
        return self._translated_text().format(**parts)

    def as_html(self, user_time: UserTime) -> SafeString:
        """The sentence in the active language, what others wrote escaped."""
        if not self.parts:
            return conditional_escape(self._translated_text())
        parts = {name: _part_html(part, user_time) for name, part in self.parts.items()}
        return format_html(self._translated_text(), **parts)

    def _translated_text(self) -> str:
        if self.count is None:
            return str(self.text)
        lazy: Any = self.text
        return str(lazy % {"n": self.count})


@dataclass(frozen=True, slots=True)
class Phrases(Part):
    """A list within a sentence, of things that have no order among themselves."""

    phrases: tuple[Sentence, ...]
    separator: str = "; "

    def as_text(self, user_time: UserTime | None) -> str:
        """The phrases, separated."""
        return self.separator.join(phrase.as_text(user_time) for phrase in self.phrases)

    def as_html(self, user_time: UserTime) -> SafeString:
        """The phrases, separated."""
        phrases = (phrase.as_html(user_time) for phrase in self.phrases)
        return SafeString(self.separator.join(phrases))  # nosec B703  each is escaped


def say(text: Text, /, **parts: object) -> Sentence:
    """A sentence with its parts by name."""
    return Sentence(text, parts)


def say_counted(text: Text, count: int, /, **parts: object) -> Sentence:
    """A sentence by `ngettext_lazy` whose form depends on `count`, its part {n}."""
    return Sentence(text, {"n": count} | parts, count)


EMPTY = Sentence("")


def render_html(sentences: Sentence | Iterable[Sentence], user_time: UserTime) -> SafeString:
    """The sentences as HTML, in the active language and the zone of this page."""
    if isinstance(sentences, Sentence):
        return sentences.as_html(user_time)
    htmls = (sentence.as_html(user_time) for sentence in sentences if sentence)
    return SafeString(" ".join(htmls))  # nosec B703  each is escaped


def render_text(sentences: Sentence | Iterable[Sentence], user_time: UserTime | None = None) -> str:
    """The sentences as plain text, for mails, commands and chat messages.

    Raises ValueError for a sentence with a time and no `user_time` to tell it in.
    """
    if isinstance(sentences, Sentence):
        return sentences.as_text(user_time)
    return " ".join(sentence.as_text(user_time) for sentence in sentences if sentence)


def format_number(number: int) -> str:
    """A whole number with its digits grouped as the active language does: `1,234`."""
    return str(number) if -1000 < number < 1000 else _group_digits(number, get_language())


@lru_cache(maxsize=4096)
def _group_digits(number: int, language: str | None) -> str:
    # Kept: a list shows hundreds of numbers, and Django's function is slow.
    del language  # part of the cache's key: Django takes the active one
    return str(number_format(number, use_l10n=True, force_grouping=True))


def _require_user_time(user_time: UserTime | None) -> UserTime:
    if user_time is None:
        raise ValueError("a sentence with a time needs to know when and where it is read")
    return user_time


def _part_text(part: object, user_time: UserTime | None) -> str:
    if isinstance(part, Part):
        return part.as_text(user_time)
    if isinstance(part, int) and not isinstance(part, bool):
        return format_number(part)
    return format_day(part) if isinstance(part, date) else str(part)


def _part_html(part: object, user_time: UserTime) -> SafeString:
    if isinstance(part, Part):
        return part.as_html(user_time)
    return conditional_escape(_part_text(part, user_time))


_MOMENT_ELEMENTS: Mapping[MomentStyle, Callable[[UserTime, datetime], SafeString]] = {
    MomentStyle.AGO: UserTime.render_ago,
    MomentStyle.UNTIL: UserTime.render_until,
    MomentStyle.RELATIVE_CELL: lambda user_time, at: user_time.render_relative_cell(at, EITHER),
    MomentStyle.CLOCK: UserTime.render_clock,
    MomentStyle.CLOCK_CELL: UserTime.render_clock_cell,
    MomentStyle.EXACT: lambda user_time, at: conditional_escape(user_time.format_exact(at)),
}
