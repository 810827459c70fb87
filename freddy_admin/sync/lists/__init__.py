"""What Aitronos lists beside the status: asked for, fetched by the worker, read."""
