# `make walk` and `make test` need only python3, make and git; they make everything else themselves in .venv.
VENV := .venv
BIN := $(VENV)/bin
BENCHES := $(subst /,.,$(basename $(filter-out bench/train_% bench/_%,$(shell grep -l '__name__ == "__main__"' bench/*.py))))

# With recordings of real people at hand, `make walk` plays one of them falling backward.
ifdef REARGUARD_DATA
WALK_STAMP := $(VENV)/.ready-for-walk-with-data
WALK_EXTRAS := recording,tui,demo,motion
MOTION := --motion $(REARGUARD_DATA)/kfall/SA06.npz:T34_SA06_R01
else
MOTION := --scenario whole
WALK_STAMP := $(VENV)/.ready-for-walk
WALK_EXTRAS := recording,tui,demo
endif

.PHONY: walk test bench lint clean

walk: $(WALK_STAMP)
	@$(BIN)/rearguard walk --simulated $(MOTION) $(WALK_ARGS)

test: $(VENV)/.ready-for-test
	@deploy/bootstrap.sh broker
	@deploy/bootstrap.sh compiler
	@deploy/bootstrap.sh voice
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest $(PYTEST_ARGS)

bench: $(VENV)/.ready-for-test
	@deploy/bootstrap.sh compiler
	@failed=; for name in $(BENCHES); do \
		echo "== $$name"; $(BIN)/python -m $$name $(BENCH_ARGS) || failed="$$failed $$name"; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

lint: $(VENV)/.ready-for-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis rearguard.egg-info

$(WALK_STAMP): pyproject.toml deploy/bootstrap.sh
	@deploy/bootstrap.sh python $(WALK_EXTRAS)
	@touch $@

$(VENV)/.ready-for-test: pyproject.toml deploy/bootstrap.sh
	@deploy/bootstrap.sh python dev
	@touch $@
