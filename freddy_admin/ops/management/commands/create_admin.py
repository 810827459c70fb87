"""`manage.py create_admin EMAIL`: a person who sees and may do everything."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.people import admin_create
from freddy_admin.audit.services import OPERATOR
from freddy_admin.ops.operator_command import (
    OperatorCommand,
    password_prompt,
    password_read_from_stdin,
)


class Command(OperatorCommand):
    """Asks for the password unless it is piped."""

    help = "Create a platform admin, who can sign in at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    @sensitive_variables("password")
    def handle(self, *args: Any, email: str, password_stdin: bool, **options: Any) -> None:
        password = password_read_from_stdin() if password_stdin else password_prompt()
        person = admin_create(actor=OPERATOR, email=email, password=password)
        self.write_hint(
            _("%(email)s can sign in now and sees everything.") % {"email": person.email}
        )
