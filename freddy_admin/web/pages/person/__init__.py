"""All people of the panel."""
