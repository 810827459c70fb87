"""Every form checks the length of its texts first: the panel's forms and those of allauth."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from allauth.utils import get_form_class
from django import forms
from django.conf import settings
from django.http import QueryDict
from django.urls import get_resolver

import freddy_admin
from freddy_admin.core.forms import DEFAULT_TEXT_MAX_LENGTH, BoundedForm, LineField
from freddy_admin.web.middleware import LONG_FIELD_LIMITS
from tests.web.test_access_table import list_url_patterns


def _list_panel_forms() -> Iterator[type[forms.BaseForm]]:
    for info in pkgutil.walk_packages(freddy_admin.__path__, "freddy_admin."):
        if ".migrations" in info.name or info.name.endswith((".settings", ".wsgi")):
            continue
        module = import_module(info.name)
        for value in vars(module).values():
            is_form = isinstance(value, type) and issubclass(value, forms.BaseForm)
            if is_form and value.__module__ == module.__name__:
                yield value


def test_every_form_of_the_panel_is_bounded() -> None:
    form_classes = list(_list_panel_forms())
    assert len(form_classes) > 20
    assert [form.__name__ for form in form_classes if not issubclass(form, BoundedForm)] == []


def test_every_routed_form_of_allauth_is_bounded() -> None:
    routed_forms = {
        getattr(view, "form_class", None)
        for _route, pattern in list_url_patterns(get_resolver())
        if (view := getattr(pattern.callback, "view_class", None))
    }
    configured_forms = [
        get_form_class(form_paths, name, None)
        for form_paths in (settings.ACCOUNT_FORMS, settings.MFA_FORMS)
        for name in form_paths
    ]
    assert all(issubclass(form, BoundedForm) for form in configured_forms)
    for form in routed_forms - {None}:
        # A view of allauth takes the form that the settings name instead of its own.
        replaced = any(issubclass(configured, form) for configured in configured_forms)
        assert issubclass(form, BoundedForm) or replaced or not form.base_fields, form


def test_no_text_field_is_longer_than_the_body_limit_allows() -> None:
    for form in _list_panel_forms():
        for name, field in form.base_fields.items():
            max_length = getattr(field, "max_length", None) or DEFAULT_TEXT_MAX_LENGTH
            assert max_length <= LONG_FIELD_LIMITS.get(name, DEFAULT_TEXT_MAX_LENGTH), (
                f"{form.__name__}.{name}"
            )


class _SampleForm(BoundedForm):
    line = LineField(limit=5)
    number = forms.IntegerField(required=False)
    checkbox = forms.BooleanField(required=False)
    choices = forms.MultipleChoiceField(choices=[("a", "a")], required=False)


def test_too_long_text_gives_an_error_and_is_not_sent_back() -> None:
    long_text = "x" * (DEFAULT_TEXT_MAX_LENGTH + 1)
    for name in _SampleForm.base_fields:
        form = _SampleForm(QueryDict(f"line=a&{name}={long_text}"))
        assert list(form.errors) == [name]
        assert "Shorten this to at most" in form.errors[name][0]
        assert long_text not in form.as_p()


def test_length_of_a_line_counts_visible_characters() -> None:
    assert _SampleForm(QueryDict(f"line={'e%CC%81' * 5}")).is_valid()
    form = _SampleForm({"line": "x" * 21})
    assert form.errors["line"] == ["Shorten this to at most 5 characters."]
