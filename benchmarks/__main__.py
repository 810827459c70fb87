"""`make bench`: speed as ratios, measured in one run on a database of its own; five minutes."""

import os
import sys
import tempfile
import time


def main() -> None:
    """Measure everything and print a table."""
    with tempfile.TemporaryDirectory(prefix="freddy-bench-") as room:
        os.environ.setdefault("TEST_DATABASE_URL", f"sqlite:///{room}/bench.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        settings.AITRONOS_READ_TIMEOUT, settings.AITRONOS_TOTAL_TIMEOUT = 5.0, 15.0
        call_command("migrate", verbosity=0)
        _measure()


def _measure() -> None:
    from benchmarks import (
        audit_log,
        beside,
        deadlines,
        history,
        pages,
        pieces,
        rounds,
        sign_in,
        sign_in_flood,
        slow_senders,
    )
    from freddy_admin.accounts.services import admin_create
    from freddy_admin.audit.services import OPERATOR

    admin_create(actor=OPERATOR, email="root@example.org", password="correct horse battery")
    sign_in.known_and_unknown()
    deadlines.deadlines()
    slow_senders.slow_senders()
    sign_in_flood.sign_in_flood()
    pieces.sealing_and_parsing()
    history.year_of_history()
    for keys in (50, 1_000, 10_000):
        began = time.perf_counter()
        pieces.keys_import(up_to=keys)
        seconds = time.perf_counter() - began
        pages.overview(keys)
        if keys == 1_000:
            beside.pages_and_the_worker()
    pieces.report_import(seconds)
    rounds.refresh()
    audit_log.a_million_events()


if __name__ == "__main__":
    sys.exit(main())
