"""What the panel says of states and failures stands in `freddy_admin/wording` alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from freddy_admin.wording.states import STATE_WORDINGS

ROOT = Path(__file__).resolve().parents[2]
WORDING = ROOT / "freddy_admin" / "wording"
SEARCHED = (
    *(ROOT / "freddy_admin" / room for room in ("web", "api", "ops")),
    ROOT / "templates",
)

TRANSLATIONS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "ngettext": 2, "ngettext_lazy": 2}
TRANSLATIONS_WITH_CONTEXT = {"pgettext": 1, "pgettext_lazy": 1, "npgettext": 2}
TAG_TEXT = re.compile(r"""\{%\s*translate\s+(?:"([^"]*)"|'([^']*)')""")
BLOCK_TEXT = re.compile(
    r"\{%\s*blocktranslate\b[^%]*%\}(.*?)(?:\{%\s*plural\s*%\}(.*?))?\{%\s*endblocktranslate\s*%\}",
    re.DOTALL,
)
PLACEHOLDER = re.compile(r"%\(\w+\)[.\d]*\w|\{\{[^}]*\}\}|\{\w*\}")

# Shorter texts are labels and names, such as "Check now" and "on", which may stand anywhere.
SENTENCE_WORDS = 4
LONG_LABELS = {"Organisation id at Aitronos"}
# Words with which a text speaks of a state, or of why something failed.
STATE_OR_FAILURE = re.compile(
    r"\b(?:"
    r"overdue|never synced|skipped|rejected|malformed|unreadable|expired|out of date|"
    r"not permitted|no admin right|refused|held up|failed|broke|timed out|had an error|"
    r"errors of (?:its|their) own|gave no|no answer|no connection|not answer|not answered|"
    r"unreachable|reachable|cannot reach|firewall|last known state|not refreshed|not being \w+ed|"
    r"(?:cannot|could not|can't) be \w+|does not open|does not fit|no worker|"
    r"may be busy or stopped|nobody knows|not known whether|do not know whether|"
    r"(?:was|were) not (?:started|switched|sent|fetched|tested)|checks? fail"
    r")\b",
    re.IGNORECASE,
)
# Texts that speak of something else than a state of keys and parts of the panel, or its failure.
EXCEPTIONS = {
    # Requests that a browser or a program sent, and the panel's answer to them.
    "Some values cannot be taken: see “fields”",
    "The body cannot be read: send JSON in UTF-8",
    "This request cannot be read",
    "This request could not be understood",
    "The panel broke",
    "Something broke on our side",
    # Invitations and panel tokens, which are no keys.
    "expired",
    "Switched off, every session ends at once and panel tokens are refused. Roles are kept",
    # Names of a filter, of a field and of a button, and what a page is for.
    "Failed checks",
    "Test those again that failed",
    "Syncs, changes, failed checks and what people do here are told as they happen",
    # The end of a file that a person fetched, where our own database broke off.
    "This file is not complete: the database failed. Fetch it again",
    # A person's own device.
    "Type this into the app where the picture cannot be scanned",
}


def list_python_texts(source: str) -> Iterator[str]:
    """What the calls of gettext translate; not in `raise`, where errors keep their sentence."""
    nodes: list[ast.AST] = [ast.parse(source)]
    while nodes:
        node = nodes.pop()
        nodes += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.Raise)]
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        name = node.func.id
        first = 1 if name in TRANSLATIONS_WITH_CONTEXT else 0
        number = TRANSLATIONS.get(name, 0) or TRANSLATIONS_WITH_CONTEXT.get(name, 0)
        for argument in node.args[first : first + number]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def list_template_texts(source: str) -> Iterator[str]:
    """What `translate` and `blocktranslate` translate, the plural by itself."""
    for pattern in (TAG_TEXT, BLOCK_TEXT):
        for match in pattern.finditer(source):
            yield from (text for text in match.groups() if text)


def list_texts(*folders: Path) -> Iterator[tuple[str, str]]:
    """Each translatable text below these folders, with the file that holds it."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            place = str(path.relative_to(ROOT))
            if path.suffix == ".py":
                yield from ((place, text) for text in list_python_texts(path.read_text()))
            elif path.suffix in {".html", ".txt"}:
                yield from ((place, text) for text in list_template_texts(path.read_text()))


def normalize(text: str) -> str:
    """The text without the names of its parts, its layout, and the point at its end."""
    return " ".join(PLACEHOLDER.sub("{}", text).split()).rstrip(".…")


def wording_texts() -> set[str]:
    """Every sentence of `freddy_admin/wording`, and the name of each state."""
    sentences = {normalize(text) for _place, text in list_texts(WORDING)}
    labels = {text for text in sentences if len(text.split()) < SENTENCE_WORDS} | LONG_LABELS
    return (sentences - labels) | {wording.label for wording in STATE_WORDINGS.values()}


def speaks_of_state_or_failure(text: str, sentences_of_wording: set[str]) -> bool:
    normalized = normalize(text)
    if normalized in sentences_of_wording:
        return True
    return normalized not in EXCEPTIONS and STATE_OR_FAILURE.search(normalized) is not None


def test_web_api_ops_and_templates_leave_states_and_failures_to_wording() -> None:
    sentences, texts = wording_texts(), list(list_texts(*SEARCHED))
    assert len(sentences) > 200
    assert len(texts) > 700
    stray = [
        f"{place}: {normalize(text)}"
        for place, text in texts
        if speaks_of_state_or_failure(text, sentences)
    ]
    assert stray == []


def test_every_exception_is_needed() -> None:
    texts = {normalize(text) for _place, text in list_texts(*SEARCHED)}
    assert {text for text in EXCEPTIONS if text not in texts} == set()
    assert {text for text in EXCEPTIONS if not STATE_OR_FAILURE.search(text)} == set()


@pytest.mark.parametrize(
    "source",
    [
        'words = _("The worker was held up for too long, so nothing was sent.")',
        'label = pgettext("state of a key", "Overdue")',
        'words = ngettext("%(n)s check failed.", "%(n)s checks failed.", n)',
        'words = format_html(_("{name} was switched on, asked by {who} {ago}"), name=name)',
    ],
)
def test_planted_sentence_of_python_is_found(source: str) -> None:
    sentences = wording_texts()
    assert any(speaks_of_state_or_failure(text, sentences) for text in list_python_texts(source))


@pytest.mark.parametrize(
    "source",
    [
        "{% translate 'No connection to Aitronos can be made.' %}",
        '{% translate "Key has no admin right" as title %}',
        "{% blocktranslate count n=n %}One{% plural %}{{ n }} were skipped{% endblocktranslate %}",
        "{% blocktranslate trimmed %}\n  Nobody needs\n  to act yet.\n{% endblocktranslate %}",
    ],
)
def test_planted_sentence_of_a_template_is_found(source: str) -> None:
    sentences = wording_texts()
    assert any(speaks_of_state_or_failure(text, sentences) for text in list_template_texts(source))


def test_sentence_of_an_error_stays_where_it_is_raised() -> None:
    source = 'raise InvalidInput(_("The file cannot be read."))'
    assert list(list_python_texts(source)) == []
