"""Whether a page fits: at widths, with letters of twice the size, in either set of fonts."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit
from zlib import crc32

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.drill_scale import RUN_FULL_DRILLS

NARROW, WIDE = 390, 1280
HEIGHT = 800
# Width in pixels (320 is what 1280 are when a page is enlarged four times, WCAG 1.4.10) and size of
# the letters (twice is WCAG 1.4.4). Those that find most come first.
_NARROW_LAYOUTS = (
    *((320, 1), (NARROW, 2), (NARROW, 1)),
    *((width, 1) for width in (340, 360, 375, 412, 430, 480, 540, 576, 600, 640, 680, 720, 768)),
    *((width, 2) for width in (480, 640, 768)),
)
_WIDE_LAYOUTS = (
    *((WIDE, 1), (WIDE, 2)),
    *((width, 1) for width in (770, 800, 820, 860, 912, 960, 992, 1024, 1100, 1200, 1366)),
    *((width, 1) for width in (1440, 1536, 1680, 1920)),
    *((width, 2) for width in (1024, 1366, 1600, 1920)),
)
# Also the one rule of WCAG 2.2 that axe leaves out by itself.
AXE_OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
_LAYOUT_CHECK_SCRIPT = Path(__file__).with_name("layout_check.js").read_text()


def paths_for(colour_scheme: str, paths: Sequence[str]) -> Sequence[str]:
    """The pages to examine in these colours: all under `make drills`, else every second one.

    Light and dark take turns, so that each page is examined in one of the two.
    """
    if RUN_FULL_DRILLS:
        return paths
    return paths[0 if colour_scheme == "light" else 1 :: 2]


def _layouts_for(address: str) -> Sequence[tuple[int, int]]:
    """All layouts under `make drills`, else a narrow and a wide one: which, differs by page."""
    if RUN_FULL_DRILLS:
        return _NARROW_LAYOUTS + _WIDE_LAYOUTS
    turn = crc32(urlsplit(address).path.encode())
    return _NARROW_LAYOUTS[turn % 2], _WIDE_LAYOUTS[turn // 2 % 2]


def find_layout_problems(page: Page) -> list[str]:
    """What does not fit, or violates axe's rules, on the shown page, as one line each."""
    address, problems = page.url, []
    for width, size in _layouts_for(address):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        problems += [
            f"{address} at {width}, {size} x: {problem}"
            for problem in page.evaluate(_LAYOUT_CHECK_SCRIPT, size)
        ]
    page.set_viewport_size({"width": WIDE, "height": HEIGHT})
    axe_result = Axe().run(page, options=AXE_OPTIONS)
    return problems + [
        f"{address} {problem['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for problem in axe_result.response["violations"]
        for node in problem["nodes"]
    ]
