"""Every script of a page carries the digest by which a browser checks it before it runs."""

import re
from pathlib import Path

import pytest
from django.test import Client

from freddy_admin.web.staticfiles import subresource_integrity

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = re.compile(r"<script\b[^>]*>")


def test_no_template_has_a_script_without_digest() -> None:
    scripts_without_digest = {
        str(page.relative_to(ROOT)): tag
        for page in (ROOT / "templates").rglob("*.html")
        for tag in SCRIPT.findall(re.sub(r"\{% static .*? %\}", "x", page.read_text()))
        if "{% integrity" not in tag
    }
    assert scripts_without_digest == {}


@pytest.mark.django_db
def test_digest_of_a_script_matches_the_served_file() -> None:
    page = Client().get("/accounts/login/").content.decode()
    scripts = re.findall(r'<script[^>]*src="/static/([^"?]+)[^"]*"[^>]*integrity="([^"]+)"', page)
    assert scripts
    assert all(digest == subresource_integrity(name) and digest for name, digest in scripts)
    assert page.count("<script") == len(scripts)


def test_missing_file_has_no_digest() -> None:
    assert subresource_integrity("js/none.js") == ""
