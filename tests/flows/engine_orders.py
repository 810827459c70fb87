"""`python -m tests.flows.engine_orders`: asks for a sync and a check of each key that stdin names.

One line, the key's number, is one order, as a page would write it; its answer is one line, too.
"""

import os
import sys


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
        key = ApiKey.objects.select_related("organisation").get(pk=int(line))
        sync_operation_create(organisation=key.organisation, actor=actor, key_id=key.pk, full=False)
        check_request(organisation=key.organisation, actor=actor, key_id=key.pk)
        print("asked", flush=True)


if __name__ == "__main__":
    main()
