"""Looks for secrets in the tree and in every commit of a repository; asks nobody."""
