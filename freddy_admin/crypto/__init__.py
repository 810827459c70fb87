"""Cryptography: sealing with HPKE, the keyring, fingerprints, the hash chain, KMS."""
