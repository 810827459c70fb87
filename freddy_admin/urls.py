"""The URLs of the pages, of accounts and of operations."""

from django.urls import include, path

urlpatterns = [
    path("", include("freddy_admin.web.urls")),
    path("accounts/", include("freddy_admin.accounts.urls")),
    path("", include("freddy_admin.ops.urls")),
]

handler400 = "freddy_admin.web.views.error_pages.bad_request_view"
handler403 = "freddy_admin.web.views.error_pages.permission_denied_view"
handler404 = "freddy_admin.web.views.error_pages.page_not_found_view"
handler500 = "freddy_admin.web.views.error_pages.server_error_view"
