"""An organisation's name in its address."""

from collections.abc import Iterable

from django.utils.text import slugify

BASE_LIMIT = 120
FALLBACK = "organisation"
# Pages of their own below /organisations/.
RESERVED = frozenset({"new", "add", "import", "export"})


class Slugs:
    """Hands out slugs that are not taken: `acme`, `acme-2`, `acme-3` …"""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken) | RESERVED
        self._next: dict[str, int] = {}

    def take(self, name: str) -> str:
        """A free slug for this name; it is taken from now on."""
        base = slug_base(name)
        slug, number = base, self._next.get(base, 2)
        while slug in self._taken:
            slug, number = f"{base}-{number}", number + 1
        self._next[base] = number
        self._taken.add(slug)
        return slug


def slug_base(name: str) -> str:
    """The slug a name would have if it were the only one."""
    return slugify(name)[:BASE_LIMIT].strip("-_") or FALLBACK
