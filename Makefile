# Two commands do it all: `make demo` shows the thing, `make test` proves it.
# Python packages go into .venv; system libraries come through apt where it may.

VENV   := .venv
PY     := $(VENV)/bin/python
BPY    := build/bpy-venv
# onnxruntime and onnxruntime-gpu install the same module, so an NVIDIA driver decides.
ORT    := $(shell test -e /proc/driver/nvidia/version && echo gpu || echo cpu)
PYTHON ?= $(shell command -v python3.11 || command -v python3)
TAKE   ?=

.PHONY: help demo test test-all test-train test-clients lint bench schema clean

help:
	@echo "make demo            a 20 s performance and a takeover: out/demo.mp4, out/takeover.mp4, ..."
	@echo "make demo TAKE=F.bvh the same with your own mocap file as the source that fails"
	@echo "make test            tests, under 15 minutes on two cores"
	@echo "make test-all        the long ones too (soak, full load)"
	@echo "make test-train      the training code's tests (installs torch)"
	@echo "make test-clients    C++, Unreal, Unity, Blender, Godot and the browser against a live stage"
	@echo "                     (installs compilers, Chromium and a Blender of its own)"
	@echo "make lint            ruff and mypy"
	@echo "make bench           the figures of docs/measurements.md on this machine"

$(PY): | .ci/system-libraries
	@test -n "$(PYTHON)" || { echo "Install Python 3.11 or newer first (apt install python3 python3-venv)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1); Understudy needs 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@PYTHON="$(PYTHON)" bash .ci/system-libraries
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make a venv here: apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.run: pyproject.toml | $(PY)
	$(PY) -m pip install -q --disable-pip-version-check -e ".[$(ORT)]"
	@touch $@

$(VENV)/.test: pyproject.toml | $(PY)
	$(PY) -m pip install -q --disable-pip-version-check -e ".[$(ORT),test]"
	@touch $@ $(VENV)/.run

$(VENV)/.train: pyproject.toml | $(PY)
	$(PY) -m pip install -q --disable-pip-version-check -e ".[$(ORT),test,train]"
	@touch $@ $(VENV)/.run $(VENV)/.test

demo: $(VENV)/.run
	$(VENV)/bin/understudy demo $(if $(TAKE),--take "$(TAKE)")

test: $(VENV)/.test
	$(PY) -m pytest -n 2 --dist loadfile -m "not slow and not train and not clients"

test-all: $(VENV)/.test
	$(PY) -m pytest -m "not train and not clients"

test-train: $(VENV)/.train
	OMP_NUM_THREADS=1 $(PY) -m pytest -m train

# Blender as a Python module: for Python 3.11 alone, and with a numpy of its own.
$(BPY)/.ready: | $(PY)
	@if $(PY) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then \
	  $(PY) -m venv $(BPY) && \
	  $(BPY)/bin/python -m pip install -q --disable-pip-version-check bpy==5.0.1 pyzmq && touch $@; \
	else echo "Blender's tests are skipped: its module bpy 5.0.1 needs Python 3.11."; fi

test-clients: $(VENV)/.test $(BPY)/.ready
	@bash .ci/client-tools
	$(PY) -m pytest -m clients

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(PY) .ci/types.py

# Needs flatc: apt install flatbuffers-compiler. The result is checked in.
schema:
	sh bridge/schema/generate.sh

bench: $(VENV)/.run
	$(VENV)/bin/understudy bench

clean:
	rm -rf build dist out .work *.egg-info
