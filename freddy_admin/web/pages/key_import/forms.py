"""The form that imports many keys, pasted or as a file: it never sends them back."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from freddy_admin.vault.services.import_drafts import DRAFT_MAX_BYTES
from freddy_admin.web.forms import PanelForm


class WriteOnlyTextarea(forms.Textarea):
    """A text area that stays empty, whatever was typed into it, but for a text set to be shown."""

    shown_text: str | None = None

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The widget's context, without the value."""
        context: dict[str, Any] = super().get_context(name, self.shown_text, attrs)
        return context


class KeyImportForm(PanelForm):
    """The rows as text, or a file of them."""

    use_required_attribute = False

    rows = forms.CharField(
        label=_l("Rows"),
        required=False,
        strip=False,
        max_length=DRAFT_MAX_BYTES,
        help_text=_l("With the header in the first row: cells of a spreadsheet, or a CSV's text."),
        widget=WriteOnlyTextarea(
            {
                "rows": 8,
                "autocomplete": "off",
                "spellcheck": "false",
                "wrap": "off",
                "data-1p-ignore": "",
                "data-lpignore": "true",
            }
        ),
        error_messages={"max_length": _l("This is more than 1 MB. Split it into several parts.")},
    )
    file = forms.FileField(
        label=_l("Or a file"),
        required=False,
        help_text=_l("CSV in UTF-8 or UTF-16, at most 1 MB and 2,000 rows."),
        widget=forms.FileInput({"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
    )

    def clean(self) -> dict[str, Any]:
        """Requires either rows or a file, of at most `DRAFT_MAX_BYTES`."""
        data: dict[str, Any] = super().clean() or {}
        text, file = data.get("rows"), data.get("file")
        if bool(text) == bool(file) and not self.errors:
            raise forms.ValidationError(
                _("Paste the rows or choose a file, not both.")
                if text
                else _("Paste the rows, or choose a file of at most 1 MB.")
            )
        if file and file.size > DRAFT_MAX_BYTES:
            self.add_error("file", _("This file is larger than 1 MB. Split it into several."))
        return data

    def show_rows_again(self) -> None:
        """Show what was pasted once more; only for a text that holds no key."""
        widget = self.fields["rows"].widget
        assert isinstance(widget, WriteOnlyTextarea)  # noqa: S101  declared above
        widget.shown_text = self.data.get("rows", "")

    def read_bytes(self) -> bytes:
        """The bytes of the file or of the rows; call once, after `is_valid`."""
        file = self.cleaned_data.get("file")
        data: bytes = file.read() if file else self.cleaned_data["rows"].encode("utf-8", "replace")
        return data
