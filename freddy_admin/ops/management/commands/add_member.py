"""`manage.py add_member EMAIL --organisation SLUG --role ROLE`."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.services import person_ensure
from freddy_admin.accounts.signing_in.hashing import hashing_slot
from freddy_admin.audit.services import OPERATOR
from freddy_admin.ops.command import OperatorCommand
from freddy_admin.ops.passwords import password_piped
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.selectors import organisation_find
from freddy_admin.organisations.services import member_set


class Command(OperatorCommand):
    """The person is made if needed; somebody who exists keeps the password they have."""

    help = "Make a person a member of an organisation, or change the role."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--organisation", metavar="SLUG", required=True)
        parser.add_argument("--role", choices=Role.values, required=True)
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    @sensitive_variables("password")
    def handle(self, *args: Any, email: str, organisation: str, role: str, **options: Any) -> None:
        password = password_piped() if options["password_stdin"] else None
        with hashing_slot(), transaction.atomic():
            place = organisation_find(slug=organisation)
            person, made = person_ensure(actor=OPERATOR, email=email, password=password)
            member_set(organisation=place, actor=OPERATOR, user=person, role=role)
        self.hint(
            _("%(email)s is %(role)s of %(organisation)s now.")
            % {"email": person.email, "role": role, "organisation": place.name}
        )
        if password and not made:
            self.hint(_("The person was here already and keeps the password they have."))
        if made and not password:
            self.hint(_("They choose a password through “Forgotten your password?”."))
