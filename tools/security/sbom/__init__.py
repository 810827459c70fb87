"""The bill of materials: every library and vendored file, as CycloneDX."""
