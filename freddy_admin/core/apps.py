from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate, pre_migrate

from freddy_admin.core import clock


class CoreConfig(AppConfig):
    name = "freddy_admin.core"
    label = "core"

    def ready(self) -> None:
        """Accelerate the demo's clock where CLOCK_SINCE is set, the same in all its processes.

        Have migrations find no trigger of `core.view_changes`, and leave all of them.
        """
        from freddy_admin.core.view_changes import (
            view_change_triggers_restore,
            view_change_triggers_withdraw,
        )

        if settings.CLOCK_SINCE is not None:
            clock.accelerate_clock(since=settings.CLOCK_SINCE, speed=settings.CLOCK_SPEED)
        pre_migrate.connect(view_change_triggers_withdraw, sender=self, dispatch_uid="view_changes")
        post_migrate.connect(view_change_triggers_restore, sender=self, dispatch_uid="view_changes")
