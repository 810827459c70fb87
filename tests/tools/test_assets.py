"""The one style sheet and the one script are made of their parts, and so are their copies."""

import gzip
import re

import brotli
import pytest

from tools.assets import (
    PRINT_STYLES,
    SCRIPTS,
    SINGLE_FILES,
    STATIC,
    STYLES,
    build_script,
    build_style_sheet,
)
from tools.tabler_subset import list_used_classes

STALE = "run `make assets`: a part was changed after it was made"
SERVED = ("dist/panel.css", "dist/panel.js", *SINGLE_FILES)


def test_style_sheet_and_script_are_those_of_their_parts() -> None:
    assert (STATIC / "dist/panel.css").read_text() == build_style_sheet(), STALE
    assert (STATIC / "dist/panel.js").read_text() == build_script(), STALE


@pytest.mark.parametrize("name", SERVED)
def test_compressed_copies_are_those_of_their_file(name: str) -> None:
    content = (STATIC / name).read_bytes()
    assert brotli.decompress((STATIC / f"{name}.br").read_bytes()) == content, STALE
    assert gzip.decompress((STATIC / f"{name}.gz").read_bytes()) == content, STALE


def test_every_part_is_in_the_sheet_or_in_the_script() -> None:
    parts = {f"css/{path.name}" for path in (STATIC / "css").iterdir()}
    parts |= {f"js/{path.name}" for path in (STATIC / "js").iterdir()}
    vendored = {str(path.relative_to(STATIC)) for path in (STATIC / "vendor").rglob("*.min.js")}
    assert parts | vendored <= {*STYLES, *PRINT_STYLES, *SCRIPTS}
    served = {str(path.relative_to(STATIC)) for path in (STATIC / "dist").iterdir()}
    assert served == {
        f"dist/panel.{kind}{end}" for kind in ("css", "js") for end in ("", ".br", ".gz")
    }


def test_the_subset_of_tabler_holds_no_class_that_no_page_has() -> None:
    css = (STATIC / "vendor/tabler/tabler-subset.css").read_text()
    css = re.sub(r"/\*.*?\*/|url\([^)]*\)|\{[^{}]*\}|:not\([^)]*\)", " ", css, flags=re.DOTALL)
    classes = set(re.findall(r"\.([a-zA-Z][\w-]*)", css))
    assert {"btn", "form-control", "card"} <= classes
    assert classes <= list_used_classes()
