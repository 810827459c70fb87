"""Every form looks at the length of what was sent first: ours, and those of the sign-in library."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from allauth.utils import get_form_class
from django import forms
from django.conf import settings
from django.http import QueryDict
from django.urls import get_resolver

import freddy_admin
from freddy_admin.core.forms import TEXT_AT_MOST, BoundedForm, LineField
from freddy_admin.web.body_limit import LONGER
from tests.web.test_access_table import _patterns


def _ours() -> Iterator[type[forms.BaseForm]]:
    for found in pkgutil.walk_packages(freddy_admin.__path__, "freddy_admin."):
        if ".migrations" in found.name or found.name.endswith(".settings"):
            continue
        module = import_module(found.name)
        for one in vars(module).values():
            is_form = isinstance(one, type) and issubclass(one, forms.BaseForm)
            if is_form and one.__module__ == module.__name__:
                yield one


def test_every_form_of_ours_is_bounded() -> None:
    found = list(_ours())
    assert len(found) > 20
    assert [one.__name__ for one in found if not issubclass(one, BoundedForm)] == []


def test_every_form_of_the_library_that_an_address_leads_to_is_bounded() -> None:
    asked = {
        getattr(view, "form_class", None)
        for _route, pattern in _patterns(get_resolver())
        if (view := getattr(pattern.callback, "view_class", None))
    }
    bounded = [
        get_form_class(known, name, None)
        for known in (settings.ACCOUNT_FORMS, settings.MFA_FORMS)
        for name in known
    ]
    assert all(issubclass(form, BoundedForm) for form in bounded)
    for form in asked - {None}:
        # A view of the library asks the settings for a form in the place of its own.
        replaced = any(issubclass(one, form) for one in bounded)
        assert issubclass(form, BoundedForm) or replaced or not form.base_fields, form


def test_no_text_field_takes_more_than_the_door_lets_through() -> None:
    for form in _ours():
        for name, field in form.base_fields.items():
            most = getattr(field, "max_length", None) or TEXT_AT_MOST
            assert most <= LONGER.get(name, TEXT_AT_MOST), f"{form.__name__}.{name}"


class _Sample(BoundedForm):
    line = LineField(limit=5)
    number = forms.IntegerField(required=False)
    ticked = forms.BooleanField(required=False)
    several = forms.MultipleChoiceField(choices=[("a", "a")], required=False)


def test_what_is_too_long_is_told_and_not_sent_back() -> None:
    long = "x" * (TEXT_AT_MOST + 1)
    for name in _Sample.base_fields:
        form = _Sample(QueryDict(f"line=a&{name}={long}"))
        assert list(form.errors) == [name]
        assert "Shorten this to at most" in form.errors[name][0]
        assert long not in form.as_p()


def test_a_line_is_measured_by_what_a_reader_sees() -> None:
    assert _Sample(QueryDict(f"line={'e%CC%81' * 5}")).is_valid()
    form = _Sample({"line": "x" * 21})
    assert form.errors["line"] == ["Shorten this to at most 5 characters."]
