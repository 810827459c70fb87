"""HTML as a person meets it: title, texts, and the accessible names of what can be used.

Classes, styles, digests and scripts are left out: they may change without a sentence changing.
"""

import re
from html.parser import HTMLParser

BLOCKS = re.compile(
    "html|head|body|title|header|nav|main|footer|section|article|aside|div|p|ul|ol|li|dl|dt|dd|"
    "table|caption|thead|tbody|tr|td|th|form|fieldset|legend|details|summary|dialog|h[1-6]|pre|"
    "figure|figcaption|button|label|option|select|textarea|svg|template|hr|br"
)
SILENT = frozenset({"script", "style"})
NAMES = ("aria-label", "title", "alt", "placeholder", "data-confirm")
HEADINGS = {"title": "# ", "h1": "## ", "h2": "### ", "h3": "#### ", "th": "| ", "td": "| "}
# What no reader sees and what is another one at each rendering.
HIDDEN_FIELDS = frozenset({"csrfmiddlewaretoken"})
# A list of all time zones is the machine's, not ours.
MOST_OPTIONS = 60
WORDS = re.compile(r"[A-Za-z]{2,}.*\s")
PARTS = re.compile(r"<title>.*?</title>|<main.*?</main>", re.S)


def visible_text(html: str, *, whole: bool = True) -> str:
    """One line per block, white space folded; links, fields and buttons with what they do.

    Where it is not the `whole` page that is asked for: its title and what stands in `<main>`.
    """
    is_whole = whole or "<main" not in html
    parser = _VisibleTextParser(whole=is_whole)
    for piece in [html] if is_whole else PARTS.findall(html):
        parser.feed(piece)
    parser.close()
    return "\n".join(parser.lines())


class _VisibleTextParser(HTMLParser):
    def __init__(self, *, whole: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.silent_depth = 0
        self.is_visible = whole
        self.parts = frozenset() if whole else frozenset({"title", "main"})
        self.options = 0

    def lines(self) -> list[str]:
        folded = (" ".join(line.split()) for line in "".join(self.pieces).split("\n"))
        return [line for line in folded if line and line not in HEADINGS.values()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self.silent_depth += 1
            return
        self.is_visible = self.is_visible or tag in self.parts
        self.options = 0 if tag == "select" else self.options + (tag == "option")
        if not self.is_visible or (tag == "option" and self.options > MOST_OPTIONS):
            return
        values = {name: value or "" for name, value in attrs}
        if BLOCKS.fullmatch(tag):
            self.pieces.append("\n" + HEADINGS.get(tag, ""))
        self.pieces.append(_describe_element(tag, values))
        self.pieces.extend(f" {{{name}: {values[name]}}}" for name in NAMES if values.get(name))
        self.pieces.extend(
            f" {{{name}: {value}}}"
            for name, value in values.items()
            if name.startswith("data-") and name not in NAMES and WORDS.search(value)
        )

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self.silent_depth -= 1
        elif not self.is_visible:
            return
        elif tag in self.parts:
            self.pieces.append("\n")
            self.is_visible = False
        elif tag == "select" and self.options > MOST_OPTIONS:
            self.pieces.append(f"\n… {self.options} options\n")
            self.options = 0
        elif tag == "a":
            self.pieces.append("]")
        elif BLOCKS.fullmatch(tag):
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if self.is_visible and not self.silent_depth and self.options <= MOST_OPTIONS:
            self.pieces.append(data.replace("\n", " "))


def _describe_element(tag: str, values: dict[str, str]) -> str:
    """What an element does, where that is not in its text."""
    if tag == "a":
        return f"[{values.get('href', '')} "
    if tag == "form":
        return f"<form {values.get('method', 'get')} {values.get('action', '')}>"
    if tag == "button":
        return "<button> " + ("(off) " if "disabled" in values else "")
    if tag == "option":
        return "<option> " + ("(chosen) " if "selected" in values else "")
    if tag == "select":
        return f"<choice {values.get('name', '')}>"
    if tag == "textarea":
        return f"<text {values.get('name', '')}>"
    if tag == "input" and values.get("name") not in HIDDEN_FIELDS:
        opening = f"<{values.get('type', 'text')} {values.get('name', '')}"
        state = " (on)" if "checked" in values else ""
        return f"\n{opening}={values.get('value', '')}{state}>\n"
    return ""
