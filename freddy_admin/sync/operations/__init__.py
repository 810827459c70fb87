"""Remote operations: what people ask the worker to do at Aitronos, sent once at most."""
