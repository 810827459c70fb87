"""`manage.py create_api_token EMAIL --name NAME`: a token for `/api/v1/statuses`."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.selectors import user_get
from freddy_admin.accounts.services import api_token_create
from freddy_admin.audit.services import OPERATOR
from freddy_admin.ops.command import OperatorCommand


class Command(OperatorCommand):
    """The token alone goes to stdout; it is shown this once."""

    help = "Create a token with which a program reads what this person may see."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--name", required=True, help="what it is for; names may repeat")

    @sensitive_variables("token")
    def handle(self, *args: Any, email: str, name: str, **options: Any) -> None:
        user = user_get(email=email)
        token = api_token_create(actor=OPERATOR, user=user, name=name)
        self.hint(_("Keep it now: it is shown this once."))
        self.line(token)
