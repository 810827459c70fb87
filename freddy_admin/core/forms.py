"""Forms that check the length of what was sent before anything else is done with it."""

from typing import Any, Final

from django import forms
from django.http import QueryDict

from freddy_admin.core.text_validation import MAX_CODE_POINTS_PER_CHARACTER, text_too_long_message

# Of a field that names no limit of its own: a password, a number, one choice of several.
DEFAULT_TEXT_MAX_LENGTH: Final = 4_096


class LineField(forms.CharField):
    """A line of at most `limit` characters, for `line_clean`, which counts the composed ones."""

    def __init__(self, *, limit: int, **kwargs: Any) -> None:
        super().__init__(max_length=limit * MAX_CODE_POINTS_PER_CHARACTER, **kwargs)
        self.limit = limit


class BoundedForm(forms.Form):
    """A form that refuses unread what is longer than its field allows, and does not repeat it.

    Every form of the panel is one, the sign-in library's included: a field's own checks may
    normalise, match or hash, and take a time that grows faster than the text.
    """

    def _clean_fields(self) -> None:
        limits = self._too_long_field_limits()
        self._discard_submitted_values(limits)
        fields = self.fields
        # Those too long are no fields for a moment: neither they nor a `clean_NAME` are asked.
        self.fields = {name: field for name, field in fields.items() if name not in limits}
        try:
            super()._clean_fields()  # type: ignore[misc]
        finally:
            self.fields = fields
        for name, limit in limits.items():
            message = fields[name].error_messages.get("max_length")
            self.add_error(name, message or text_too_long_message(limit))

    def _too_long_field_limits(self) -> dict[str, int]:
        """The names of the fields whose text is too long, with the limit that people read."""
        limits = {}
        for name, field in self.fields.items():
            max_length = getattr(field, "max_length", None) or DEFAULT_TEXT_MAX_LENGTH
            if any(
                len(text) > max_length for text in self._submitted_values(self.add_prefix(name))
            ):
                limits[name] = getattr(field, "limit", max_length)
        return limits

    def _submitted_values(self, key: str) -> list[str]:
        if isinstance(self.data, QueryDict):
            return self.data.getlist(key)
        return [str(self.data[key])] if key in self.data else []

    def _discard_submitted_values(self, names: dict[str, int]) -> None:
        """Take these fields out of the data, so that a form shown again does not repeat them."""
        if names:
            data: Any = self.data.copy()  # type: ignore[attr-defined]
            for name in names:
                del data[self.add_prefix(name)]
            self.data = data
