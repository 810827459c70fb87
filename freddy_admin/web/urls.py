"""Every page of the panel, in one list."""

from django.urls import path

from freddy_admin.web.views import overview

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("audit/", overview.overview, name="audit"),
    path("system/", overview.overview, name="system"),
    path("profile/", overview.overview, name="profile"),
]
