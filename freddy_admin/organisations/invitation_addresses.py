"""Invites several addresses at once, as they stand in a mail's list of recipients or in a table."""

import re
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import email_normalize
from freddy_admin.audit.services import Actor
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.invitations import invitation_create
from freddy_admin.organisations.models import Invitation, Organisation
from freddy_admin.organisations.roles import role_clean

MAX_ADDRESSES: Final = 100
ADDRESSES_MAX_LENGTH: Final = 4_000
# Up to a comma, a semicolon or the end of a line, unless that stands in quotes or brackets.
_PIECE: Final = re.compile(r'(?:"[^"\n]*"|<[^<>\n]*>|[^,;\n])+')
_AROUND_ADDRESS: Final = "<>()[]\"'“”„"


@dataclass(frozen=True, slots=True)
class InvitationOutcome:
    """What came of one typed address: the invitation, or why there is none."""

    address: str
    invitation: Invitation | None = None
    problem: str = ""


def invitations_create(
    *, organisation: Organisation, actor: Actor, emails: str, role: str
) -> list[InvitationOutcome]:
    """Invite each address of a typed list; returns an outcome per address, in its order.

    Addresses are separated by commas, semicolons, lines or blanks, also as `Name <a@b.c>`; one that
    stands there twice is invited once. Raises InvalidInput for a bad role, no address or more than
    `MAX_ADDRESSES`, and NotAllowed if the actor lost the right to invite in the meantime.
    """
    invited_role = role_clean(role)
    addresses = addresses_split(emails)
    if not addresses:
        raise InvalidInput(_("Fill this in."), field="email")
    if len(addresses) > MAX_ADDRESSES:
        raise InvalidInput(
            _("Invite at most %(n)d people at once.") % {"n": MAX_ADDRESSES}, field="email"
        )
    outcomes = []
    for address in addresses:
        try:
            invitation = invitation_create(
                organisation=organisation, actor=actor, email=address, role=invited_role
            )
        except (InvalidInput, Conflict) as error:
            outcomes.append(InvitationOutcome(address, problem=error.message))
        else:
            outcomes.append(InvitationOutcome(invitation.email, invitation))
    return outcomes


def addresses_split(text: str) -> list[str]:
    """The addresses of a typed list, each once; a piece that holds none is one of them, too."""
    addresses: list[str] = []
    name_parts: list[str] = []
    for piece in map(str.strip, _PIECE.findall(text.replace("\r", "\n"))):
        if not piece:
            continue
        if "@" not in piece:
            name_parts.append(piece)
            continue
        is_named = piece.endswith(">") and "<" in piece
        # Of “Lovelace, Ada <ada@example.org>” the first part is no address, but the surname.
        addresses += name_parts[:-1] if is_named else name_parts
        name_parts = []
        addresses += [piece.rpartition("<")[2]] if is_named else _words_with_address(piece)
    cleaned = [
        address.strip().strip(_AROUND_ADDRESS).removeprefix("mailto:").strip()
        for address in (*addresses, *name_parts)
    ]
    addresses_by_form: dict[str, str] = {}
    for address in filter(None, cleaned):
        addresses_by_form.setdefault(email_normalize(address), address)
    return list(addresses_by_form.values())


def _words_with_address(piece: str) -> list[str]:
    # A name before it, as in a table's cells; several addresses with blanks between them.
    words = [word for word in piece.split() if "@" in word.strip("@")]
    return words or [piece]
