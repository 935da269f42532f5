# Each target does all of its own set-up; `make demo` and `make test` work on a fresh machine with Python 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/installed
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DO_NOT_TRACK := 1

EXTRAS := .venv-extras/bin
INSTALLED_EXTRAS := .venv-extras/installed

.PHONY: install install-extras demo test test-whole test-faults test-browser test-swift test-spark test-text check lint bench lock clean

install: $(INSTALLED)

# Hashes are required, so what is installed is what was reviewed; nothing is resolved here. Each stage is a process: without compiled
# bytecode, which some environments forbid Python to write, each would compile our code anew.
$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q tasks flows
	@touch $@

# Spark and Presidio, which few need and which are large, in an environment of their own: Great Expectations behaves otherwise
# where it finds Spark.
install-extras: $(INSTALLED_EXTRAS)

$(INSTALLED_EXTRAS): requirements.lock requirements-extras.lock pyproject.toml
	$(PYTHON) -m venv .venv-extras
	$(EXTRAS)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(EXTRAS)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-build-isolation -r requirements-extras.lock
	$(EXTRAS)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The whole pipeline on real flights, ending in a verdict; exit code 0 whatever the verdict.
demo: install
	@windtunnel demo

# Everything but what takes minutes a test (test-whole, test-faults), or needs a component of its own (test-browser, test-swift, test-spark, test-text).
test: install
	pytest -q -n 2 --dist loadscope -m "not whole and not faults and not browser and not swift and not spark and not presidio"

# Whole projects: founded on own lakes, refreshed, judged in worktrees; and every command of the README.
test-whole: install
	pytest -q -n 2 --dist loadscope -m "whole and not faults and not browser"

# Runs and servers that are killed, stopped, doubled, out of disk; and the Prefect server with its worker.
test-faults: install
	pytest -q -n 2 --dist loadscope -m "faults and not browser"

lint: install
	ruff check .
	ruff format --check .
	mypy
	lint-imports

# Lint, types, import contracts and the fast tests with their coverage, in about two minutes.
check: lint
	pytest -q -n 2 --dist loadscope -m "not slow and not browser and not swift and not spark and not presidio" --cov --cov-report=term-missing:skip-covered

# The report and the Prefect UI in headless Chromium (Debian: apt-get install chromium).
test-browser: install
	pytest -q -m browser

# The lake and the remotes on OpenStack Swift (Debian, as root: see tests/swift/swift_up.sh).
test-swift: install
	pytest -q -m swift tests/swift

# Masking on Apache Spark, local and with two workers (Debian: apt-get install openjdk-17-jre-headless).
test-spark: install-extras
	PATH="$(CURDIR)/$(EXTRAS):$$PATH" $(EXTRAS)/pytest -q -m spark tests/spark

# Free text through Presidio.
test-text: install-extras
	PATH="$(CURDIR)/$(EXTRAS):$$PATH" $(EXTRAS)/pytest -q -m presidio tests/unit/masking

# Timings as ratios and CPU seconds, with the peer beside; nothing is asserted.
bench: install
	python -m benchmarks

COMPILE := uv pip compile pyproject.toml --universal --generate-hashes --extra demo --extra mlflow --group dev --python-version 3.11 --no-header

# Resolve again; needs uv. No registry's host is written.
lock:
	$(COMPILE) -o requirements.lock
	$(COMPILE) --extra spark --extra text -c requirements.lock $$(sed -nE 's/^([a-z0-9._-]+)==.*/--no-emit-package \1/p' requirements.lock) -o requirements-extras.lock

# Leaves data, keys, receipts and remotes alone: they cannot be made again.
clean:
	rm -rf .venv .venv-extras build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
