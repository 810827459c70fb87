"""Every action of the panel by the name of its route, with the audit events it records."""
