"""How gunicorn serves the panel; each value can be changed on its command line."""

import os

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
worker_class = "freddy_admin.ops.gunicorn_worker.PanelWorker"  # gthread, hardened
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
timeout = 30
graceful_timeout = 8
# Longer than the idle time of common reverse proxies, so that they close first.
keepalive = 75
# No second way in: gunicorn 25.1 and later would open a socket to steer it by.
control_socket_disable = True
# No header says what the path is: from loopback gunicorn would believe PATH_INFO and SCRIPT_NAME.
forwarder_headers = ""
# Heartbeat files in memory: a slow disk must not look like a dead worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
accesslog = None
errorlog = "-"
# A head of more than 32 KB is nobody's browser: a line, a field and how many there may be.
limit_request_line = 8190
limit_request_field_size = 8190
limit_request_fields = 60
