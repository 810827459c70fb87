"""Two sets of fonts, so that pages look alike on every machine: a browser sees one set alone.

Chromium asks fontconfig, which reads the file that `FONTCONFIG_FILE` names.
"""

import os
from pathlib import Path

import pytest

# By the Debian package that brings them. Noto Sans is what most Linux desktops show; DejaVu Sans is
# the widest of the fonts in wide use, so what fits in it fits elsewhere.
FONT_SETS = {
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
  <dir>{target_folder}/fonts</dir>
  <cachedir>{target_folder}/cache</cachedir>
</fontconfig>
"""


def write_fontconfig_file(name: str, target_folder: Path) -> Path:
    """A fontconfig file in `target_folder` with this set alone.

    Skips with a reason where a font is missing; in CI that is a failure.
    """
    package, files = FONT_SETS[name]
    folder = target_folder / "fonts"
    folder.mkdir()
    for file in files:
        font = next(filter(None, (_find_font(file, font_folder) for font_folder in _FOLDERS)), None)
        if font is None:
            reason = f"the font {file} is not installed (package {package})"
            if os.environ.get("CI") == "true":
                pytest.fail(f"{reason}; it is required in CI")
            pytest.skip(reason)
        (folder / file).symlink_to(font)
    config = target_folder / "fonts.conf"
    config.write_text(_CONFIG.format(target_folder=target_folder))
    return config


def _find_font(file: str, folder: str) -> Path | None:
    return next(Path(folder).expanduser().rglob(file), None)
