"""The demo with a fast clock makes its data anew, in a file that whoever opens it then finds."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from freddy_admin.ops.demo_data import FAST_DEMO_DATABASE
from freddy_admin.ops.management.commands import demo_data
from tests.concurrency import IS_SQLITE, run_in_thread


@pytest.mark.skipif(not IS_SQLITE, reason="the demo has a file of its own")
@pytest.mark.django_db
def test_fast_demo_writes_into_the_new_file_though_the_former_one_was_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / FAST_DEMO_DATABASE
    monkeypatch.setitem(connections.settings["default"], "NAME", str(file))

    def migrate(*_args: Any, **_options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE made_anew (id integer)")

    monkeypatch.setattr(demo_data, "call_command", migrate)
    monkeypatch.setattr(demo_data, "demo_data_ensure", lambda **_options: True)

    def start() -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE former (id integer)")
        demo_data.Command().handle(receiver_port=0)

    run_in_thread(start)
    with closing(sqlite3.connect(file)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert tables == [("made_anew",)]
