"""Measurements of speed, as ratios: `make bench`."""
