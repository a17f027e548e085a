# Two commands on a fresh machine with make, git and Python 3.11 or newer: `make sample` and `make test`.
# Everything lives in .venv in this folder; nothing is installed into the system.

.PHONY: help sample test crawl check lint forests histories fuzz-pages bench bench-reading bench-rereading bench-storing \
	bench-accuracy bench-asking clean
.DEFAULT_GOAL := help

# uv takes our own interpreter and never fetches one; a folder chosen elsewhere does not count here.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV UV_PYTHON

# The Python that .venv is made with: `make PYTHON=/path/to/python3.13 test`, or the first of these that will do.
PYTHONS := $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3 python)

# .venv/.made holds the folder that the environment was made in: its commands have that path inside.
# Should the folder have moved, or its Python be gone, the environment is made anew.
ifneq "$(shell .venv/bin/python -c '' 2>/dev/null && cat .venv/.made 2>/dev/null)" "$(CURDIR)"
.PHONY: .venv/.made
endif

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

sample: .venv/.made ## try everything on a small made-up site, without the network
	@.venv/bin/crawler sample

# A process that hangs or crashes is not started anew: xdist would give it the same test, and again.
test: .venv/.made ## run the whole test suite, Postgres included
	@.venv/bin/python -m pytest --numprocesses auto --dist loadfile --max-worker-restart 0

crawl: .venv/.made ## crawl the live English edition, politely, into ./crawler.db and ./archive
	@.venv/bin/scrapy crawl military_review

check: ## run all that CI runs: lock file, lint, format, types, import rules, tests
	@.ci/run

lint: .venv/.made ## look for mistakes, and check format, types and import rules
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

forests: .venv/.made ## read 10,000 random threads of each era back from their pages (8 minutes)
	@.venv/bin/python -m tests.forest_reading $(if $(FIRST),--first $(FIRST))

histories: .venv/.made ## compare 1,000 random histories with what is stored of them, on both databases (10 minutes)
	@.venv/bin/python -m tests.histories $(if $(SEED),--seed $(SEED))

fuzz-pages: .venv/.made ## read 10,000 damaged pages: each gives an item or a named error, soon (a minute)
	@.venv/bin/python -m tests.fuzz_pages $(if $(SEED),--seed $(SEED))

bench: .venv/.made ## measure what a page costs, and memory over 2,000 pages (a minute)
	@.venv/bin/python -m tests.benchmarks.pages
	@.venv/bin/python -m tests.benchmarks.memory

bench-reading: .venv/.made ## measure what reading a page costs, beside a bare parse and a plain parsel spider (15 seconds)
	@.venv/bin/python -m tests.benchmarks.reading

bench-rereading: .venv/.made ## measure how fast an archive is read again (20 seconds)
	@.venv/bin/python -m tests.benchmarks.rereading

bench-storing: .venv/.made ## measure what storing costs, beside COPY and bare inserts, and what the archive does (10 minutes)
	@.venv/bin/python -m tests.benchmarks.storing $(if $(QUICK),--quick)

# The libraries that we are compared with need older packages than we do, so they get an environment of their own.
bench-accuracy: .venv/.made ## measure how well pages are read, beside others, and write it into README.md (a minute)
	@UV_PROJECT_ENVIRONMENT=.venv-bench .venv/bin/uv sync --frozen --quiet --no-dev --group bench \
		--no-install-project --python .venv/bin/python
	@.venv-bench/bin/python -m tests.benchmarks.accuracy $(if $(SEEDS),--seeds $(SEEDS))

bench-asking: .venv/.made ## measure what it costs to ask what was, in archives of growing size (5 minutes)
	@.venv/bin/python -m tests.benchmarks.asking

clean: ## remove what make built: environment, sample run, caches; never your data
	rm -rf .venv .venv-bench sample-run build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find crawler migrations tests -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# uv fills .venv with exactly what uv.lock says. Where there is none, or one older than pyproject.toml asks for (then
# `uv cache dir` fails), pip first puts the uv of uv.lock into .venv.
.venv/.made: pyproject.toml uv.lock
	@set -eu; \
	say() { echo "make: $$*" >&2; }; \
	if uv cache dir >/dev/null 2>&1; then uv=uv; needs="ssl, sqlite3"; else uv=; needs="ssl, sqlite3, venv, ensurepip"; fi; \
	if ! .venv/bin/python -c "" 2>/dev/null || { [ -e .venv/.made ] && [ "$$(cat .venv/.made)" != "$(CURDIR)" ]; }; then \
		rm -rf .venv; \
	fi; \
	python=; almost=; \
	for candidate in .venv/bin/python $(PYTHONS); do \
		"$$candidate" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null || continue; \
		if "$$candidate" -c "import $$needs" 2>/dev/null; then python=$$candidate; break; fi; \
		almost=$${almost:-$$candidate}; \
	done; \
	if [ -z "$$python" ] && [ -n "$$almost" ]; then \
		say "$$almost lacks one of the modules $$needs. Debian, Ubuntu: apt install python3-venv"; exit 1; \
	elif [ -z "$$python" ]; then \
		say "no Python 3.11 or newer found. Install one (Debian, Ubuntu: apt install python3 python3-venv;" \
			"macOS: brew install python) or name it: make PYTHON=/path/to/python3.12"; exit 1; \
	fi; \
	say "filling .venv with the packages of uv.lock, for $$("$$python" --version) …"; \
	if [ -z "$$uv" ]; then \
		uv=.venv/bin/uv; \
		if ! "$$uv" --version >/dev/null 2>&1; then \
			version=$$(sed -n '/^name = "uv"$$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock); \
			[ "$$python" = .venv/bin/python ] || "$$python" -m venv --clear .venv; \
			.venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null; \
			.venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$$version" \
				|| { say "pip could not fetch uv: see above. It needs the network, or a mirror set in PIP_INDEX_URL."; exit 1; }; \
		fi; \
		python=.venv/bin/python; \
	fi; \
	"$$uv" sync --frozen --quiet --compile-bytecode --python "$$python" \
		|| { say "uv could not fill .venv: see above. It needs the network, or a mirror set in UV_DEFAULT_INDEX."; exit 1; }; \
	echo "$(CURDIR)" > .venv/.made
