# The template's own targets; a generated repository has a Makefile of its own.

PYTHON ?= python3
TEMPLATE := {{cookiecutter.project_slug}}
BIN := .venv/bin
DEMO ?= build/demo
REPOSITORY ?= models
CLUSTER ?= main
MEMBERS ?= 1
NODES ?= 0
ROUNDS ?= 3
SECONDS ?= 5
export PYTHONPATH := $(TEMPLATE)

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show these targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: demo
demo: .venv/made-from ## Two real models from dev to prod in a new repository, DEMO=<folder>
	@$(BIN)/python -m demo $(DEMO)

.PHONY: test
test: prepare lint ## All tests but those on a cluster: units, bakes, the demo's path
	$(BIN)/pytest -m "not cluster"

# The story and the rest run side by side, each on a cluster: most of their time is waiting.
STORY := $(addprefix tests/cluster/test_,delivery.py faults.py guards.py)
# This one compares the machine before and after, so nothing else may run then.
ALONE := tests/cluster/test_cluster_leaves_nothing.py

.PHONY: e2e
e2e: prepare ## Deliver to a real Kubernetes with Argo CD on this machine, and break things there
	@$(MAKE) --no-print-directory --jobs=2 --output-sync e2e-story e2e-rest
	$(BIN)/pytest -n 0 $(ALONE)

.PHONY: e2e-story
e2e-story:
	$(BIN)/pytest -n 0 --durations=8 $(STORY)

.PHONY: e2e-rest
e2e-rest:
	$(BIN)/pytest -n 0 -m cluster tests/cluster $(addprefix --ignore=,$(STORY) $(ALONE))

.PHONY: prepare
prepare: .venv/made-from ## System packages, helm and a base image, which slow tests share
	@rm -rf build/prepare
	@# Of a registry on this machine, so that its program is installed, too.
	@$(BIN)/cookiecutter . --no-input --output-dir build/prepare registry=127.0.0.1:5000/acme
	@$(MAKE) --no-print-directory -C build/prepare/acme-models machine tools base

.PHONY: cluster
cluster: .venv/made-from ## A Kubernetes with Argo CD that stays: CLUSTER=<name> MEMBERS=3 NODES=<n>
	@PYTHONPATH=.:$(TEMPLATE) $(BIN)/python -m cluster up $(CLUSTER) --members $(MEMBERS) \
	  --simulated-nodes $(NODES)

.PHONY: cluster-repository
cluster-repository: .venv/made-from ## An empty repository on its Git server: REPOSITORY=<name>
	@PYTHONPATH=.:$(TEMPLATE) $(BIN)/python -m cluster repository $(CLUSTER) $(REPOSITORY)

.PHONY: cluster-down
cluster-down: .venv/made-from ## End it, and clear away what killed ones left
	@PYTHONPATH=.:$(TEMPLATE) $(BIN)/python -m cluster down $(CLUSTER)

.PHONY: test-fast
test-fast: .venv/made-from ## Tests that need no container and take seconds
	$(BIN)/pytest -m "not slow and not cluster"

.PHONY: lint
lint: .venv/made-from ## Format, lint and types of the template and of what it bakes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict .
	@# Workflows that others call are read in a baked repository, by its own `make lint`.
	$(BIN)/actionlint -ignore "could not read reusable" .github/workflows/*.yml "$(TEMPLATE)"/.github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet --config "$(TEMPLATE)/.github/zizmor.yml" .github "$(TEMPLATE)/.github"
	$(BIN)/hadolint "$(TEMPLATE)/Dockerfile"
	$(BIN)/shellcheck .ci/run

.PHONY: lock
lock: .venv/made-from ## Resolve requirements.in, and those of the bench and of clients, again
	@for wanted in requirements.in bench/server/locks/*.in tests/server/locks/*.in; do \
	  $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	    --python-version 3.11 "$$wanted" -o "$${wanted%.in}.lock" || exit; done

.PHONY: schemas
schemas: .venv/made-from ## Write delivery/schemas, argocd/ and the list of baked files again
	$(BIN)/python tools/schemas.py
	$(BIN)/python tools/argocd.py
	PYTHONPATH=.:$(TEMPLATE) $(BIN)/python -m tests.bake.template

.PHONY: bench
bench: .venv/made-from ## Time what people wait for, in the repository of `make demo`
	@PYTHONPATH=.:$(TEMPLATE) $(BIN)/python bench/figures.py $(DEMO)

.PHONY: bench-gate
bench-gate: .venv/made-from ## What the gate is worth: GATES=<simulated gates each>, PARTS="flips tricks"
	@PYTHONPATH=.:$(TEMPLATE) OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.gate $(PARTS) $(GATES) $(abspath $(DEMO))

.PHONY: bench-cluster
bench-cluster: .venv/made-from ## Argo CD with 50, 200 and 1000 apps, SIZES="50 200" for some
	@PYTHONPATH=.:$(TEMPLATE) $(BIN)/python -m bench.cluster $(SIZES)

.PHONY: bench-server
bench-server: .venv/made-from ## The model server beside others: PARTS="ratios drain", ROUNDS=3, SECONDS=5
	@PYTHONPATH=.:$(TEMPLATE) $(BIN)/python -m bench.server $(PARTS) \
	  ROUNDS=$(ROUNDS) SECONDS=$(SECONDS)

.PHONY: bench-pull-request
bench-pull-request: .venv/made-from ## A promotion's check from push to pass, in the repository of `make demo`
	@PYTHONPATH=.:$(TEMPLATE) $(BIN)/python -m bench.pull_request $(DEMO)

.PHONY: bench-site
bench-site: .venv/made-from ## The board of 100 apps with 1,000 records
	@PYTHONPATH=.:$(TEMPLATE) $(BIN)/python -m bench.site

.PHONY: setup
setup: .venv/made-from ## Make .venv from requirements.lock

.venv/made-from: requirements.lock
	@$(PYTHON) tools/setup.py
	@touch $@
