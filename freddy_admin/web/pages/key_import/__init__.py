"""Many keys at once: pasted, tested, saved once confirmed."""
