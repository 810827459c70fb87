"""The URLs of the pages, of the JSON API, of accounts, and of what machines ask."""

from django.urls import include, path

from freddy_admin.api import ninja_api
from freddy_admin.ops import health_views, metrics_view

urlpatterns = [
    path("", include("freddy_admin.web.urls")),
    path("api/v1/", ninja_api.urls),
    path("api/<path:rest>", ninja_api.not_found, name="api_not_found"),
    path("accounts/", include("freddy_admin.accounts.urls")),
    path("healthz", health_views.liveness_view, name="healthz"),
    path("readyz", health_views.readiness_view, name="readyz"),
    path("metrics", metrics_view.metrics_view, name="metrics"),
]
handler400 = "freddy_admin.web.pages.error.views.bad_request_view"
handler403 = "freddy_admin.web.pages.error.views.permission_denied_view"
handler404 = "freddy_admin.web.pages.error.views.page_not_found_view"
handler500 = "freddy_admin.web.pages.error.views.server_error_view"
