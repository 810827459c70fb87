"""Drill S21: the server hands out its static files, whatever is written in an address."""

import signal
from collections.abc import Iterator

import pytest

from tests.flows.panel import Panel
from tests.flows.raw import request, spoken

UP = ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "....//", "..;/", "%252e%252e/"]
AIMS = ["manage.py", "freddy_admin/settings.py", ".git/config", ".env", "var/freddy.sqlite3"]
PATHS = [f"/static/{up * deep}{aim}" for up in UP for deep in (1, 3) for aim in AIMS] + [
    f"/static/{up * 12}etc/passwd" for up in UP
]
OTHERS = [
    "/.git/config",
    "/.git/HEAD",
    "/.env",
    "/.env.example",
    "/var/freddy.sqlite3",
    "/manage.py",
    "/gunicorn.conf.py",
    "/static",
    "/static/",
    "/static/css/",
    "/static/css/tokens.css~",
    "/static/css/tokens.css.bak",
    "/static/css/tokens.css.map",
    "/static/css/.tokens.css.swp",
    "/static//etc/passwd",
    "/static/file:///etc/passwd",
    "/static/C:/Windows/win.ini",
    "/static/css/tokens.css%00.html",
    "/static/%00",
    "/static/css/tokens.css/../../../manage.py",
    "//etc/passwd",
    "/server-status",
    "/static/.DS_Store",
    "/backup.zip",
    "/dump.sql",
]
NEVER = ("DJANGO_SETTINGS_MODULE", "SECRET_KEY", "root:", "[core]", "ref: refs", "SQLite format")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    panel = Panel(tmp_path_factory.mktemp("files"), api="http://127.0.0.1:9")
    panel.start()
    yield panel
    assert panel.stop(signal.SIGTERM) == 0


def test_what_is_public_is_there(panel: Panel) -> None:
    assert spoken(panel.port, request("GET /static/css/tokens.css")).status == 200


def test_nothing_else_is(panel: Panel) -> None:
    handed_out = []
    for path in PATHS + OTHERS:
        told = spoken(panel.port, request(f"GET {path}"))
        if told.status not in {400, 404} or any(word in told.body for word in NEVER):
            handed_out.append((path, told.status))
    assert handed_out == []
    assert len(PATHS + OTHERS) > 100
