"""Vendored files match their checksums, and every icon that is named is in the sprite."""

import hashlib
import re
from pathlib import Path

from freddy_admin.wording.states import STATE_WORDINGS

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
TEMPLATES = ROOT / "templates"
# A mail brings its styles with it.
OF_MAILS = {TEMPLATES / "mail"}


def test_vendored_files_match_their_checksums() -> None:
    lines = (STATIC / "vendor/CHECKSUMS").read_text().splitlines()[1:]
    for line in lines:
        expected, name, source = line.split("  ", 2)
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == expected, name
        assert re.search(r"\d+\.\d+\.\d+, (MIT|0BSD)", source)


def test_every_vendored_file_is_listed() -> None:
    listed = (STATIC / "vendor/CHECKSUMS").read_text()
    files = {path for path in (STATIC / "vendor").rglob("*") if path.is_file()}
    unlisted = [path for path in files if str(path.relative_to(STATIC)) not in listed]
    assert [path.name for path in unlisted] == ["CHECKSUMS"]


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'id="([\w-]+)"', (STATIC / "img/icons.svg").read_text()))
    templates = " ".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    python = " ".join(path.read_text() for path in (ROOT / "freddy_admin/web").rglob("*.py"))
    icon_names = set(re.findall(r'{% icon "([\w-]+)"', templates))
    icon_names |= set(re.findall(r'icon="([\w-]+)"', python)) | {
        wording.icon for wording in STATE_WORDINGS.values()
    }
    assert icon_names - sprite == set()


def test_no_template_carries_a_style_a_script_or_a_handler_of_its_own() -> None:
    inline = re.compile(
        r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", re.IGNORECASE
    )
    pages = [path for path in TEMPLATES.rglob("*.html") if path.parent not in OF_MAILS]
    assert len(pages) > 100
    assert [path for path in pages if inline.search(path.read_text())] == []


def test_no_page_includes_a_template_of_mails() -> None:
    # These may carry styles, for a mail loads nothing; a page refuses them.
    includes = re.compile(r"""{%\s*(?:include|extends)\s+["']mail/""")
    including = [
        path.parent for path in TEMPLATES.rglob("*.html") if includes.search(path.read_text())
    ]
    assert including
    assert set(including) <= OF_MAILS
    python = [path.read_text() for path in (ROOT / "freddy_admin/web").rglob("*.py")]
    assert not any(re.search(r"""["']mail/[\w/]+\.html""", text) for text in python)


def test_mails_carry_no_script_and_no_handler() -> None:
    runs = re.compile(r"<script|\son\w+=|javascript:", re.IGNORECASE)
    mails = [path for folder in OF_MAILS for path in folder.glob("*.html")]
    assert mails
    assert [path for path in mails if runs.search(path.read_text())] == []


def test_colours_stand_in_tokens_alone() -> None:
    for path in (STATIC / "css").glob("*.css"):
        match = re.search(r"#[0-9a-f]{3,8}\b|rgb\(|hsl\(", path.read_text())
        assert (match is not None) is (path.name == "design-tokens.css"), path.name
