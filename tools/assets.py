"""Makes `static/dist/`: one style sheet and one script for all pages, with compressed copies.

    python -m tools.assets

The parts stay as they are in `static/css`, `static/js`, `static/vendor` and in the sign-in
library; the result is checked in, so that a release needs no build. `tests/tools/test_assets.py`
holds that the two belong together. Parts are joined as they are, without a minifier: brotli leaves
a seventh of them, and people can read what their browser runs.
"""

import gzip
from pathlib import Path

import brotli

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "static"
DIST = STATIC / "dist"
# In the order of the cascade: what stands later wins.
STYLES = (
    "vendor/tabler/tabler-subset.css",
    "css/design-tokens.css",
    "css/base.css",
    "css/components.css",
    "css/catalog.css",
    "css/syncs.css",
    "css/history.css",
    "css/saved-views.css",
    "css/sign-in.css",
    "css/audit.css",
    "css/api-tokens.css",
    "css/import.css",
    "css/system.css",
    "css/channels.css",
    "css/incidents.css",
    "css/people.css",
)
PRINT_STYLES = ("css/print.css",)
# Libraries before what calls them; `mfa/` is allauth's.
SCRIPTS = (
    "vendor/htmx/htmx.min.js",
    "vendor/idiomorph/idiomorph-ext.min.js",
    "js/interactions.js",
    "js/relative-times.js",
    "js/live-updates.js",
    "mfa/js/webauthn-json.js",
    "mfa/js/webauthn.js",
    "js/passkeys.js",
)
# Of these, compressed copies stand beside the file itself.
SINGLE_FILES = ("img/icons.svg", "img/favicon.svg")


def build_style_sheet() -> str:
    """The sheet of all pages; that for paper stands in it behind `@media print`."""
    parts = [_read_part(name) for name in STYLES]
    parts += [f"@media print {{\n{_read_part(name)}}}\n" for name in PRINT_STYLES]
    return "".join(parts)


def build_script() -> str:
    """The script of all pages. Each part ends its last statement, whatever the file does."""
    return "".join(f"{_read_part(name)};\n" for name in SCRIPTS)


def build_files() -> dict[str, bytes]:
    """Every file that is made, by its name below `static/`."""
    files = {
        "dist/panel.css": build_style_sheet().encode(),
        "dist/panel.js": build_script().encode(),
    }
    sources = files | {name: (STATIC / name).read_bytes() for name in SINGLE_FILES}
    for name, content in sources.items():
        files[f"{name}.br"] = brotli.compress(content, quality=11)
        # No name and no time in it: the same content gives the same file.
        files[f"{name}.gz"] = gzip.compress(content, compresslevel=9, mtime=0)
    return files


def _read_part(name: str) -> str:
    return _part_path(name).read_text(encoding="utf-8").rstrip("\n") + "\n"


def _part_path(name: str) -> Path:
    if not name.startswith("mfa/"):
        return STATIC / name
    import allauth

    return Path(allauth.__file__).parent / "mfa/static" / name


if __name__ == "__main__":
    DIST.mkdir(exist_ok=True)
    for file_name, file_content in build_files().items():
        (STATIC / file_name).write_bytes(file_content)
        print(f"static/{file_name}: {len(file_content):,} bytes")
