"""Names of people as a reader may see them: the one place that decides who sees an address.

Addresses are for those who manage members: an organisation's managers and platform admins.
"""

from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext as _

from freddy_admin.audit.services import actor_name_without_address
from freddy_admin.organisations.roles import Permission

NO_PERMISSIONS: frozenset[Permission] = frozenset()
# Punctuation that may touch an address in a sentence.
_ADDRESS_PUNCTUATION = "()[]<>“”\"'.,;:"


def can_see_addresses(permissions: Collection[Permission]) -> bool:
    """Whether these permissions in an organisation include its people's addresses."""
    return Permission.MANAGE_MEMBERS in permissions


def person_display_name(name: str, address: str, permissions: Collection[Permission]) -> str:
    """A person's name; without a name the address, or "a member" where addresses are hidden."""
    if can_see_addresses(permissions):
        return name or address
    return addresses_mask(name) or (_("a member") if address else "")


def actor_display_name(
    actor_name: str, permissions: Collection[Permission] = NO_PERMISSIONS
) -> str:
    """The name alone of an actor as the audit log stores it (`Ana (ana@example.org)`).

    "operator (command line)" becomes "operator"; "" stays "".
    """
    return actor_name_without_address(actor_name_masked(actor_name, permissions))


def actor_name_masked(actor_name: str, permissions: Collection[Permission]) -> str:
    """An actor's stored name, with addresses masked unless these permissions include them."""
    return actor_name if can_see_addresses(permissions) else addresses_mask(actor_name)


def addresses_mask(value: Any, *, except_address: str = "") -> Any:
    """Texts, also in lists and dicts, with "a member" for each address but `except_address`."""
    if isinstance(value, list):
        return [addresses_mask(item, except_address=except_address) for item in value]
    if isinstance(value, dict):
        return {
            name: addresses_mask(item, except_address=except_address)
            for name, item in value.items()
        }
    if not isinstance(value, str) or "@" not in value:
        return value
    return " ".join(_address_mask(word, except_address) for word in value.split(" "))


def _address_mask(word: str, except_address: str) -> str:
    inner = word.strip(_ADDRESS_PUNCTUATION)
    name, _at, host = inner.rpartition("@")
    if not (name and host) or inner.casefold() == except_address.casefold():
        return word
    return word.replace(inner, _("a member"))
