"""The pages of connectors and auth configs, ready for their templates."""
