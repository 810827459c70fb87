"""Forms of the pages. They clean values; the services decide whether these are allowed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from freddy_admin.core.errors import PublicError
from freddy_admin.core.forms import BoundedForm
from freddy_admin.core.json_responses import add_error_headers
from freddy_admin.core.text_validation import typed_text_matches


@contextmanager
def add_form_errors(form: forms.Form) -> Iterator[None]:
    """Adds a PublicError of the block to its field, else to the form; raises 403 and 404 again."""
    try:
        yield
    except PublicError as service_error:
        if service_error.http_status in {403, 404}:
            raise
        field = service_error.field if service_error.field in form.fields else None
        form.add_error(field, service_error.message)
        if isinstance(form, PanelForm):
            form.service_error = service_error


def render_form_page(request: HttpRequest, template: str, page: Mapping[str, Any]) -> HttpResponse:
    """The page with its `form`; status 429 where the service was called too often."""
    response, form = render(request, template, dict(page)), page["form"]
    service_error = form.service_error if isinstance(form, PanelForm) else None
    if service_error is None or service_error.http_status != 429:
        return response
    response.status_code = service_error.http_status
    return add_error_headers(response, service_error)


def _widget_css_class(widget: forms.Widget) -> str:
    if isinstance(widget, forms.RadioSelect):
        return "form-check-input"
    return "form-select" if isinstance(widget, forms.Select) else "form-control"


class PanelForm(BoundedForm):
    """A form with the CSS classes and messages of the panel."""

    use_required_attribute = True
    # Set by `add_form_errors`.
    service_error: PublicError | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": ""} | kwargs)
        # Errors are marked by the template: reading them here would validate too early.
        for name, field in self.fields.items():
            field.widget.attrs["class"] = _widget_css_class(field.widget)
            if name != "api_key":
                field.error_messages["required"] = _("Fill this in.")


class ConfirmationForm(PanelForm):
    """Asks for a text, `expected`, so that nothing is removed or changed by a slip."""

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def typed_text(self, field: str, *, refusal: str) -> str:
        """What was typed into `field`; raises ValidationError, with this text, where it differs."""
        typed = str(self.cleaned_data[field])
        if not self.matches(typed):
            raise forms.ValidationError(refusal)
        return typed

    def matches(self, typed: str) -> bool:
        """Whether this is the expected text, whatever kinds of spaces stand in it."""
        return typed_text_matches(typed, self.expected)
