"""The panel works behind PgBouncer in transaction mode: web, worker and commands, with a real one.

Skipped with a reason where PgBouncer is not installed; in CI it is required.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.flows.panel_process import PASSWORD
from tests.flows.split_key_panel import SplitPanel
from tests.flows.wait import wait_until
from tests.servers import pgbouncer_missing_reason, pgbouncer_server, postgres_server

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        bool(pgbouncer_missing_reason()) and os.environ.get("CI") != "true",
        reason=pgbouncer_missing_reason() or "PgBouncer is installed",
    ),
]
KEY_COUNT = 40
# Two users of one connection pool take turns: what one leaves behind, the other would meet.
TURNS = """
import django
django.setup()
from django.db import connection, transaction
from freddy_admin.vault.models import ApiKey

def ask(times):
    with connection.cursor() as cursor:
        for _ in range(times):
            cursor.execute("SELECT count(*) FROM vault_apikey WHERE id > %s", [0])
    return cursor

rows = ApiKey.objects.order_by("pk").iterator(chunk_size=3)
first = next(rows)
ask(20)
assert len(list(rows)) == ApiKey.objects.count() - 1
backends = set()
for _ in range(9):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backends.add(cursor.fetchone()[0])
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert cursor.fetchone()[0] == 0
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE is_holdable")
        assert cursor.fetchone()[0] == 0
        cursor.execute("SHOW TimeZone")
        assert cursor.fetchone()[0] == "UTC"
print(f"backends: {len(backends)}")
"""
# Whether what the database is told is heard where a worker listens.
HEARS = """
import asyncio
import django
django.setup()
from freddy_admin.core.task_engine import notify_arrives
print(asyncio.run(notify_arrives()))
"""


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitPanel]:
    """A panel with keys whose every process reaches its database through PgBouncer alone."""
    folder = tmp_path_factory.mktemp("panel")
    with (
        SandboxServer() as api,
        postgres_server() as postgres_url,
        pgbouncer_server(_server_in_tokyo(postgres_url)) as pooled_url,
    ):
        panel = SplitPanel(folder, api=api.base_url)
        panel.env["DATABASE_URL"] = pooled_url
        try:
            panel.migrate_and_create_admin()
            yield panel
        finally:
            panel.stop_all()


def _server_in_tokyo(postgres_url: str) -> str:
    """The server's database `postgres`, whose connections begin in another time zone than UTC.

    What the panel sets in a session has to come along to each connection with the server.
    """
    url = postgres_url.rpartition("/")[0] + "/postgres"

    def set_time_zone() -> bool:
        try:
            with psycopg.connect(url, autocommit=True) as superuser:
                superuser.execute("ALTER ROLE freddy SET timezone TO 'Asia/Tokyo'")
        except psycopg.OperationalError:  # it is starting up
            return False
        return True

    assert wait_until(set_time_zone)
    return url


def test_panel_behind_a_pooler_in_transaction_mode(panel: SplitPanel) -> None:
    _import_keys(panel)
    checks = panel.manage("check_now", "--all")
    assert checks.returncode == 0, checks.stderr
    assert len(checks.stdout.splitlines()) >= KEY_COUNT
    _require_no_session_state(panel)

    panel.start_web()
    panel.start_worker()
    browser = panel.sign_in()
    assert wait_until(lambda: panel.get_readiness()[1]["status"] == "ready")
    for path in ("/", "/organisations/acme/", "/audit/", "/system/", "/people/"):
        assert "Acme" in panel.get_page(browser, path) or path in {
            "/system/",
            "/people/",
            "/audit/",
        }
    table = panel.get_page(browser, "/overview.csv")
    assert len(table.splitlines()) == KEY_COUNT + 1
    answer = panel.submit_form(browser, "/profile/", name="Ada", time_zone="UTC", theme="system")
    assert answer.status_code == 200
    doctor = panel.manage("doctor").stdout
    assert "ok       database" in doctor
    assert "ok       worker" in doctor
    # LISTEN does not pass a pooler: it is noticed, said, and no condition of anything.
    assert "PROBLEM  wakes" in doctor
    assert "WORKER_DATABASE_URL" in doctor
    assert "jobs are looked for every second" in panel.logs[1].read_text()
    log = "".join(file.read_text() for file in panel.logs if file.exists())
    assert "Traceback" not in log
    assert PASSWORD not in log


def test_a_notify_is_refused_by_the_pooler_and_arrives_by_a_direct_connection(
    tmp_path: Path,
) -> None:
    with postgres_server() as url, pgbouncer_server(_server_in_tokyo(url)) as pooled_url:
        direct_url = url.rpartition("/")[0] + "/postgres"
        panel = SplitPanel(tmp_path, api="http://127.0.0.1:9")
        panel.env |= {"DATABASE_URL": pooled_url.rpartition("/")[0] + "/postgres"}
        answers = []
        for worker_url in ("", direct_url):
            env = {**panel.env, "DJANGO_SETTINGS_MODULE": "freddy_admin.settings"}
            result = subprocess.run(
                [sys.executable, "-c", HEARS],
                env=env | {"WORKER_DATABASE_URL": worker_url},
                cwd=Path(settings.BASE_DIR),
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert result.returncode == 0, result.stderr
            answers.append(result.stdout.strip())
    assert answers == ["False", "True"]


def _import_keys(panel: SplitPanel) -> None:
    file = panel.folder / "keys.csv"
    rows = [
        f"Acme,Key {number},{sandbox_key(Scenario.HEALTHY, f'key {number}')},,"
        for number in range(KEY_COUNT)
    ]
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows, ""]))
    result = panel.manage("import_keys", str(file))
    assert result.returncode == 0, result.stderr


def _require_no_session_state(panel: SplitPanel) -> None:
    result = subprocess.run(
        [sys.executable, "-c", TURNS],
        env={**panel.env, "DJANGO_SETTINGS_MODULE": "freddy_admin.settings"},
        cwd=Path(settings.BASE_DIR),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    # Several connections with the server answered in turn.
    assert result.stdout.strip() in {"backends: 2", "backends: 3"}
