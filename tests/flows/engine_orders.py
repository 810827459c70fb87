"""`python -m tests.flows.engine_orders`: asks for what each line of stdin says, as a page would.

`check 7` is a check of the key with this number, `all 7` a sync and a check. The answer is one
line, too: `asked` and when that began, by this machine's monotonic clock; or `refused`, while the
database is away.
"""

import os
import sys
import time


def main() -> None:
    """Answer until stdin ends."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "freddy_admin.settings"
    import django

    django.setup()
    from django.db import DatabaseError, InterfaceError, connection, transaction

    from freddy_admin.audit.services import Actor
    from freddy_admin.sync.checks.requests import check_request
    from freddy_admin.sync.operations.services import sync_operation_create
    from freddy_admin.vault.models import ApiKey

    actor = Actor("Ada")

    def ask(what: str, number: str) -> float:
        key = ApiKey.objects.select_related("organisation").get(pk=int(number))
        begun_at = time.monotonic()
        with transaction.atomic():
            if what == "all":
                sync_operation_create(
                    organisation=key.organisation, actor=actor, key_id=key.pk, full=False
                )
            check_request(organisation=key.organisation, actor=actor, key_id=key.pk)
        return begun_at

    for line in sys.stdin:
        try:
            print(f"asked {ask(*line.split())}", flush=True)
        except (DatabaseError, InterfaceError):
            connection.close()
            print("refused", flush=True)


if __name__ == "__main__":
    main()
