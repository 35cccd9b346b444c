# `make` alone lists the targets. `make test` and `make paper` do all their set-up themselves.
SHELL  := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help env test quick lint elsewhere days mutations lies mutants bench paper arena evidence lab refresh docs check export clean lock

PYTHON ?= python3.11
SCALE  ?= default
JOBS   ?= 2
KILLS  ?= 200
PAIRS  ?= 50
SPOILED ?= 5000
LIES   ?= 5000
NB     ?= $(filter-out nbs/paper/%,$(wildcard nbs/*.ipynb nbs/*/*.ipynb))
VENV   := .venv
BIN    := $(VENV)/bin
# The stamp's name carries the lock's checksum, and its name alone decides: a changed lock installs again,
# an unchanged one never does, whatever the times of the files are.
STAMP  := $(VENV)/.ready-$(shell cat requirements.lock pyproject.toml | cksum | tr ' ' '-')
# Two cores, two workers, one thread each: more only makes them wait for each other.
ONE    := OMP_NUM_THREADS=1

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  variables: SCALE=smoke|default|paper  JOBS=$(JOBS)  NB='nbs/1_method/12_encoder.ipynb ...'  PYTHON=$(PYTHON)"

env: $(STAMP) ## the environment alone, in .venv/
	@echo "environment ready: $(VENV) ($$($(BIN)/python --version))"

$(STAMP):
	@command -v $(PYTHON) >/dev/null || { echo "expected $(PYTHON) on the path, found none; set PYTHON=..." >&2; exit 2; }
	@echo "==> making $(VENV) with $$($(PYTHON) --version)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "==> installing $$(grep -c == requirements.lock) locked packages (a few minutes the first time)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check "$$(grep ^torch== requirements.lock)+cpu" 2>/dev/null \
	  || echo "    the registry offers no CPU build of torch: the CUDA build, about 3 GB larger, is taken"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.lock
	@echo "==> installing adaroute in place"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.ready-* && touch $@

test: env ## everything that must hold: notebooks in sync, clean and re-executed; pytest
	@echo "==> pytest with $(JOBS) workers"
	@$(ONE) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -q

quick: env ## the tests without re-executing the chapters
	@$(ONE) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -q -m "not chapters"

lint: env ## one style, and what keeps the house easy to live in, in figures
	@$(BIN)/ruff format --check --quiet nbs tests paper/arena docs && $(BIN)/ruff check --quiet nbs tests paper/arena docs \
	  || { echo "run: .venv/bin/ruff format nbs tests paper/arena docs; .venv/bin/ruff check --fix nbs tests" >&2; exit 1; }
	@$(BIN)/typos --config pyproject.toml nbs docs README.md CONTRIBUTING.md CHANGELOG.md
	@$(BIN)/ty check adaroute --python $(VENV) --quiet
	@$(BIN)/python tests/house.py

elsewhere: env ## the tests under other kernels and numbers of threads (PLACES='"plain torch"' WORDS='tests/test_pins.py -q')
	@$(ONE) $(BIN)/python tests/elsewhere.py $(if $(PLACES),--places $(PLACES)) $(if $(WORDS),-- $(WORDS))

days: env ## 200 commands killed at their file operations, 50 pairs at once (KILLS=, PAIRS=)
	@$(ONE) PYTHONPATH=tests $(BIN)/python tests/bad_days.py $(KILLS) $(PAIRS)

mutations: env ## 5,000 spoiled model files, each refused in a line or the same to the bit (SPOILED=)
	@$(ONE) PYTHONPATH=tests $(BIN)/python tests/mutations.py $(SPOILED)

lies: env ## 5,000 false fields in the files of a run: refused, or the same model and named as not checked (LIES=)
	@$(ONE) PYTHONPATH=tests $(BIN)/python tests/lies.py $(LIES)

mutants: env ## single faults in what everything hangs on: which does no test notice? (MUTANTS='--seconds 600')
	@$(ONE) nice -n 15 $(BIN)/python tests/mutants.py $(MUTANTS)

bench: env ## seconds against rows, over the least that could be, with a picture (BENCH='--rows 128 256 512')
	@$(ONE) $(BIN)/python benchmarks/run.py $(BENCH)

paper: env ## the paper: every figure, table and the PDF (SCALE=smoke|default|paper)
	@echo "==> making the paper at scale '$(SCALE)'"
	@$(BIN)/python -m adaroute.lab.paper --scale $(SCALE)

arena: env ## outside rivals on identical folds (optional, resumable; ARENA='--rivals linear --tables rwwd')
	@$(ONE) $(BIN)/python -m adaroute.lab.arena $(ARENA)

evidence: env ## rivals, controls, null, real tables and the trials of the tool and the verifier, for the committed results (hours on two cores; CLUSTER=tcp://host:8786)
	@$(BIN)/python -m adaroute.lab.paper --scale paper --only 55 --only 56 --only 57 --only 58 --only 60 --only 61 --only 62 --only 63 --only 64 --only 65 --only 66 --only 67 --keep --cluster "$(CLUSTER)"
	@$(ONE) $(BIN)/python -m adaroute.lab.cheat_count

lab: env ## JupyterLab, opened in nbs/
	@$(BIN)/jupyter lab --notebook-dir=. nbs/index.ipynb

export: env ## write the package from the notebooks
	@$(BIN)/nbdev_export

clean: env ## strip execution counts and machine metadata from the notebooks
	@$(BIN)/nbdev_clean

check: export clean ## fail if exporting and cleaning changes what is committed
	@changed="$$(git status --porcelain -- nbs adaroute)"; \
	if [ -n "$$changed" ]; then echo "notebooks and package are not in sync, or not committed:" >&2; echo "$$changed" >&2; exit 1; fi
	@echo "notebooks and package are in sync and clean"

refresh: export ## re-execute the chapters and store their outputs (NB= for some of them)
	@export $(ONE) n=0 total=$(words $(NB)); \
	run() { $(CURDIR)/$(BIN)/jupyter nbconvert --to notebook --execute --inplace --log-level=ERROR \
	        --ExecutePreprocessor.kernel_name=python3 --ExecutePreprocessor.timeout=1200 "$$1" </dev/null >"$$2" 2>&1 \
	        && echo "ok     $$1" || { echo "FAILED $$1"; grep -v '^ *$$' "$$2" | tail -3 | sed 's/^/       /'; exit 1; }; }; \
	export -f run; logs=$$(mktemp -d); trap 'rm -rf "$$logs"' EXIT; \
	printf '%s\n' $(NB) | xargs -P $(JOBS) -I{} bash -c 'run "{}" "'$$logs'/$$(basename {}).log"' \
	| while read -r line; do case "$$line" in ok*|FAILED*) n=$$((n+1)); echo "[$$n/$$total] $$line";; *) echo "       $$line";; esac; done
	@$(BIN)/nbdev_clean

docs: env ## a static site in site/ that needs no network: search, formulas and both schemes included
	@rm -rf site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "open site/index.html"

lock: ## rewrite requirements.lock and the pins of environment.yml from .venv
	@{ echo "# Exact versions of the working environment (Python 3.11). Rewritten by 'make lock'."; \
	   $(BIN)/python -m pip freeze --all --exclude-editable --disable-pip-version-check \
	   | grep -v -E '^(pip|adaroute)==' | sed -E 's/ @ .*//; s/\+[a-z0-9.]+$$//'; } > requirements.lock.new
	@! grep -v -E '^(#|[A-Za-z0-9_.-]+==[^ ]+$$)' requirements.lock.new || { echo "a package has no plain version" >&2; exit 1; }
	@mv requirements.lock.new requirements.lock
	@while IFS= read -r line; do \
	   name=$$(sed -nE 's/^ +- ([A-Za-z0-9_.-]+)==.*/\1/p' <<<"$$line"); \
	   if [ -n "$$name" ]; then echo "      - $$(grep -i "^$$name==" requirements.lock)"; else echo "$$line"; fi; \
	 done < environment.yml > environment.yml.new && mv environment.yml.new environment.yml
	@echo "locked $$(grep -c == requirements.lock) packages"
