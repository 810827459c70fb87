"""`manage.py create_api_token EMAIL --name NAME`: a token for `/api/v1` and `/metrics`."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.api_tokens import ApiTokenOptions, api_token_create
from freddy_admin.accounts.models import TokenScope, User
from freddy_admin.accounts.people import email_clean, person_get_by_email
from freddy_admin.audit.services import OPERATOR
from freddy_admin.ops.operator_command import OperatorCommand
from freddy_admin.organisations.access import organisation_access_get


class Command(OperatorCommand):
    """The token alone goes to stdout; it is shown this once."""

    help = "Create a token with which a program does what this person may do, or less."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--name", required=True, help="what it is for; names may repeat")
        parser.add_argument(
            "--scope",
            choices=TokenScope.values,
            default=TokenScope.READ.value,
            help="read (the default), or act: also ask for checks and start syncs",
        )
        parser.add_argument(
            "--organisation",
            metavar="SLUG",
            action="append",
            help="this organisation alone; may be repeated (default: all of the person's)",
        )
        parser.add_argument("--days", type=int, metavar="N", help="good for so many days")

    @sensitive_variables("token")
    def handle(self, *args: Any, email: str, name: str, **options: Any) -> None:
        user = person_get_by_email(email=email_clean(email))
        token_options = ApiTokenOptions(
            scope=options["scope"],
            organisation_ids=_organisation_ids(user, options["organisation"]),
            days=options["days"],
        )
        token = api_token_create(actor=OPERATOR, user=user, name=name, token_options=token_options)
        self.write_hint(_("Keep it now: it is shown this once."))
        self.write_line(token)


def _organisation_ids(user: User, slugs: Sequence[str] | None) -> frozenset[int] | None:
    """Those of the person's organisations; a slug that is not one of them raises NotFound."""
    if not slugs:
        return None
    return frozenset(
        organisation_access_get(user=user, slug=slug).organisation.pk for slug in slugs
    )
