"""One object makes HTML and plain text, in whichever language is active when it is rendered."""

import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, ngettext_lazy

from freddy_admin.wording.sentences import (
    EMPTY,
    Interval,
    Markup,
    Moment,
    MomentStyle,
    Phrases,
    TimeSpan,
    render_html,
    render_text,
    say,
    say_counted,
)
from freddy_admin.wording.times import UserTime

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
USER_TIME = UserTime(NOW, UTC)
XSS = "<script>alert(1)</script> & {who}"
CHECKS = ngettext_lazy("{n} check by {who}.", "{n} checks by {who}.", "n")


def test_html_escapes_what_others_wrote_and_plain_text_keeps_it() -> None:
    sentence = say("{who} added the key.", who=XSS)
    escaped = "&lt;script&gt;alert(1)&lt;/script&gt; &amp; {who} added the key."
    assert render_html(sentence, USER_TIME) == escaped
    assert render_text(sentence) == str(sentence) == f"{XSS} added the key."


def test_text_without_parts_is_escaped_and_its_braces_stay() -> None:
    sentence = say("Ask <us> {now}.")
    assert render_html(sentence, USER_TIME) == "Ask &lt;us&gt; {now}."
    assert render_text(sentence) == "Ask <us> {now}."


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "1 check by Ana."), (2, "2 checks by Ana."), (12345, "12,345 checks by Ana.")],
)
def test_count_chooses_the_plural(count: int, text: str) -> None:
    assert render_text(say_counted(CHECKS, count, who="Ana")) == text
    assert render_html(say_counted(CHECKS, count, who="Ana"), USER_TIME) == text


def test_numbers_are_grouped_as_the_language_does() -> None:
    sentence = say("{n} events.", n=1234567)
    assert render_text(sentence) == "1,234,567 events."
    with translation.override("de"):
        assert render_text(sentence) == "1.234.567 events."


@pytest.mark.parametrize("part", [Moment(NOW), TimeSpan(NOW, None)])
def test_time_without_a_zone_to_tell_it_in_is_refused(part: object) -> None:
    with pytest.raises(ValueError, match="where it is read"):
        render_text(say("Synced at {at}.", at=part))


@pytest.mark.parametrize(
    ("style", "at", "text"),
    [
        (MomentStyle.AGO, NOW - timedelta(minutes=12), "12 min ago"),
        (MomentStyle.UNTIL, NOW + timedelta(minutes=12), "in 12 min"),
        (MomentStyle.CLOCK, NOW, "12:00"),
        (MomentStyle.CLOCK_CELL, NOW + timedelta(days=1), "3 Mar, 12:00"),
    ],
)
def test_time_is_an_element_in_html_and_words_in_plain_text(
    style: MomentStyle, at: datetime, text: str
) -> None:
    sentence = say("At {at}.", at=Moment(at, style))
    assert render_text(sentence, USER_TIME) == f"At {text}."
    html = render_html(sentence, USER_TIME)
    assert html.startswith(f'At <time datetime="{at:%Y-%m-%dT%H:%M:%SZ}"')
    assert html.endswith(f">{text}</time>.")


def test_exact_time_is_words_in_both() -> None:
    sentence = say("At {at}.", at=Moment(NOW, MomentStyle.EXACT))
    expected = "At 2 Mar 2026, 12:00:00 UTC."
    assert render_text(sentence, USER_TIME) == render_html(sentence, USER_TIME) == expected


def test_parts_may_be_intervals_spans_and_sentences() -> None:
    sentence = say(
        "{often}: {span}; {all}.",
        often=Interval(6),
        span=TimeSpan(NOW, NOW + timedelta(hours=2)),
        all=Phrases((say("{who}", who="<a>"), say("b"))),
    )
    assert render_text(sentence, USER_TIME) == "every 6 hours: 12:00 to 14:00; <a>; b."
    assert "&lt;a&gt;; b." in render_html(sentence, USER_TIME)


def test_sentences_follow_one_another_and_empty_ones_are_left_out() -> None:
    sentences = (say("Synced."), EMPTY, say("{n} new.", n=3))
    assert render_text(sentences) == render_html(sentences, USER_TIME) == "Synced. 3 new."
    assert render_text(EMPTY) == render_text(()) == ""
    assert not EMPTY


def test_markup_of_our_own_is_only_in_html() -> None:
    bold, end = Markup(SafeString("<b>")), Markup(SafeString("</b>"))
    sentence = say("Look {bold}here{end}.", bold=bold, end=end)
    assert render_html(sentence, USER_TIME) == "Look <b>here</b>."
    assert render_text(sentence) == "Look here."


def write_catalogue(folder: Path, translations: dict[str, str]) -> None:
    """Write a compiled catalogue (GNU gettext's format) of German sentences below this folder."""
    header = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n != 1;\n"
    pairs = sorted((source.encode(), text.encode()) for source, text in translations.items())
    pairs.insert(0, (b"", header.encode()))
    table_start, texts_start = 28, 28 + 16 * len(pairs)
    tables, texts = [b"", b""], b""
    for position in (0, 1):
        for pair in pairs:
            tables[position] += struct.pack("<II", len(pair[position]), texts_start + len(texts))
            texts += pair[position] + b"\0"
    head = (0x950412DE, 0, len(pairs), table_start, table_start + 8 * len(pairs), 0, 0)
    file = folder / "de" / "LC_MESSAGES" / "django.mo"
    file.parent.mkdir(parents=True)
    file.write_bytes(struct.pack("<7I", *head) + b"".join(tables) + texts)


def test_same_object_speaks_the_language_that_is_active(
    settings: LazySettings, tmp_path: Path
) -> None:
    added = say(gettext_lazy("{who} tried it out."), who=gettext_lazy("somebody unknown"))
    counted = say_counted(CHECKS, 1200, who="Ana")
    german_texts = {
        "{who} tried it out.": "Erprobt von {who}.",
        "somebody unknown": "einer unbekannten Person",
        "{n} check by {who}.\0{n} checks by {who}.": (
            "Von {who}: {n} Prüfung.\0Von {who}: {n} Prüfungen."
        ),
    }
    write_catalogue(tmp_path, german_texts)
    settings.LOCALE_PATHS = [tmp_path]

    assert render_text(added) == "somebody unknown tried it out."
    assert render_text(counted) == "1,200 checks by Ana."
    with translation.override("de"):
        assert render_text(added) == "Erprobt von einer unbekannten Person."
        assert render_html(added, USER_TIME) == "Erprobt von einer unbekannten Person."
        assert render_text(counted) == "Von Ana: 1.200 Prüfungen."
    assert render_text(added) == "somebody unknown tried it out."
