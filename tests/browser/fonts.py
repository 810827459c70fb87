"""Two sets of fonts, so that pages look alike on every machine: a browser sees one set alone.

Chromium asks fontconfig, which reads the file that `FONTCONFIG_FILE` names.
"""

import os
from pathlib import Path

import pytest

# By the Debian package that brings them. Noto Sans is what most Linux desktops show; DejaVu Sans is
# the widest of the fonts in wide use, so what fits in it fits elsewhere.
SETS = {
    "noto": ("fonts-noto-core", ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf")),
    "dejavu": (
        "fonts-dejavu-core",
        ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf"),
    ),
}
_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
_CONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{room}/fonts</dir>
  <cachedir>{room}/cache</cachedir>
</fontconfig>
"""


def fonts_file(name: str, room: Path) -> Path:
    """A fontconfig file in `room` with this set alone.

    Skips with a word where a font is missing; in CI that is a failure.
    """
    package, files = SETS[name]
    folder = room / "fonts"
    folder.mkdir()
    for file in files:
        found = next(filter(None, (_find(file, where) for where in _FOLDERS)), None)
        if found is None:
            word = f"the font {file} is not installed (package {package})"
            if os.environ.get("CI") == "true":
                pytest.fail(f"{word}; it is required in CI")
            pytest.skip(word)
        (folder / file).symlink_to(found)
    config = room / "fonts.conf"
    config.write_text(_CONFIG.format(room=room))
    return config


def _find(file: str, folder: str) -> Path | None:
    return next(Path(folder).expanduser().rglob(file), None)
