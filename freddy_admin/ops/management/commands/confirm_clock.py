"""`manage.py confirm_clock`: confirms this machine's clock, so that deletion resumes."""

from typing import Any

from django.utils.translation import gettext as _

from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.ops.operator_command import OperatorCommand
from freddy_admin.sync.clock_monitor import clock_confirm


class Command(OperatorCommand):
    """For an operator who has compared the clock; the page *System* has a button for it."""

    help = "Say that this machine's clock is right, so that what is held is deleted again."

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        clock_confirm(actor=OPERATOR)
        self.write_line(_("Confirmed: it is %(now)s UTC.") % {"now": f"{now:%Y-%m-%d %H:%M:%S}"})
