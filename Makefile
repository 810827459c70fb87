# `make help` lists what there is. Needs Python 3.11 or newer and a package index, nothing else.

PYTHON ?= python3
PORT ?= 8000
SPEED ?= 1
# Of the tests. Many wait for servers and other processes: more than there are cores.
PROCESSES ?= 4
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help python runtime dev env demo run test test-postgres coverage drills golden assets lint lines secrets audit sbom observatory wapiti bench lock screenshots clean

help: ## List these commands
	@echo "Freddy Admin"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do printf '%-20s %s\n' "$$name" "$$text"; done

python:
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3 demo" >&2; exit 1; }

runtime: python
	@$(PYTHON) freddy_admin/ops/venv_install.py runtime

dev: python
	@$(PYTHON) freddy_admin/ops/venv_install.py dev

env: runtime
	@$(BIN)/python -m freddy_admin.ops.env_file

demo: env ## Start the panel with sample organisations and an imitation of the API
	@$(BIN)/python manage.py demo --port $(PORT) --speed $(SPEED)

run: env ## Start the panel, empty, against the real Aitronos API
	@$(BIN)/python manage.py panel --port $(PORT)

# By file, so that tests that share a running panel meet it in one process.
test: dev ## Run every test
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile $(ARGS)

test-postgres: dev ## Run every test against PostgreSQL and Redis (their servers must be installed)
	$(BIN)/python -m tests.servers $(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile $(ARGS)

# The rooms are named in pyproject.toml. A report that fails is one of its own: with --fail-under the
# first one forgets what pytest's other processes measured.
coverage: dev ## Run every test; the rooms that must not fail have 95 % branch coverage or more, together
	@mkdir -p var
	$(BIN)/python -m slipcover --json --out var/coverage.json -m pytest -n $(PROCESSES) --dist loadfile $(ARGS)
	@$(BIN)/python -m slipcover --fail-under 95 --merge var/coverage.json --out var/coverage.json

drills: dev ## Every attack, fault and kill loop in full; the other runs take a tenth of each
	DRILLS=full $(BIN)/python -m pytest -m drill -n $(PROCESSES) --dist loadfile $(ARGS)

golden: dev ## Write anew every text that the panel shows, tests/golden/texts; the diff shows what changed
	GOLDEN=write $(BIN)/python -m pytest -q tests/golden

assets: dev ## Write static/dist anew: the one style sheet and the one script, with compressed copies
	$(BIN)/python -m tools.assets

lint: dev ## Linters, types, import directions, security checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=true $(BIN)/mypy
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/bandit --quiet --recursive freddy_admin --configfile pyproject.toml --severity-level medium
	$(BIN)/lint-imports
	$(BIN)/python -m tests.conventions.deploy_check
	$(BIN)/python -m tools.security.secrets --tree

lines: dev ## Count code lines of freddy_admin, without docstrings, comments and migrations
	@$(BIN)/python -m tools.code_lines $(ARGS)

secrets: dev ## Search the tree and every commit for secrets; without the network
	$(BIN)/python -m tools.security.secrets

audit: dev var/audit/bin/pip-audit ## Ask an advisory service for known vulnerabilities of the libraries (needs the network)
	@$(BIN)/python -m tools.security.dependency_audit var/audit/bin/pip-audit

var/audit/bin/pip-audit: requirements/audit.txt
	@rm -rf var/audit && $(PYTHON) -m venv var/audit
	@var/audit/bin/pip install --quiet --require-hashes --no-deps -r requirements/audit.txt && touch $@

sbom: dev ## Write the bill of materials, var/sbom.cdx.json (CycloneDX)
	@mkdir -p var && $(BIN)/python -m tools.security.sbom var/sbom.cdx.json

observatory: dev ## Mozilla's Observatory over the panel, on loopback (needs Node 20 and npm)
	@mkdir -p var/observatory && cd var/observatory && npm install --silent --no-fund --no-audit --ignore-scripts @mdn/mdn-http-observatory
	$(BIN)/python -m tools.security.observatory var/observatory

wapiti: dev ## The scanner wapiti over the panel, on loopback, as three kinds of people
	@test -x var/wapiti/bin/wapiti || { $(PYTHON) -m venv var/wapiti && var/wapiti/bin/pip install --quiet wapiti3==3.2.3; }
	$(BIN)/python -m tools.security.wapiti var/wapiti/bin/wapiti

bench: dev ## Measure speed, as ratios; ends with 3 where a goal is missed
	$(BIN)/python -m benchmarks $(ARGS)

lock: dev ## Pin the libraries anew, with hashes, from requirements/*.in
	$(BIN)/uv pip compile --quiet --no-header --generate-hashes --universal --python-version 3.11 --upgrade requirements/base.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --no-header --generate-hashes --universal --python-version 3.11 --upgrade -c requirements.txt requirements/aws.in -o requirements/aws.txt
	$(BIN)/uv pip compile --quiet --no-header --generate-hashes --universal --python-version 3.11 --upgrade -c requirements.txt requirements/anymail.in -o requirements/anymail.txt
	$(BIN)/uv pip compile --quiet --no-header --generate-hashes --universal --python-version 3.11 --upgrade requirements/dev.in -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --no-header --generate-hashes --universal --python-version 3.11 --upgrade requirements/audit.in -o requirements/audit.txt

screenshots: dev env ## Take the README's screenshots of the demo (needs Chromium)
	$(BIN)/python -m tests.browser.screenshots docs/screenshots

clean: ## Remove the virtual environment and caches; keeps .env and the data in var/
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
