"""Security tools of the Makefile: secret search, dependency audit, bill of materials, scanners."""
