"""The panel's own API tokens for programs, which are stored as digests."""
