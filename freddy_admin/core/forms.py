"""Forms that look at the length of what was sent before anything else is done with it."""

from typing import Any, Final

from django import forms
from django.http import QueryDict

from freddy_admin.core.text import PARTS_AT_MOST, too_long

# Of a field that names no limit of its own: a password, a number, one choice of several.
TEXT_AT_MOST: Final = 4_096


class LineField(forms.CharField):
    """A line of at most `limit` characters, for `line_clean`, which counts the composed ones."""

    def __init__(self, *, limit: int, **kwargs: Any) -> None:
        super().__init__(max_length=limit * PARTS_AT_MOST, **kwargs)
        self.limit = limit


class BoundedForm(forms.Form):
    """What is longer than its field allows is refused unread, and not sent back either.

    Every form of the panel is one, the sign-in library's included: a field's own checks may
    normalise, match or hash, and take a time that grows faster than the text.
    """

    def _clean_fields(self) -> None:
        limits = self._too_long()
        self._forget(limits)
        fields = self.fields
        # Those too long are no fields for a moment: neither they nor a `clean_NAME` are asked.
        self.fields = {name: field for name, field in fields.items() if name not in limits}
        try:
            super()._clean_fields()  # type: ignore[misc]
        finally:
            self.fields = fields
        for name, limit in limits.items():
            own = fields[name].error_messages.get("max_length")
            self.add_error(name, own or too_long(limit))

    def _too_long(self) -> dict[str, int]:
        """Fields in which more was sent than they take, and the limit to tell."""
        found = {}
        for name, field in self.fields.items():
            most = getattr(field, "max_length", None) or TEXT_AT_MOST
            if any(len(text) > most for text in self._values(self.add_prefix(name))):
                found[name] = getattr(field, "limit", most)
        return found

    def _values(self, key: str) -> list[str]:
        if isinstance(self.data, QueryDict):
            return self.data.getlist(key)
        return [str(self.data[key])] if key in self.data else []

    def _forget(self, names: dict[str, int]) -> None:
        """A form that is shown again does not repeat what was too long."""
        if names:
            data: Any = self.data.copy()  # type: ignore[attr-defined]
            for name in names:
                del data[self.add_prefix(name)]
            self.data = data
