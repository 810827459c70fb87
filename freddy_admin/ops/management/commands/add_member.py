"""`manage.py add_member EMAIL --organisation SLUG --role ROLE`."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.auth.backends import known_person_hashing_slot
from freddy_admin.accounts.people import person_get_or_create
from freddy_admin.audit.services import OPERATOR
from freddy_admin.ops.operator_command import OperatorCommand, password_read_from_stdin
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.selectors import organisation_get_by_slug
from freddy_admin.organisations.services import member_ensure


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
        password = password_read_from_stdin() if options["password_stdin"] else None
        with known_person_hashing_slot(), transaction.atomic():
            organisation_obj = organisation_get_by_slug(slug=organisation)
            person, was_created = person_get_or_create(
                actor=OPERATOR, email=email, password=password
            )
            member_ensure(organisation=organisation_obj, actor=OPERATOR, user=person, role=role)
        self.write_hint(
            _("%(email)s is %(role)s of %(organisation)s now.")
            % {"email": person.email, "role": role, "organisation": organisation_obj.name}
        )
        if password and not was_created:
            self.write_hint(_("The person was here already and keeps the password they have."))
        if was_created and not password:
            self.write_hint(_("They choose a password through “Forgotten your password?”."))
