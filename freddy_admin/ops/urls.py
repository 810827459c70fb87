"""What machines ask of the panel itself."""

from django.urls import path

from freddy_admin.ops import health_views, metrics_view

urlpatterns = [
    path("healthz", health_views.liveness_view, name="healthz"),
    path("readyz", health_views.readiness_view, name="readyz"),
    path("metrics", metrics_view.metrics_view, name="metrics"),
]
