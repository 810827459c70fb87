"""Run in a checkout of healthchecks, by its own Python: the cost of its list of checks.

`python healthchecks_list.py ROWS` prints its CPU time in seconds.
https://github.com/healthchecks/healthchecks, BSD-3-Clause; nothing of it is part of this project.
"""

import os
import sys
import time
from statistics import median


def main(rows: int) -> None:
    """Create a person with so many checks, each well, and time their list."""
    sys.path.insert(0, os.getcwd())
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "hc.settings",
        "DB": "sqlite",
        "DB_NAME": ":memory:",
        "DEBUG": "False",
        "SECRET_KEY": "bench",
        "ALLOWED_HOSTS": "*",
    }
    import django

    django.setup()
    from django.conf import settings

    settings.COMPRESS_ENABLED = settings.COMPRESS_OFFLINE = False  # its sheets as they are written
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.utils.timezone import now

    call_command("migrate", verbosity=0)
    from hc.accounts.models import Profile, Project
    from hc.api.models import Check

    user = User.objects.create_user("bench", "bench@example.org", "bench")
    Profile.objects.create(user=user, check_limit=rows)
    project = Project.objects.create(owner=user, name="bench")
    Check.objects.bulk_create(
        Check(project=project, name=f"Check {number}", status="up", last_ping=now())
        for number in range(rows)
    )
    client = Client()
    client.force_login(user)
    address = f"/projects/{project.code}/checks/"
    assert client.get(address).status_code == 200
    print(_median_seconds(lambda: client.get(address), 7))


def _median_seconds(call, times: int) -> float:  # type: ignore[no-untyped-def]
    call()
    seconds = []
    for _ in range(times):
        started_at = time.process_time()
        call()
        seconds.append(time.process_time() - started_at)
    return median(seconds)


if __name__ == "__main__":
    main(int(sys.argv[1]))
