"""Makes `static/vendor/tabler/tabler-subset.css` from Tabler's own `tabler.min.css`.

    python tests/web/tabler_subset.py path/to/package/dist/css/tabler.min.css

Kept are the rules whose every class is in CLASSES or in a template, and of the custom properties
those that something kept, or our own CSS, reads. Nothing is rewritten.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "static/vendor/tabler/tabler-subset.css"
_WORDS = """
btn btn-primary btn-danger btn-outline-danger btn-outline-secondary btn-sm btn-lg btn-icon
btn-link btn-ghost-secondary btn-list disabled active show card card-body card-header card-
title card-footer card-table card-subtitle form-label form-control form-select form-hint
form-check form-check-input form-check-label form-fieldset invalid-feedback is-invalid
required was-validated input-group input-group-text input-icon input-icon-addon table table-
responsive badge alert alert-danger alert-warning alert-success alert-info alert-title
breadcrumb breadcrumb-item pagination page-item page-link list-group list-group-item
visually-hidden visually-hidden-focusable progress progress-bar text-secondary text-center
text-muted text-danger mb-0 mb-1 mb-2 mb-3 mb-4 mt-1 mt-2 mt-3 mt-4 w-100 d-flex d-block
gap-2 h1 h2 h3 h4 lead small
"""
CLASSES = set(_WORDS.split())
# Words of Tabler that would drag whole widgets in; their looks are ours (components.css).
OURS = {"menu", "page", "icon", "brand", "status", "row", "container", "flash", "modal", "nav"}


def blocks(css: str) -> list[tuple[str, str | None]]:
    """`(prelude, body)` for each rule; `(statement, None)` for statements without a body."""
    found: list[tuple[str, str | None]] = []
    at = start = 0
    while at < len(css):
        if css[at] == ";":
            found.append((css[start:at].strip(), None))
            at = start = at + 1
        elif css[at] == "{":
            end = closing(css, at)
            found.append((css[start:at].strip(), css[at + 1 : end]))
            at = start = end + 1
        elif css[at] in "\"'":
            at = css.index(css[at], at + 1) + 1
        else:
            at += 1
    return found


def closing(css: str, at: int) -> int:
    """Where the block that opens at `at` closes."""
    depth = 0
    while True:
        if css[at] in "\"'":
            at = css.index(css[at], at + 1)
        depth += {"{": 1, "}": -1}.get(css[at], 0)
        if not depth:
            return at
        at += 1


def split(text: str, mark: str) -> list[str]:
    """Split at `mark` outside of parentheses, brackets and strings."""
    parts, depth, quote, start = [], 0, "", 0
    for at, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == mark and not depth:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def selected(css: str, classes: set[str]) -> list[tuple[str, object]]:
    """The rules that are kept, nested as they were."""
    kept: list[tuple[str, object]] = []
    for prelude, body in blocks(css):
        if body is None or prelude.startswith(("@font-face", "@charset", "@keyframes", "@page")):
            continue
        if prelude.startswith("@"):
            inner = selected(body, classes)
            if inner and "print" not in prelude:
                kept.append((prelude, inner))
            continue
        wanted = [one for one in split(prelude, ",") if fits(one, classes)]
        if wanted and body.strip():
            kept.append((",".join(wanted), body))
    return kept


def fits(selector: str, classes: set[str]) -> bool:
    bare = re.sub(r":not\([^)]*\)", "", selector)
    return all(name in classes for name in re.findall(r"\.((?:[\w-]|\\.)+)", bare))


def reads(text: str) -> set[str]:
    return set(re.findall(r"var\((--[\w-]+)", text))


def pruned(rules: list[tuple[str, object]], used: set[str]) -> str:
    out = []
    for prelude, body in rules:
        if isinstance(body, str):
            lines = [
                line
                for line in split(body, ";")
                if not line.startswith("--") or line.split(":")[0] in used
            ]
            text = ";".join(filter(None, lines))
        else:
            text = pruned(body, used)  # type: ignore[arg-type]
        if text:
            out.append(f"{prelude}{{{text}}}")
    return "\n".join(out) if len(out) > 1 else "".join(out)


def declarations(rules: list[tuple[str, object]]) -> list[str]:
    found: list[str] = []
    for _prelude, body in rules:
        found += split(body, ";") if isinstance(body, str) else declarations(body)  # type: ignore[arg-type]
    return found


def subset(source: str, classes: set[str], own_css: str) -> str:
    """The part of `source` that these classes need."""
    licence = re.search(r"/\*!.*?\*/", source, re.DOTALL)
    rules = selected(re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL), classes)
    lines = declarations(rules)
    used = reads(own_css)
    for line in lines:
        if not line.startswith("--"):
            used |= reads(line)
    while True:
        more = {
            name
            for line in lines
            if line.startswith("--") and line.split(":")[0] in used
            for name in reads(line)
        }
        if more <= used:
            break
        used |= more
    head = licence.group() if licence else ""
    return f"{head}\n/* Subset made by tests/web/tabler_subset.py */\n{pruned(rules, used)}\n"


def template_words() -> set[str]:
    text = " ".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    attributes = " ".join(re.findall(r'class="([^"]*)"', text))
    return set(re.findall(r"[\w-]+", attributes)) - OURS


if __name__ == "__main__":
    own = " ".join(path.read_text() for path in (ROOT / "static/css").glob("*.css"))
    made = subset(Path(sys.argv[1]).read_text(), CLASSES | template_words(), own)
    TARGET.write_text(made)
    print(f"{TARGET.relative_to(ROOT)}: {len(made)} bytes")
