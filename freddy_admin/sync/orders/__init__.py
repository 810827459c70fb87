"""What people ask the worker to do at Aitronos: placed, sent once at most, settled."""
