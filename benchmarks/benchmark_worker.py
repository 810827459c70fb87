"""`python -m benchmarks.benchmark_worker URL`: the real worker; its keys are due every second."""

import os
import sys


def run_worker(api_url: str) -> None:
    """Run the worker against the API at this URL until SIGTERM."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.AITRONOS_API_BASE_URL = api_url
    settings.AITRONOS_READ_TIMEOUT, settings.AITRONOS_TOTAL_TIMEOUT = 5.0, 15.0
    settings.STATUS_CHECK_SECONDS = settings.STATUS_FRESH_SECONDS = 1
    call_command("run_worker")


if __name__ == "__main__":
    run_worker(sys.argv[1])
