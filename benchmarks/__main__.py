"""`make bench`: speed as ratios, measured in one run of about fifteen minutes.

Ends with 3 where a goal is missed. `--write FILE` puts the table there, as Markdown.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

GOAL_MISSED = 3
_EXPLANATION = """\
Written by `make bench ARGS='--write docs/benchmarks.md'` (Python {python}, SQLite, {cores} \
cores). CPU time unless a row says otherwise; a *bare view* is one of Django without middleware, \
measured in turns with what it is compared to. Keys are as a worker leaves them: figures, \
digests, history, two keys an organisation, a tenth sharing figures. A missed goal ends the \
command with 3."""


def main(arguments: list[str]) -> int:
    """Create the database, run all benchmarks and print a table; the exit code."""
    with tempfile.TemporaryDirectory(prefix="freddy-bench-") as folder:
        os.environ.setdefault("TEST_DATABASE_URL", f"sqlite:///{folder}/bench.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        settings.AITRONOS_READ_TIMEOUT, settings.AITRONOS_TOTAL_TIMEOUT = 5.0, 15.0
        call_command("migrate", verbosity=0)
        run_benchmarks(folder)
    from benchmarks.timing import results

    if arguments[:1] == ["--write"]:
        Path(arguments[1]).write_text(_as_markdown(), encoding="utf-8")
    missed = [result for result in results if result.is_met is False]
    print(f"{len(missed)} goals missed of {sum(result.is_met is not None for result in results)}.")
    return GOAL_MISSED if missed else 0


def _as_markdown() -> str:
    from benchmarks.timing import results

    rows = [
        f"| {result.label.strip()} | {result.value.strip()} | {result.goal} "
        f"| {'' if result.is_met is None else 'yes' if result.is_met else '**no**'} |"
        for result in results
    ]
    python = ".".join(map(str, sys.version_info[:2]))
    return "\n".join(
        [
            "# Benchmarks",
            "",
            _EXPLANATION.format(python=python, cores=os.cpu_count()),
            "",
            "| what | measured | goal | met |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def run_benchmarks(folder: str) -> None:
    """Each in turn; the later ones use what the earlier ones stored."""
    from benchmarks import (
        audit_log_pages,
        call_deadlines,
        check_throughput,
        engine_start,
        entered_files,
        history_size,
        pages_beside_worker,
        pages_by_size,
        rehearsal_time,
        sealing_and_import,
        sign_in_flood,
        sign_in_timing,
        slow_clients,
    )
    from freddy_admin.accounts.people import admin_create
    from freddy_admin.audit.services import OPERATOR

    pages_by_size.measure_pages_by_size(folder)
    admin_create(actor=OPERATOR, email="root@example.org", password="correct horse battery")
    sign_in_timing.measure_sign_in_timing()
    call_deadlines.measure_call_deadlines()
    slow_clients.measure_slow_clients()
    sign_in_flood.measure_sign_in_flood()
    sealing_and_import.measure_sealing_and_parsing()
    sealing_and_import.import_keys(up_to=1_000)
    rehearsal_time.measure_rehearsal()  # while there are 1,000 keys, and no other history
    history_size.measure_year_of_history()
    entered_files.measure_entered_files()
    pages_beside_worker.measure_pages_beside_worker()
    pages_beside_worker.measure_steady_state()
    started_at = time.perf_counter()
    sealing_and_import.import_keys(up_to=10_000)
    sealing_and_import.report_import_time(time.perf_counter() - started_at)
    check_throughput.measure_check_throughput()
    check_throughput.measure_checks_over_tls(folder)
    engine_start.measure_engine_start(folder)
    audit_log_pages.measure_audit_log_pages()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
