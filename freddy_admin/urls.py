"""Joins the two doors: the browser's and the operator's. Nothing is decided here."""

from django.urls import include, path

urlpatterns = [
    path("", include("freddy_admin.web.urls")),
    path("accounts/", include("freddy_admin.accounts.urls")),
    path("", include("freddy_admin.ops.urls")),
]

handler400 = "freddy_admin.web.views.errors.bad_request"
handler403 = "freddy_admin.web.views.errors.permission_denied"
handler404 = "freddy_admin.web.views.errors.page_not_found"
handler500 = "freddy_admin.web.views.errors.server_error"
