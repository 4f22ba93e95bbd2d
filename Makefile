# make            set up .venv and build the default study
# make test [ORDER=random]   the test suite, in 7 minutes; in another order, random or that of a seed
# make test-environments   the smoke study under what people's shells set, each time with the same bytes
# make fuzz [SECONDS=600]    looks for failures that the suite does not know, with new seeds
# make mutants [MUTANTS=400]  would the unit tests notice? hours; goes on where it was interrupted
# make archive    the study, its provenance and the source in one zip, archive/*.zip
# make release VERSION=x.y.z [DATA=folder] [DRY=yes]   both studies built, verified, archived and tagged
# make lint       what every commit must pass
# make coverage   the suite again, and the share of lines that it runs
# make STUDY=treechop [DATA=folder] [PROBE=folder]   another study, local files, labelled frames
# make site [STUDY=...]   the study's report as a folder, site/, for any host of static pages
# make verify [STUDY=...] [REMOVE=1]   every file and number of a built study; REMOVE=1 removes what is wrong
# make docs       the tables of docs/ that follow from other files
# make example  docs/example/: the demo's built report, to be read without a build
# make tutorials  the tutorials of docs/ again, with what they print and draw
# make smoke      a small study built from nothing and verified, in half a minute
PYTHON ?= python3
STUDY ?= demo
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
BIN := .venv/bin
FOLDERS = $(if $(DATA),data="$(DATA)") $(if $(PROBE),probe="$(PROBE)")

SHOTS ?= config/captures/demo.yaml
CAPTURES ?= captures
FIELD ?= config/captures/field.yaml
PLACES ?= config/episodes/places.yaml
EPISODES ?= episodes
AGENT ?= policy
TRAINING ?= captures-training
WOODED ?= captures-labelled
OPEN_COUNTRY ?= captures-open
SECONDS ?= 600
MUTANTS ?= 400
RANDOMLY = $(if $(ORDER),$(if $(filter-out random,$(ORDER)),--randomly-seed=$(ORDER)),-p no:randomly)

.PHONY: docs site example tutorials report verify smoke expected test test-environments fuzz mutants archive release demo-data labelled-data demo-policy capture field episodes gathered screenshots \
  bench lint coverage lock clean

report: .venv/ready
	@start=$$(date +%s) && \
	$(BIN)/snakemake --cores $(CORES) --config study=$(STUDY) $(FOLDERS) && \
	echo "Report: $(CURDIR)/report/$(STUDY)/index.html ($$(( $$(date +%s) - start )) s)"

# Without the Hugo bundle, which is for another site, and with the sign that a code host is to serve it as it is.
site: report
	rm -rf site && cp -R report/$(STUDY) site && rm -rf site/hugo && find site -name .snakemake_timestamp -delete
	touch site/.nojekyll

verify: .venv/ready
	@$(BIN)/python -m minetest_interp.stages.verify --study $(STUDY) --expected expected/$(STUDY).json \
	  $(if $(REMOVE),--remove)

smoke: .venv/ready
	rm -rf results/smoke figures/smoke report/smoke
	$(BIN)/snakemake --cores $(CORES) --config study=smoke --quiet
	@$(MAKE) --no-print-directory verify STUDY=smoke

# Of a build that is trusted; its differences from before are for a reviewer to read.
expected: .venv/ready
	$(BIN)/python -m minetest_interp.stages.expected --facts report/$(STUDY)/facts.json \
	  --output expected/$(STUDY).json

test: .venv/ready-to-test
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(RANDOMLY)

fuzz: .venv/ready-to-test
	$(BIN)/python -m tests.fuzz.explore --seconds $(SECONDS)

mutants: .venv/ready-to-test
	$(BIN)/python -m tests.mutants.run --mutants $(MUTANTS) --cores $(CORES)

test-environments: .venv/ready-to-test
	$(BIN)/python -m tests.environments

archive: .venv/ready
	$(BIN)/python -m workflow.archive --study "$(STUDY)" --cores $(CORES) $(if $(DATA),--data "$(DATA)") \
	  $(if $(PROBE),--probe "$(PROBE)") $(if $(CHANGED),--changed)

release: .venv/ready
	$(BIN)/python -m workflow.release --version "$(VERSION)" $(if $(DATA),--data "$(DATA)") $(if $(DRY),--dry-run)

demo-data: .venv/ready
	$(BIN)/python -m minetest_interp.stages.demo_data --study "$(CAPTURES)" --training "$(TRAINING)" \
	  --data data/demo

labelled-data: .venv/ready
	$(BIN)/python -m minetest_interp.stages.labelled_data --wooded "$(WOODED)" --open-country "$(OPEN_COUNTRY)" \
	  --data data/labelled

demo-policy: .venv/ready
	$(BIN)/python -m minetest_interp.stages.train_demo --data data/demo --seed 1 \
	  --checkpoint data/demo/demo.model --card data/demo/MODEL_CARD.md

capture: .venv/ready
	$(BIN)/python -m minetest_interp.capture --shot-list "$(SHOTS)" --output "$(CAPTURES)"

field: .venv/ready
	$(BIN)/python -m minetest_interp.capture.field --config "$(FIELD)" --output field

episodes: .venv/ready
	$(BIN)/python -m minetest_interp.episodes --study "config/$(STUDY).yaml" $(if $(DATA),--data "$(DATA)") \
	  --config "$(PLACES)" --agent $(AGENT) --output "$(EPISODES)"

gathered: .venv/ready
	$(BIN)/python -m minetest_interp.episodes.gather --episodes "$(EPISODES)" --output data/episodes

docs: .venv/ready
	$(BIN)/python -m docs.generate

example: .venv/ready
	$(BIN)/python -m docs.example

tutorials: .venv/ready-to-test
	$(BIN)/python -m docs.render

screenshots: .venv/ready-to-test
	$(BIN)/python -m docs.screenshots

bench: .venv/ready
	$(BIN)/python benchmarks/run.py $(if $(DATA),--data "$(DATA)") $(if $(PROBE),--probe "$(PROBE)")

lint: .venv/ready-to-test
	$(BIN)/pre-commit run --all-files

coverage: .venv/ready-to-test
	rm -rf .coverage && mkdir .coverage
	TEST_BUILDS=1 $(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report

# The package itself is installed as it lies here, so that examples, notebooks and stages import it.
.venv/ready: requirements/run.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("error: Python must be 3.11 or newer; " + \
	  "%s is %d.%d. Install a newer one and run: make PYTHON=python3.11" % (sys.executable, v[0], v[1]))'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The crate's validator asks for an older rich than the lock has, so it lives in an environment of its own.
.venv/ready-to-test: requirements/test.lock requirements/crate.lock .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.lock
	$(PYTHON) -m venv .venv/crate
	.venv/crate/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/crate.lock
	@touch $@

# Needs uv. No index address is written, so the lock serves every mirror.
LOCK = uv pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header --no-emit-index-url
lock:
	$(LOCK) requirements/run.in -o requirements/run.lock
	$(LOCK) requirements/test.in -c requirements/run.lock -o requirements/test.lock
	$(LOCK) requirements/slurm.in -c requirements/run.lock -o requirements/slurm.lock
	$(LOCK) requirements/crate.in -o requirements/crate.lock

clean:
	rm -rf results figures/*/ report/*/
