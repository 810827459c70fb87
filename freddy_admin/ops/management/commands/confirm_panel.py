"""`manage.py confirm_panel`: says that this is the panel, where its database may be a copy."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from freddy_admin.audit.services import OPERATOR
from freddy_admin.ops.operator_command import OperatorCommand
from freddy_admin.sync.panel_copy import panel_confirm


class Command(OperatorCommand):
    """For an operator who has moved the panel; the page *System* has a button for it."""

    help = "Say that this is the panel and no copy: syncs, switches and mails go out again."

    def handle(self, *args: Any, **options: Any) -> None:
        panel_confirm(actor=OPERATOR)
        self.write_line(_("Confirmed: this is the panel %(url)s.") % {"url": settings.PANEL_URL})
