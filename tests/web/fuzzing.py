"""What is thrown at pages: names they know, values nobody should send, forms as they stand."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"""\.get(?:list)?\(\s*"([a-zA-Z_]+)"|"([a-z_]+)" in request\.(?:POST|GET)""")

ODD = [
    "",
    "\x00",
    "a\x00b",
    "\ud800",
    "x" * 5_000,
    "\u202edrow\u202c",
    "\u200b\ufeff",
    "e\u0301" * 200,
    "0",
    "-1",
    "1",
    "on",
    "all",
    "9" * 400,
    str(2**31),
    str(2**63),
    str(-(2**63) - 1),
    "\u0661\u0662",
    "1e400",
    "NaN",
    "0x10",
    "1_000",
    "2026-13-45",
    "9999-12-31",
    "0000-00-00",
    "2026-02-30T25:61:61+99:99",
    "9999-12-31T23:59:59.999999-23:59",
    "[]",
    '{"a":1}',
    "../../etc/passwd",
    "//evil.example",
    "javascript:alert(1)",
    "<script>alert(1)</script>",
    "{{ 7*7 }}%(x)s%s{0}",
    "' OR 1=1 --",
    "%",
    "\\",
    "_",
    "a" * 150 + "@example.org",
    "ada@example.org",
    "organisation__name",
    "-organisation__slug,pk",
    "needs_you",
    "12.5",
    "a,b;c|d\n=1+1\t@x",
]
VALUES = st.one_of(st.sampled_from(ODD), st.text(max_size=80), st.integers().map(str))
Pairs = list[tuple[str, str]]


@dataclass
class PageForm:
    """A form of a page: where it goes, what stands in it, and what could be chosen."""

    method: str
    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)

    def filled(self) -> Pairs:
        """As it would be sent untouched."""
        return [(name, values[0]) for name, values in self.fields.items()]


class _Forms(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.page, self.forms, self.names = page, list[PageForm](), set[str]()
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = has.get("action") or self.page
            self.forms.append(PageForm(has.get("method", "get").upper(), action))
        elif tag == "a":
            self.names |= {name for name, _ in parse_qsl(urlsplit(has.get("href", "")).query)}
        elif tag in {"input", "textarea", "button"} and has.get("name"):
            self._take(has["name"], has.get("value", ""))
        elif tag == "select":
            self.select = has.get("name", "")
        elif tag == "option" and self.select:
            self._take(self.select, has.get("value", ""))

    def _take(self, name: str, value: str) -> None:
        self.names.add(name)
        if self.forms and name != "csrfmiddlewaretoken":
            self.forms[-1].fields.setdefault(name, []).append(value)


def forms_of(page: str, html: str) -> tuple[list[PageForm], set[str]]:
    """The forms of a page, and every name that a field or a link of it has."""
    found = _Forms(page)
    found.feed(html)
    return found.forms, found.names


@lru_cache(maxsize=1)
def names_read() -> list[str]:
    """Every name that a view, or what it calls, asks a request for."""
    found = set[str]()
    for file in (ROOT / "freddy_admin" / "web").rglob("*.py"):
        found |= {one or other for one, other in READ.findall(file.read_text())}
    return sorted(found)


@st.composite
def pairs_of(draw: st.DrawFn, names: list[str], form: PageForm | None = None) -> Pairs:
    """A form with some of its values spoilt, left out or doubled, or names with odd values."""
    pairs: Pairs = []
    for name, values in (form.fields if form else {}).items():
        kept = draw(st.sampled_from(["kept", "kept", "kept", "odd", "left out", "doubled"]))
        value = draw(VALUES) if kept in {"odd", "doubled"} else draw(st.sampled_from(values))
        pairs += [(name, value)] * {"left out": 0, "doubled": 3}.get(kept, 1)
    more = draw(st.lists(st.sampled_from(names), max_size=2 if form else 5))
    pairs += [(name, draw(VALUES)) for name in more]
    if draw(st.integers(0, 9)) == 9:
        pairs += [(draw(st.text(max_size=9)), draw(VALUES)) for _ in range(2)]
    return pairs


def encoded(pairs: Pairs) -> str:
    """As a form or a query is sent; halves of surrogate pairs become bytes that are no UTF-8."""
    sent = [(_percent(name), _percent(value)) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sent)


def _percent(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")
