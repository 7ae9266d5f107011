PYTHON ?= python3
PORT ?= 8000
SANDBOX_PORT ?= 8100
WIKI_PORT ?= 8200
BIN := .venv/bin

.PHONY: run serve worker test soak bench lint screenshots translations clean

run: .venv/run.done
	@$(BIN)/flask db upgrade
	@[ -n "$$PORTAL_BASE_URL_FILE" ] || export PORTAL_BASE_URL="$${PORTAL_BASE_URL:-http://127.0.0.1:$(PORT)}"; \
	[ -n "$$PORTAL_UNKNOWN_PEOPLE_FILE" ] || export PORTAL_UNKNOWN_PEOPLE="$${PORTAL_UNKNOWN_PEOPLE:-create}"; \
	[ -n "$$PORTAL_SYNC_EVERY_FILE" ] || export PORTAL_SYNC_EVERY="$${PORTAL_SYNC_EVERY:-60}"; \
	export SANDBOX_URL="http://127.0.0.1:$(SANDBOX_PORT)"; \
	exec $(BIN)/flask up --with-parent --port $(PORT) --sandbox-port $(SANDBOX_PORT) --wiki-port $(WIKI_PORT)

serve: .venv/run.done
	@PORTAL_ENV=production exec $(BIN)/gunicorn "app:create_app()"

worker: .venv/run.done
	@PORTAL_ENV=production exec $(BIN)/flask worker

test: .venv/test.done node_modules
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

soak: .venv/test.done
	$(BIN)/pytest -m soak $(ARGS)

bench: .venv/test.done
	PYTHONPATH=.:tests $(BIN)/python -m bench sync $(ARGS)
	PYTHONPATH=.:tests $(BIN)/python -m bench bindings
	PYTHONPATH=.:tests $(BIN)/python -m bench admin
	PYTHONPATH=.:tests $(BIN)/python -m bench login
	PYTHONPATH=.:tests $(BIN)/python -m bench gate
	PYTHONPATH=.:tests $(BIN)/python -m bench morning
	PYTHONPATH=.:tests $(BIN)/python -m bench servers

lint: .venv/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

screenshots: .venv/test.done
	PYTHONPATH=.:tests $(BIN)/python tests/support/screenshots.py $(ARGS)

translations: .venv/run.done
	$(BIN)/pybabel -q extract -F translations/babel.cfg --no-location --sort-output --omit-header -o translations/messages.pot .
	$(BIN)/pybabel -q update -i translations/messages.pot -d translations -l zh --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel -q compile -f -d translations

# A real application behind the gate. Its libraries are not the portal's.
.venv/jupyterhub.done: requirements-jupyterhub.txt | .venv/bin/pip
	$(BIN)/python -m venv .venv/jupyterhub
	.venv/jupyterhub/bin/pip install --quiet --disable-pip-version-check -r requirements-jupyterhub.txt
	@touch $@

node_modules: package.json
	@if command -v npm >/dev/null; then npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error; fi
	@mkdir -p $@ && touch $@

clean:
	rm -rf .venv node_modules .pytest_cache .ruff_cache

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv

.venv/run.done: requirements.txt | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/test.done: requirements.txt requirements-dev.txt | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ .venv/run.done
