PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo
# only a folder with this file in it is deleted
MARK := $(DEMO)/.made-by-make-demo

.PHONY: demo free test check lint format lock venv clean

demo: free $(VENV)/.done  ## the main job end to end on the embedded market
	rm -rf $(DEMO)
	mkdir -p $(DEMO)
	touch $(MARK)
	$(BIN)/python pipelines/generate.py --out $(DEMO)/raw --days 20 --hours 1 --seed 7
	$(BIN)/python pipelines/prepare.py $(DEMO)/raw --store $(DEMO)/store
	$(BIN)/python pipelines/train.py configs/quickstart.toml --run-dir $(DEMO)/run --set data.store=$(DEMO)/store
	$(BIN)/python pipelines/evaluate.py $(DEMO)/run --out $(DEMO)/evaluation

free:
	@if [ -e $(DEMO) ] && [ ! -e $(MARK) ]; then \
		echo "error: $(DEMO) is not of make demo (no $(notdir $(MARK)) in it) and stays: move it, or take another name by make DEMO=NAME" >&2; \
		exit 1; \
	fi

# a worker that dies is not started anew: see tests/workers.py
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

test: lint  ## all tests
	$(PYTEST)

check: lint  ## before each commit: style, types and the quick tests
	$(PYTEST) -m "not slow"

lint: $(VENV)/.done  ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.done
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

venv: $(VENV)/.done  ## the locked environment

WANTED := linux x86_64 3.11
PROBE := import platform, sys; print(sys.platform, platform.machine(), "%d.%d" % sys.version_info[:2])

# .done is written last: a build that was interrupted does not count.
# Debian ships ensurepip, which venv needs, in a package of its own (python3.11-venv).
$(VENV)/.done: requirements.lock pyproject.toml
	@found=$$($(PYTHON) -c '$(PROBE)' 2>/dev/null) || found="no working $(PYTHON)"; \
	if [ "$$found" = "$(WANTED)" ]; then $(PYTHON) -c 'import ensurepip' 2>/dev/null || found="$$found without venv"; fi; \
	if [ "$$found" != "$(WANTED)" ]; then \
		echo "error: tfmm needs Python 3.11 on Linux x86-64 with venv (dm-reverb has no wheels for others), found: $$found; try make PYTHON=/path/to/python3.11" >&2; \
		exit 1; \
	fi
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

UV_COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --python-version 3.11 --python-platform x86_64-unknown-linux-gnu \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"

lock: $(BIN)/uv  ## compile the lock files anew: tests and work, Docker, GPU
	$(UV_COMPILE) --extra dev -o requirements.lock
	$(UV_COMPILE) --constraint requirements.lock -o requirements-runtime.lock
	$(UV_COMPILE) --constraint requirements.lock --extra gpu -o requirements-gpu.lock

# without prerequisites: an environment that is out of date can still compile its own lock
$(BIN)/uv:
	$(MAKE) venv

clean: free
	rm -rf $(VENV) $(DEMO)
