"""Every script of a page carries the digest by which a browser checks it before it runs."""

import re
from pathlib import Path

import pytest
from django.test import Client

from freddy_admin.web.staticfiles import integrity

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = re.compile(r"<script\b[^>]*>")


def test_no_template_has_a_script_without_one() -> None:
    bare = {
        str(page.relative_to(ROOT)): tag
        for page in (ROOT / "templates").rglob("*.html")
        for tag in SCRIPT.findall(re.sub(r"\{% static .*? %\}", "x", page.read_text()))
        if "{% integrity" not in tag
    }
    assert bare == {}


@pytest.mark.django_db
def test_it_is_the_digest_of_what_is_served() -> None:
    page = Client().get("/accounts/login/").content.decode()
    found = re.findall(r'<script[^>]*src="/static/([^"?]+)[^"]*"[^>]*integrity="([^"]+)"', page)
    assert found
    assert all(digest == integrity(name) and digest for name, digest in found)
    assert page.count("<script") == len(found)


def test_a_file_that_is_not_there_has_none() -> None:
    assert integrity("js/none.js") == ""
