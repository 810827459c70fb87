"""Makes `static/vendor/tabler/tabler-subset.css` from Tabler's own `tabler.min.css`.

    npm pack @tabler/core@1.6.1 && tar xzf tabler-core-1.6.1.tgz
    python -m tools.tabler_subset package/dist/css/tabler.min.css

It keeps the rules whose every class stands in a template, in our Python or in our scripts, and the
custom properties that a kept rule, or our own CSS, reads. What Tabler does for a dark page is
repeated for one that follows a dark device, so that no script has to run before the first paint.
Write the new checksum into `static/vendor/CHECKSUMS`, then `make assets`.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "static/vendor/tabler/tabler-subset.css"
CLASS_ATTRIBUTE = re.compile(r"""class["']?[=:]\s*["']([^"']*)""")
CLASS_LIST = re.compile(r"""classList\.\w+\(["']([\w-]+)""")
DARK, SYSTEM = re.compile(r"^\[data-theme=dark\]"), "[data-theme=system]"
DARK_DEVICE = "@media (prefers-color-scheme:dark)"
# Words of Tabler that would drag whole widgets in; their looks are ours (components.css).
OWN_CLASS_NAMES = {
    "menu",
    "page",
    "icon",
    "brand",
    "status",
    "row",
    "container",
    "flash",
    "modal",
    "nav",
    "chart",
    "page-title",
    "timeline",
}


def split_css_blocks(css: str) -> list[tuple[str, str | None]]:
    """`(prelude, body)` for each rule; `(statement, None)` for statements without a body."""
    blocks: list[tuple[str, str | None]] = []
    position = start = 0
    while position < len(css):
        if css[position] == ";":
            blocks.append((css[start:position].strip(), None))
            position = start = position + 1
        elif css[position] == "{":
            end = find_closing_brace(css, position)
            blocks.append((css[start:position].strip(), css[position + 1 : end]))
            position = start = end + 1
        elif css[position] in "\"'":
            position = css.index(css[position], position + 1) + 1
        else:
            position += 1
    return blocks


def find_closing_brace(css: str, position: int) -> int:
    """The position at which the block that opens at `position` closes."""
    depth = 0
    while True:
        if css[position] in "\"'":
            position = css.index(css[position], position + 1)
        depth += {"{": 1, "}": -1}.get(css[position], 0)
        if not depth:
            return position
        position += 1


def split_outside_brackets(text: str, mark: str) -> list[str]:
    """Split at `mark` outside of parentheses, brackets and strings."""
    parts, depth, quote, start = [], 0, "", 0
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == mark and not depth:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def select_rules(css: str, classes: set[str]) -> list[tuple[str, object]]:
    """The rules whose classes are all in `classes`, nested as they were."""
    rules: list[tuple[str, object]] = []
    for prelude, body in split_css_blocks(css):
        if body is None or prelude.startswith(("@font-face", "@charset", "@keyframes", "@page")):
            continue
        if prelude.startswith("@"):
            inner = select_rules(body, classes)
            if inner and "print" not in prelude:
                rules.append((prelude, inner))
            continue
        selectors = [
            selector
            for selector in split_outside_brackets(prelude, ",")
            if selector_matches(selector, classes)
        ]
        if selectors and body.strip():
            rules.append((",".join(selectors), body))
            if following := [DARK.sub(SYSTEM, text) for text in selectors if DARK.match(text)]:
                rules.append((DARK_DEVICE, [(",".join(following), body)]))
    return rules


def selector_matches(selector: str, classes: set[str]) -> bool:
    """Whether a page can have what this selects: its classes, and a theme as we name it."""
    if "data-bs-theme" in selector:
        return False
    without_not = re.sub(r":not\([^)]*\)", "", selector)
    return all(name in classes for name in re.findall(r"\.((?:[\w-]|\\.)+)", without_not))


def css_variables_read(text: str) -> set[str]:
    return set(re.findall(r"var\((--[\w-]+)", text))


def prune_variables(rules: list[tuple[str, object]], used_variables: set[str]) -> str:
    pruned = []
    for prelude, body in rules:
        if isinstance(body, str):
            lines = [
                line
                for line in split_outside_brackets(body, ";")
                if not line.startswith("--") or line.split(":")[0] in used_variables
            ]
            text = ";".join(filter(None, lines))
        else:
            text = prune_variables(body, used_variables)  # type: ignore[arg-type]
        if text:
            pruned.append(f"{prelude}{{{text}}}")
    return "\n".join(pruned) if len(pruned) > 1 else "".join(pruned)


def list_declarations(rules: list[tuple[str, object]]) -> list[str]:
    declarations: list[str] = []
    for _prelude, body in rules:
        declarations += (
            split_outside_brackets(body, ";") if isinstance(body, str) else list_declarations(body)
        )  # type: ignore[arg-type]
    return declarations


def build_subset(source: str, classes: set[str], own_css: str) -> str:
    """The part of `source` that these classes need."""
    licence = re.search(r"/\*!.*?\*/", source, re.DOTALL)
    rules = select_rules(re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL), classes)
    lines = list_declarations(rules)
    used_variables = css_variables_read(own_css)
    for line in lines:
        if not line.startswith("--"):
            used_variables |= css_variables_read(line)
    while True:
        read_by_used = {
            name
            for line in lines
            if line.startswith("--") and line.split(":")[0] in used_variables
            for name in css_variables_read(line)
        }
        if read_by_used <= used_variables:
            break
        used_variables |= read_by_used
    head = licence.group() if licence else ""
    pruned = prune_variables(rules, used_variables)
    return f"{head}\n/* Subset made by tools/tabler_subset.py */\n{pruned}\n"


def list_used_classes() -> set[str]:
    """The words of every `class` in templates and Python, and those that scripts set."""
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "freddy_admin").rglob("*.py")]
    files += (ROOT / "static/js").glob("*.js")
    text = " ".join(path.read_text() for path in files)
    attributes = CLASS_ATTRIBUTE.findall(text) + CLASS_LIST.findall(text)
    return set(re.findall(r"[\w-]+", " ".join(attributes))) - OWN_CLASS_NAMES


if __name__ == "__main__":
    own_css = " ".join(path.read_text() for path in (ROOT / "static/css").glob("*.css"))
    subset_css = build_subset(Path(sys.argv[1]).read_text(), list_used_classes(), own_css)
    TARGET.write_text(subset_css)
    print(f"{TARGET.relative_to(ROOT)}: {len(subset_css)} bytes")
