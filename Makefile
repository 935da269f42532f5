# Each target does all of its own set-up; `make demo` and `make test` work on a fresh machine with Python 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/installed
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DO_NOT_TRACK := 1

.PHONY: install demo test test-faults test-browser test-swift check lint bench lock clean

install: $(INSTALLED)

# Hashes are required, so what is installed is what was reviewed; nothing is resolved here.
$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The whole pipeline on real flights, ending in a verdict; exit code 0 whatever the verdict.
demo: install
	@windtunnel demo

# Everything but the tests of faults and those that need a component of their own (test-faults, test-browser, test-swift).
test: install
	pytest -q -n 2 --dist loadscope -m "not faults and not browser and not swift"

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
	pytest -q -n 2 --dist loadscope -m "not slow and not browser and not swift" --cov --cov-report=term-missing:skip-covered

# The report and the Prefect UI in headless Chromium (Debian: apt-get install chromium).
test-browser: install
	pytest -q -m browser

# The lake and the remotes on OpenStack Swift (Debian, as root: see tests/swift/swift_up.sh).
test-swift: install
	pytest -q -m swift tests/swift

# Timings as ratios and CPU seconds, with the peer beside; nothing is asserted.
bench: install
	python -m benchmarks

# Resolve again; needs uv. No registry's host is written.
lock:
	uv pip compile pyproject.toml --universal --generate-hashes --extra demo --extra mlflow --group dev --python-version 3.11 --no-header -o requirements.lock

# Leaves data, keys, receipts and remotes alone: they cannot be made again.
clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
