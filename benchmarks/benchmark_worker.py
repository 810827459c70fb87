"""`python -m benchmarks.benchmark_worker URL SECONDS`: the real worker; keys are due so often."""

import os
import sys


def run_worker(api_url: str, check_seconds: float) -> None:
    """Run the worker against the API at this URL until SIGTERM."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.AITRONOS_API_BASE_URL = api_url
    settings.AITRONOS_READ_TIMEOUT, settings.AITRONOS_TOTAL_TIMEOUT = 5.0, 15.0
    settings.STATUS_CHECK_SECONDS = settings.STATUS_FRESH_SECONDS = check_seconds
    call_command("run_worker")


if __name__ == "__main__":
    run_worker(sys.argv[1], float(sys.argv[2]))
