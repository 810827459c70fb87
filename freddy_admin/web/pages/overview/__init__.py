"""All keys a person sees."""
