"""Slugs of organisations: names as they stand in addresses."""

from collections.abc import Iterable

from django.utils.text import slugify

SLUG_BASE_MAX_LENGTH = 120
FALLBACK_SLUG = "organisation"
# Path segments below /organisations/ that are pages.
RESERVED_SLUGS = frozenset({"new", "add", "import", "export"})


class SlugAllocator:
    """Allocates unused slugs: `acme`, `acme-2`, `acme-3` …"""

    def __init__(self, taken_slugs: Iterable[str]) -> None:
        self._taken_slugs = set(taken_slugs) | RESERVED_SLUGS
        self._next_number: dict[str, int] = {}

    def allocate(self, name: str) -> str:
        """An unused slug for this name, reserved from now on."""
        base = slug_base(name)
        slug, number = base, self._next_number.get(base, 2)
        while slug in self._taken_slugs:
            slug, number = f"{base}-{number}", number + 1
        self._next_number[base] = number
        self._taken_slugs.add(slug)
        return slug


def slug_base(name: str) -> str:
    """The slug of a name before any number is added."""
    return slugify(name)[:SLUG_BASE_MAX_LENGTH].strip("-_") or FALLBACK_SLUG
