"""Switching a connector."""
