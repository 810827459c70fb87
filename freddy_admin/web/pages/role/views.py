"""What each role may do."""

from collections.abc import Collection
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from freddy_admin.organisations.roles import (
    ADMIN_PERMISSIONS,
    ROLE_PERMISSIONS,
    Permission,
    PlatformPermission,
)
from freddy_admin.web.access import signed_in_user_required
from freddy_admin.wording.roles import permission_sentence, role_name


@signed_in_user_required()
def role_list_view(request: HttpRequest) -> HttpResponse:
    """Each permission there is, and who has it: read off the very table that decides."""
    return render(request, "role/page.html", role_permissions_context())


def role_permissions_context() -> dict[str, Any]:
    """The names of the columns, and two lists of rows: a sentence, and a cell for each column."""
    holders: dict[str, Collection[Any]] = {
        role_name(role): permissions for role, permissions in ROLE_PERMISSIONS.items()
    }
    holders[_("Platform admin")] = ADMIN_PERMISSIONS
    return {
        "columns": list(holders),
        "organisation_rows": [_permission_row(permission, holders) for permission in Permission],
        "panel_rows": [_permission_row(permission, holders) for permission in PlatformPermission],
    }


def _permission_row(
    permission: Permission | PlatformPermission, holders: dict[str, Collection[Any]]
) -> dict[str, Any]:
    # A cell repeats the name of its column, for narrow screens.
    cells = [(name, permission in permissions) for name, permissions in holders.items()]
    return {"sentence": permission_sentence(permission), "cells": cells}
