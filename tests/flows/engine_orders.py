"""`python -m tests.flows.engine_orders`: asks for what each line of stdin says, as a page would.

`check 7` is a check of the key with this number, `all 7` a sync and a check. The answer is one
line, too: `asked` and when that began, by this machine's monotonic clock.
"""

import os
import sys
import time


def main() -> None:
    """Answer until stdin ends."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "freddy_admin.settings"
    import django

    django.setup()
    from freddy_admin.audit.services import Actor
    from freddy_admin.sync.checks.requests import check_request
    from freddy_admin.sync.operations.services import sync_operation_create
    from freddy_admin.vault.models import ApiKey

    actor = Actor("Ada")
    for line in sys.stdin:
        what, number = line.split()
        key = ApiKey.objects.select_related("organisation").get(pk=int(number))
        options = {"organisation": key.organisation, "actor": actor, "key_id": key.pk}
        begun_at = time.monotonic()
        if what == "all":
            sync_operation_create(**options, full=False)
        check_request(**options)
        print(f"asked {begun_at}", flush=True)


if __name__ == "__main__":
    main()
