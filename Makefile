# The two commands: `make demo` and `make test`. Everything they need they install into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv takes the indexes, certificates and proxy that pip is configured with.
UV := $(BIN)/python scripts/uv_like_pip.py $(BIN)/uv
MEMBERS := contracts runtime services/projector services/query_api devkit
WEB := services/query_api/web
# The decisions, which do no I/O: every branch of them has a unit test.
PURE := */projector/fold/*,*/projector/generation_policy.py,*/projector/consumer/continuity.py,*/query_api/report/*
PURE_COVERED := 100
PAGES := services/query_api/src/query_api/assets/pages
PAGES_FROM := $(shell find $(WEB)/page $(WEB)/src $(WEB)/tools -type f) $(WEB)/index.html $(WEB)/vite.config.ts
NODE := cd $(WEB) && PATH="$(CURDIR)/$(BIN):$$PATH"

.DEFAULT_GOAL := help
.PHONY: help setup pages chromium lock demo test test-setup lint unit check coverage engines chaos bench bench-latency bench-projector bench-api bench-read soak schemas client clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# Every index is searched for the locked version, as pip does; the hashes are what makes that safe.
$(VENV)/.installed: requirements/bootstrap.txt requirements/dev.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	@$(PYTHON) -c 'import sys; sys.exit("Obzvon needs Python 3.11 or newer; this is %s. Name another one: make PYTHON=python3.12" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Installing everything into $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes --index-strategy unsafe-best-match -r requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps $(addprefix -e ,$(MEMBERS))
	@touch $@

# With the Node of .venv, so that it is the same everywhere.
$(WEB)/node_modules/.installed: $(WEB)/package-lock.json $(WEB)/.npmrc | $(VENV)/.installed
	@echo "Installing the TypeScript client's tools into $(WEB)/node_modules ..."
	@$(NODE) npm ci --loglevel=error >/dev/null
	@touch $@

$(PAGES)/build.json: $(PAGES_FROM) $(WEB)/node_modules/.installed
	@echo "Building the pages into $(PAGES) ..."
	@$(NODE) node --run pages

setup: $(VENV)/.installed $(WEB)/node_modules/.installed $(PAGES)/build.json  ## .venv, the client's tools and the built pages, all of it locked

pages: $(PAGES)/build.json  ## build the pages, if their sources have changed

lock: $(VENV)/.installed  ## compile the locks anew
	cd requirements && for set in bootstrap projector query_api dev mutants; do \
	  $(addprefix ../,$(UV)) pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url --python-version 3.11 $$set.in -o $$set.txt || exit 1; done

demo: $(VENV)/.installed $(PAGES)/build.json  ## a living report in the terminal, on embedded Kafka and Redis
	@$(BIN)/obzvon demo

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m contracts.schemas --check
	@$(NODE) node --run lint

# In two processes: the core must be covered to the last branch, whatever runs it elsewhere.
unit: setup
	@$(BIN)/pytest tests/unit --quiet --numprocesses 2 --dist worksteal --cov --cov-report=
	@$(BIN)/coverage report --include='$(PURE)' --skip-covered --fail-under=$(PURE_COVERED)

check: setup  ## in a minute: format, lint, types, imports; unit tests, and the core's branch coverage
	@$(MAKE) --no-print-directory --jobs=2 lint unit

coverage: unit  ## line and branch coverage of the unit tests, module by module
	@$(BIN)/coverage report --show-missing --skip-covered

chromium:  ## Debian's Chromium, in which the pages are tried, unless there is one
	@sh scripts/install_chromium.sh

test: setup chromium lint  ## lint, types, imports; unit, integration and end-to-end tests
	@$(BIN)/pytest

test-setup: setup  ## `make setup` behind a mirror with a private certificate and a password; downloads every wheel
	@$(BIN)/pytest tests/setup

bench-latency: engines  ## milliseconds from publish to visible, at 1,000 events a second
	@PYTHONPATH=tests $(BIN)/python bench/bench_latency.py

bench-projector: engines  ## events a second: plain, validating, the projector, per message
	@PYTHONPATH=tests $(BIN)/python bench/bench_projector.py

bench-read: engines  ## reading with 1,000 and 1,000,000 tasks in Redis; bytes per task
	@PYTHONPATH=tests $(BIN)/python bench/bench_read.py

# What did not come in time may be the machine's doing, so it is tried once more, for all to see; a
# wrong figure never is.
LATE := --reruns 1 --only-rerun 'not within|StackError|Timeout|>= 2000'

engines: setup  ## Apache Kafka and redis-server are there, or what is missing is said
	@$(BIN)/python -m devkit.real_engines fetch

chaos: engines  ## every fault, on real Apache Kafka and Redis; prints what was found
	@rm -f .cache/chaos-results.jsonl
	@$(BIN)/pytest tests/chaos $(LATE)
	@$(BIN)/python tests/chaos/results.py

soak: engines  ## SOAK_MINUTES (15) at half the maximum rate: memory and latency stay as they were
	@PYTHONPATH=tests $(BIN)/python bench/soak.py || { test $$? = 3 && echo "Slower: once more" && PYTHONPATH=tests $(BIN)/python bench/soak.py; }

schemas: setup  ## write contracts/schemas anew; refused where older publishers would break
	@$(BIN)/python -m contracts.schemas

client: setup  ## write the OpenAPI and the TypeScript client's types anew, from the code
	@$(BIN)/python -m query_api openapi > .openapi.json && mv .openapi.json services/query_api/openapi.json || { rm -f .openapi.json; exit 1; }
	@$(NODE) node --run generate
	@$(NODE) node --run format
	@$(NODE) node --run size

bench-api: engines  ## the API beside bare routes, and a thousand streams; needs wrk
	@PYTHONPATH=tests $(BIN)/python bench/bench_api.py

bench: bench-projector bench-latency bench-read bench-api  ## all benchmarks

$(VENV)/.mutants: requirements/mutants.txt | $(VENV)/.installed
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/mutants.txt
	@touch $@

mutants: $(VENV)/.mutants  ## small changes of the pure core that no unit test sees (docs/mutation.md)
	@$(BIN)/python scripts/mutants.py $(MUTANTS)

.PHONY: mutants golden-layout surface surface-compare

golden-layout: setup  ## write golden's layout of Redis again; refused unless FOLD_VERSION was raised
	@OBZVON_WRITE_GOLDEN=1 $(BIN)/pytest -q tests/integration/projector/store/test_redis_layout.py

surface: $(VENV)/.installed  ## write what others see of this checkout into .cache/surface/head
	@PYTHONPATH=tests $(BIN)/python -m surface write . .cache/surface/head

# In a worktree of its own, with that revision's own .venv.
surface-compare: surface  ## how it differs from BASE (a revision): Redis, HTTP, metrics, settings
	@git worktree add --quiet --force --detach .cache/surface/tree $(BASE)
	@$(MAKE) --no-print-directory -C .cache/surface/tree $(VENV)/.installed
	@PYTHONPATH=tests $(BIN)/python -m surface write .cache/surface/tree .cache/surface/base
	@git worktree remove --force .cache/surface/tree
	@PYTHONPATH=tests $(BIN)/python -m surface compare .cache/surface/base .cache/surface/head

clean:
	rm -rf $(VENV) .obzvon $(WEB)/node_modules $(WEB)/dist $(WEB)/build $(PAGES)
