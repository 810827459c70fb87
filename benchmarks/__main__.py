"""`make bench`: speed as ratios, measured in one run of five minutes on a database of its own."""

import os
import sys
import tempfile
import time


def main() -> None:
    """Create the database, run all benchmarks and print a table."""
    with tempfile.TemporaryDirectory(prefix="freddy-bench-") as folder:
        os.environ.setdefault("TEST_DATABASE_URL", f"sqlite:///{folder}/bench.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        settings.AITRONOS_READ_TIMEOUT, settings.AITRONOS_TOTAL_TIMEOUT = 5.0, 15.0
        call_command("migrate", verbosity=0)
        run_benchmarks()


def run_benchmarks() -> None:
    from benchmarks import (
        audit_log_pages,
        call_deadlines,
        check_throughput,
        entered_files,
        history_size,
        overview_page,
        pages_beside_worker,
        rehearsal_time,
        sealing_and_import,
        sign_in_flood,
        sign_in_timing,
        slow_clients,
    )
    from freddy_admin.accounts.people import admin_create
    from freddy_admin.audit.services import OPERATOR

    admin_create(actor=OPERATOR, email="root@example.org", password="correct horse battery")
    sign_in_timing.measure_sign_in_timing()
    call_deadlines.measure_call_deadlines()
    slow_clients.measure_slow_clients()
    sign_in_flood.measure_sign_in_flood()
    sealing_and_import.measure_sealing_and_parsing()
    history_size.measure_year_of_history()
    for keys in (50, 1_000, 10_000):
        started_at = time.perf_counter()
        sealing_and_import.import_keys(up_to=keys)
        seconds = time.perf_counter() - started_at
        overview_page.measure_overview(keys)
        if keys == 50:
            entered_files.measure_entered_files()
        if keys == 1_000:
            pages_beside_worker.measure_pages_beside_worker()
            rehearsal_time.measure_rehearsal()
    sealing_and_import.report_import_time(seconds)
    check_throughput.measure_check_throughput()
    audit_log_pages.measure_audit_log_pages()


if __name__ == "__main__":
    sys.exit(main())
