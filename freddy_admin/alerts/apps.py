from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "freddy_admin.alerts"
    label = "alerts"

    def ready(self) -> None:
        """Add the open incident to the lists of keys; register what is sent, and repaired."""
        from freddy_admin.alerts.channels import notices  # noqa: F401
        from freddy_admin.alerts.clock_repair import alert_tables_register
        from freddy_admin.alerts.deliveries import sending  # noqa: F401
        from freddy_admin.alerts.digest import mail  # noqa: F401
        from freddy_admin.alerts.incidents.key_rows import open_incident_expression
        from freddy_admin.alerts.receivers import receivers_connect
        from freddy_admin.sync.status.incident_column import incident_column_register

        incident_column_register(open_incident_expression)
        alert_tables_register()
        receivers_connect()
        from freddy_admin.alerts.view_change_triggers import VIEW_CHANGE_TRIGGERS
        from freddy_admin.core.view_changes import view_change_triggers_register

        view_change_triggers_register(*VIEW_CHANGE_TRIGGERS)
