"""The library's pages for signing in, where ours say more."""

from typing import Any

from allauth.account import views as library
from django.conf import settings

from freddy_admin.accounts.first_visit import admin_exists


class SignInView(library.LoginView):  # type: ignore[misc]
    """Says where to begin in a panel that has nobody yet."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """For the template."""
        page: dict[str, Any] = super().get_context_data(**kwargs)
        mine = {"nobody_yet": not admin_exists(), "single_sign_on": ""}
        if settings.OIDC_ISSUER:
            mine["single_sign_on"] = settings.OIDC_NAME
        return page | mine
