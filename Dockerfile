# The panel as one image; the command says whether it is the web server, the worker or a command:
# compose.yaml shows all of them. Built from this folder: docker build -t freddy-admin .

FROM python:3.11-slim-trixie AS libraries
WORKDIR /opt/freddy-admin
COPY requirements.txt ./
# Each file checked by its hash, and none compiled: no build tool is needed here either.
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --no-deps --only-binary=:all: -r requirements.txt \
    && .venv/bin/pip uninstall --quiet --yes setuptools pip

FROM python:3.11-slim-trixie
WORKDIR /opt/freddy-admin
# psql and pg_dump, for `manage.py backup` and `restore`. Debian keeps one version of them.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/*
COPY --from=libraries /opt/freddy-admin/.venv .venv
COPY manage.py gunicorn.conf.py .env.example ./
COPY static static
COPY templates templates
COPY freddy_admin freddy_admin
# Whatever user it runs as, with group 0: all can be read; the folder of SQLite's file and the
# settings of compose.yaml can be written.
RUN python -m compileall -q freddy_admin .venv/lib \
    && mkdir -p var /settings/web /settings/worker /settings/database \
    && chgrp -R 0 var /settings \
    && chmod -R g=u var /settings
ENV PATH=/opt/freddy-admin/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
USER 10001:0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "freddy_admin.ops.health_probe"]
CMD ["gunicorn", "--bind=0.0.0.0:8000", "freddy_admin.wsgi:application"]
