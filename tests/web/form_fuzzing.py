"""Input for fuzzing pages: names they know, values nobody should send, forms as they stand."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
READ_FIELD_NAMES = re.compile(
    r"""\.get(?:list)?\(\s*"([a-zA-Z_]+)"|"([a-z_]+)" in request\.(?:POST|GET)"""
)

ODD_VALUES = [
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
VALUES = st.one_of(st.sampled_from(ODD_VALUES), st.text(max_size=80), st.integers().map(str))
Pairs = list[tuple[str, str]]


@dataclass
class PageForm:
    """A form of a page: its method, action, and the values of each field."""

    method: str
    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)

    def unchanged_pairs(self) -> Pairs:
        """The pairs that a browser sends when nothing is changed."""
        return [(name, values[0]) for name, values in self.fields.items()]


class _FormParser(HTMLParser):
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
            self._add_value(has["name"], has.get("value", ""))
        elif tag == "select":
            self.select = has.get("name", "")
        elif tag == "option" and self.select:
            self._add_value(self.select, has.get("value", ""))

    def _add_value(self, name: str, value: str) -> None:
        self.names.add(name)
        if self.forms and name != "csrfmiddlewaretoken":
            self.forms[-1].fields.setdefault(name, []).append(value)


def parse_page_forms(page: str, html: str) -> tuple[list[PageForm], set[str]]:
    """The forms of a page, and every name that a field or a link of it has."""
    parser = _FormParser(page)
    parser.feed(html)
    return parser.forms, parser.names


@lru_cache(maxsize=1)
def list_field_names_read_by_views() -> list[str]:
    """Every parameter name that the code of `freddy_admin/web` reads from a request."""
    names = set[str]()
    for file in (ROOT / "freddy_admin" / "web").rglob("*.py"):
        names |= {
            name or other_name for name, other_name in READ_FIELD_NAMES.findall(file.read_text())
        }
    return sorted(names)


@st.composite
def draw_form_pairs(draw: st.DrawFn, names: list[str], form: PageForm | None = None) -> Pairs:
    """Pairs of a form with some values spoilt, left out or doubled, and names with odd values."""
    pairs: Pairs = []
    for name, values in (form.fields if form else {}).items():
        change = draw(st.sampled_from(["kept", "kept", "kept", "odd", "left out", "doubled"]))
        value = draw(VALUES) if change in {"odd", "doubled"} else draw(st.sampled_from(values))
        pairs += [(name, value)] * {"left out": 0, "doubled": 3}.get(change, 1)
    extra_names = draw(st.lists(st.sampled_from(names), max_size=2 if form else 5))
    pairs += [(name, draw(VALUES)) for name in extra_names]
    if draw(st.integers(0, 9)) == 9:
        pairs += [(draw(st.text(max_size=9)), draw(VALUES)) for _ in range(2)]
    return pairs


def encode_pairs(pairs: Pairs) -> str:
    """Pairs encoded as a query; lone surrogates become bytes that are no UTF-8."""
    encoded = [(_percent_encode(name), _percent_encode(value)) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in encoded)


def _percent_encode(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")
