"""Searches the tree and every commit of a repository for secrets, without any network call."""
