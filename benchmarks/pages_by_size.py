"""Pages, a poll and the JSON at 50, 1,000, 10,000 and 50,000 keys, against a bare view.

Each size has a database and a process of its own: `python -m benchmarks.pages_by_size KEYS FOLDER`
prints what it measured as JSON. The keys are as a worker leaves them.
"""

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.timing import print_ratio, print_result, time_side_by_side

SIZES = (50, 1_000, 10_000, 50_000)
ROUNDS = 15
HEALTHCHECKS_ROWS = 1_000
Measured = dict[str, float]


def measure_pages_by_size(folder: str) -> None:
    """Print every page at every size, and the goals of docs/benchmarks.md."""
    measured = {keys: _measure_in_process(keys, folder) for keys in SIZES}
    smallest = measured[SIZES[0]]
    for keys, times in measured.items():
        for name in (name for name in times if name not in {"bare", "megabytes"}):
            goal = _goal(name, keys)
            print_ratio(f"{name}, {keys:,} keys, against a bare view", times[name], goal)
            if name.startswith(("overview", "last page", "search for")) and keys >= 10_000:
                growth = times[name] / smallest[name]
                print_ratio("  against 50 keys", growth, 1.25 if keys > 10_000 else 1.15)
    megabytes = measured[10_000]["megabytes"] - measured[1_000]["megabytes"]
    print_ratio("statuses JSON, memory of 10,000 more than of 1,000", megabytes, 5, unit="MB")
    times = measured[1_000]
    _report_healthchecks(times["overview, 1,000 rows a page"] * times["bare"])


def _goal(name: str, keys: int) -> float | None:
    if name.startswith("poll"):
        return 14
    if name == "statuses JSON" and keys == 10_000:
        return 700
    return 40 if name == "overview, admin" and keys == SIZES[0] else None


def _report_healthchecks(seconds: float) -> None:
    """As many seconds as healthchecks takes for as many rows; HEALTHCHECKS names its checkout."""
    label = f"overview of {HEALTHCHECKS_ROWS:,} rows, against healthchecks' list"
    checkout = os.environ.get("HEALTHCHECKS", "")
    if not checkout:
        print_result(label, "not measured", "set HEALTHCHECKS to a checkout of it")
        return
    # Its own libraries: those of a virtual environment in the checkout.
    python = Path(checkout) / ".venv" / "bin" / "python"
    script = Path(__file__).with_name("healthchecks_list.py")
    command = [str(python if python.exists() else sys.executable), str(script)]
    answer = subprocess.run(
        [*command, str(HEALTHCHECKS_ROWS)], cwd=checkout, capture_output=True, text=True, check=True
    )
    print_ratio(label, seconds / float(answer.stdout.split()[-1]), 1 / 8)


def _measure_in_process(keys: int, folder: str) -> Measured:
    command = [sys.executable, "-m", "benchmarks.pages_by_size", str(keys), folder]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: Measured = json.loads(answer.stdout.splitlines()[-1])
    return measured


def main(keys: int, folder: str) -> None:
    """Fill a database with so many keys and print the multiples of the bare view as JSON."""
    path = Path(folder) / f"{keys}.sqlite3"
    os.environ["TEST_DATABASE_URL"] = f"sqlite:///{path}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    from tests.migrated_database import migrated_database_copy

    migrated_database_copy(path)
    import django

    django.setup()
    from django.conf import settings

    settings.ROOT_URLCONF = "benchmarks.bare_view"
    calls, read_statuses = _calls(keys)
    times = time_side_by_side(calls, rounds=ROUNDS)
    bare = times["bare"]
    measured = {name: seconds / bare for name, seconds in times.items()} | {"bare": bare}
    tracemalloc.start()
    read_statuses()
    measured["megabytes"] = tracemalloc.get_traced_memory()[1] / 1e6
    print(json.dumps(measured))


def _calls(keys: int) -> tuple[dict[str, Callable[[], object]], Callable[[], object]]:
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import Client

    from benchmarks.bare_view import BARE_PATH, create_bare_handler, wsgi_get
    from benchmarks.worker_rows import member_create, worker_rows_create
    from freddy_admin.accounts.api_tokens import api_token_create
    from freddy_admin.accounts.people import admin_create
    from freddy_admin.audit.services import OPERATOR

    worker_rows_create(keys=keys)
    admin = admin_create(actor=OPERATOR, email="root@example.org", password="correct horse battery")
    token = api_token_create(actor=OPERATOR, user=admin, name="bench")
    bare, panel = create_bare_handler(), WSGIHandler()
    cookies = {}
    for person in (admin, member_create()):
        client = Client(headers={"host": "localhost"})
        client.force_login(person)
        client.get("/")  # the first request writes the session
        morsels = client.cookies.values()
        cookies[person.pk] = "; ".join(f"{morsel.key}={morsel.value}" for morsel in morsels)
    cookie, member_cookie = cookies.values()

    def page(path: str, cookie: str = cookie, **headers: str) -> Callable[[], object]:
        answer = wsgi_get(panel, path, cookie=cookie, headers=headers)
        assert answer[0] in {200, 204}, (path, answer[0])
        return lambda: wsgi_get(panel, path, cookie=cookie, headers=headers)

    last = max(1, -(-keys // 50))
    statuses_path, authorization = "/api/v1/statuses", {"Authorization": f"Bearer {token}"}

    def read_statuses() -> None:
        """As a server does, which sends each piece and keeps none."""
        wsgi_get(panel, statuses_path, headers=authorization, keeps_body=False)

    return {
        "bare": lambda: wsgi_get(bare, BARE_PATH),
        "overview, admin": page("/"),
        "overview, member of 20 organisations": page("/", member_cookie),
        "poll with nothing new, admin": _poll(page, cookie),
        "poll with nothing new, member of 20": _poll(page, member_cookie),
        "last page": page(f"/?page={last}"),
        "search for one organisation": page("/?q=007919"),
        "search that finds all keys": page("/?q=organisation"),
        **({"overview, 1,000 rows a page": page("/?rows=1000")} if keys == 1_000 else {}),
        "statuses JSON": page(statuses_path, cookie="", **authorization),
    }, read_statuses


def _poll(page: Callable[..., Any], cookie: str) -> Callable[[], object]:
    import re

    body = page("/", cookie)()[2].decode()
    version = re.search(r'data-version="([^"]+)"', body)
    assert version is not None
    poll: Callable[[], object] = page("/", cookie, **{"X-Live": "1", "X-Version": version[1]})
    assert poll()[0] == 204  # type: ignore[index]
    return poll


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
