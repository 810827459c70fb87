"""`manage.py confirm_clock`: says that this machine's clock is right, and lets deletion go on."""

from typing import Any

from django.utils.translation import gettext as _

from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.ops.command import OperatorCommand
from freddy_admin.sync.clocks import clock_confirm


class Command(OperatorCommand):
    """For whoever has looked at the clock; the page *System* has a button for it."""

    help = "Say that this machine's clock is right, so that what is held is deleted again."

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        clock_confirm(actor=OPERATOR)
        self.line(_("Confirmed: it is %(now)s UTC.") % {"now": f"{now:%Y-%m-%d %H:%M:%S}"})
