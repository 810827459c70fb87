"""The panel's own tokens: made, kept as digests, presented by programs, and what they may do."""
