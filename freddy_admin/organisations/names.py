"""Who somebody is for whoever reads it: the one place that decides who gets to see an address.

Addresses are for those who look after members: an organisation's managers and platform admins.
"""

from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext as _

from freddy_admin.audit.services import name_alone
from freddy_admin.organisations.roles import Permission

NOBODY: frozenset[Permission] = frozenset()
# What may stand around an address in a sentence.
_AROUND = "()[]<>“”\"'.,;:"


def sees_addresses(permissions: Collection[Permission]) -> bool:
    """Whether addresses of an organisation's people are for somebody who may do this there."""
    return Permission.MANAGE_MEMBERS in permissions


def person_shown(name: str, address: str, permissions: Collection[Permission]) -> str:
    """A person's name; of one without a name the address, or "a member"."""
    if sees_addresses(permissions):
        return name or address
    return addresses_hidden(name) or (_("a member") if address else "")


def actor_shown(actor_name: str, permissions: Collection[Permission] = NOBODY) -> str:
    """Whoever did something, as it was written down (`Ana (ana@example.org)`), by name.

    "operator (command line)" becomes "operator"; "" stays "".
    """
    return name_alone(actor_as_written(actor_name, permissions))


def actor_as_written(actor_name: str, permissions: Collection[Permission]) -> str:
    """What was written down of an actor, less the addresses that the reader may not see."""
    return actor_name if sees_addresses(permissions) else addresses_hidden(actor_name)


def addresses_hidden(value: Any, *, but: str = "") -> Any:
    """A text, or lists and objects of texts, with "a member" for each address but one's own."""
    if isinstance(value, list):
        return [addresses_hidden(one, but=but) for one in value]
    if isinstance(value, dict):
        return {name: addresses_hidden(one, but=but) for name, one in value.items()}
    if not isinstance(value, str) or "@" not in value:
        return value
    return " ".join(_hidden(word, but) for word in value.split(" "))


def _hidden(word: str, but: str) -> str:
    inner = word.strip(_AROUND)
    name, _at, host = inner.rpartition("@")
    if not (name and host) or inner.casefold() == but.casefold():
        return word
    return word.replace(inner, _("a member"))
