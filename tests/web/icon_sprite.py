"""Makes `static/img/icons.svg`, one sprite of the outline icons that are used.

python tests/web/icon_sprite.py path/to/tabler-icons/package/icons/outline
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPRITE_FILE = ROOT / "static/img/icons.svg"
LINE_BREAK = re.compile(r"\s*\n\s*")
# Shapes of the states and what pages use; the first line must follow presenters/state_styles.py.
_ICON_WORDS = """
key-off lock-x shield-x clock-exclamation calendar-x clock help-hexagon calendar-off
hourglass circle-dashed circle-check player-pause refresh layout-list history server-cog
chevron-down chevron-left chevron-right user logout alert-triangle alert-octagon info-circle
search x plus pencil trash replace player-play key download building copy arrow-right filter
adjustments plug-connected-x loader-2 check database heartbeat shield-lock tag arrow-up
arrow-down external-link building-community lock device-mobile password users eye circle-x
dots settings tools calendar-event fingerprint device-laptop login
mail bell bell-off user-check
"""
ICON_NAMES = _ICON_WORDS.split()


def build_symbol(name: str, source: str) -> str:
    """One icon as a `<symbol>`; stroke and size come from the CSS class."""
    body = re.search(r"<svg[^>]*>(.*)</svg>", source, re.DOTALL)
    assert body is not None
    shapes = re.sub(r'\s*<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>', "", body.group(1))
    return f'<symbol id="{name}" viewBox="0 0 24 24">{re.sub(LINE_BREAK, "", shapes)}</symbol>'


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    symbols = [
        build_symbol(name, (folder / f"{name}.svg").read_text()) for name in sorted(ICON_NAMES)
    ]
    head = '<svg xmlns="http://www.w3.org/2000/svg">\n<!-- @tabler/icons 3.51.0, MIT -->\n'
    SPRITE_FILE.write_text(head + "\n".join(symbols) + "\n</svg>\n")
    print(f"{len(symbols)} icons, {SPRITE_FILE.stat().st_size} bytes")
