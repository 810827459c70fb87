"""Drill S21: the server serves static files and no other file, whatever the URL."""

import signal
from collections.abc import Iterator

import pytest

from tests.flows.panel_process import PanelProcess
from tests.flows.raw_http import build_raw_request, send_raw_request

UP = ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "....//", "..;/", "%252e%252e/"]
AIMS = ["manage.py", "freddy_admin/settings.py", ".git/config", ".env", "var/freddy.sqlite3"]
PATHS = [f"/static/{parent * deep}{aim}" for parent in UP for deep in (1, 3) for aim in AIMS] + [
    f"/static/{parent * 12}etc/passwd" for parent in UP
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
    "/static/css/design-tokens.css~",
    "/static/css/design-tokens.css.bak",
    "/static/css/design-tokens.css.map",
    "/static/css/.tokens.css.swp",
    "/static//etc/passwd",
    "/static/file:///etc/passwd",
    "/static/C:/Windows/win.ini",
    "/static/css/design-tokens.css%00.html",
    "/static/%00",
    "/static/css/design-tokens.css/../../../manage.py",
    "//etc/passwd",
    "/server-status",
    "/static/.DS_Store",
    "/backup.zip",
    "/dump.sql",
]
NEVER = ("DJANGO_SETTINGS_MODULE", "SECRET_KEY", "root:", "[core]", "ref: refs", "SQLite format")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelProcess]:
    panel = PanelProcess(tmp_path_factory.mktemp("files"), api="http://127.0.0.1:9")
    panel.create_database()
    panel.start()
    yield panel
    assert panel.stop(signal.SIGTERM) == 0


def test_public_static_file_is_served(panel: PanelProcess) -> None:
    assert (
        send_raw_request(panel.port, build_raw_request("GET /static/css/design-tokens.css")).status
        == 200
    )


def test_no_other_file_is_served(panel: PanelProcess) -> None:
    handed_out = []
    for path in PATHS + OTHERS:
        response = send_raw_request(panel.port, build_raw_request(f"GET {path}"))
        if response.status not in {400, 404} or any(secret in response.body for secret in NEVER):
            handed_out.append((path, response.status))
    assert handed_out == []
    assert len(PATHS + OTHERS) > 100
