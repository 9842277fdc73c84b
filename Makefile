# What people and CI call. Needs Rust, Python 3.11 or newer and make; `make` alone lists the targets.

EXAMPLE := auto-mpg
SOURCE := examples/$(EXAMPLE)
STUDY := demo/$(EXAMPLE)
VENV := demo/venv
NORGAY := $(abspath $(or $(CARGO_TARGET_DIR),target))/release/norgay
# What releases are built with; tests too, so that all is compiled once.
ALL := --features norgay/kubernetes
# The same for the engine alone, so that nothing is compiled twice.
ENGINE := --features kubernetes
ARGO_STUDY := demo/$(EXAMPLE)-argo
# The study's `python3` must be the one with the packages.
IN_STUDY := cd $(STUDY) && PATH="$(abspath $(VENV))/bin:$$PATH"

.DEFAULT_GOAL := help
.PHONY: help demo demo-argo demo-clean venv test test-rust test-s3 test-python test-deploy e2e-kind bench bench-argo quality clean

help:
	@echo "make demo        tune the example on measured data; again: go on where it stopped"
	@echo "make demo-argo   the same as workflows with their files on S3, in a cluster played by this machine"
	@echo "make demo-clean  forget the demos' studies, so that the next ones start anew"
	@echo "make test        formatting, lints, all tests"
	@echo "make e2e-kind    tests against a real Argo on this machine (needs kind, kubectl)"
	@echo "make bench       overhead for a trial, beside Optuna's; writes docs/benchmarks/"
	@echo "make bench-argo  what a large study on a cluster costs, against a stand-in; the same"
	@echo "make quality     how good the suggestions are, beside the peers' (a reduced comparison)"
	@echo "make clean       remove everything that was built"

demo: venv
	@echo "Building norgay (some minutes the first time)"
	@cargo build --locked --release --quiet --package norgay
	@mkdir -p $(STUDY)/input
	@cp -R $(SOURCE)/*.py $(SOURCE)/*.txt $(SOURCE)/study.yaml $(SOURCE)/steps $(STUDY)/
	@cp $(SOURCE)/input/*.txt $(STUDY)/input/
	@test -f $(STUDY)/input/y.csv || { $(IN_STUDY) python3 prepare.py; }
	@$(IN_STUDY) "$(NORGAY)" run study.yaml
	@$(IN_STUDY) "$(NORGAY)" best study.yaml

demo-argo: venv
	@echo "Building norgay and its testbed (some minutes the first time)"
	@cargo build --locked --release --quiet --package norgay --package norgay-testbed
	@mkdir -p $(ARGO_STUDY)/input $(ARGO_STUDY)/image
	@cp $(SOURCE)/argo/* $(ARGO_STUDY)/
	@cp $(SOURCE)/input/*.txt $(ARGO_STUDY)/input/
	@cp -R $(SOURCE)/steps $(ARGO_STUDY)/image/
	@test -f $(ARGO_STUDY)/input/y.csv || \
		"$(abspath $(VENV))/bin/python" $(SOURCE)/prepare.py --output-dir $(ARGO_STUDY)/input
	@cd $(ARGO_STUDY) && PATH="$(abspath $(VENV))/bin:$(patsubst %/,%,$(dir $(NORGAY))):$$PATH" \
		norgay-testbed --folder testbed --templates template.yaml --bucket norgay-demo \
		--env "PYTHONPATH=$(abspath $(ARGO_STUDY))/image" -- sh -euc \
		"norgay files cp --quiet input/ s3://norgay-demo/input/; norgay run study.yaml; norgay best study.yaml"

demo-clean:
	@rm -rf $(STUDY) $(ARGO_STUDY)

venv:
	@tools/venv.sh $(VENV) $(SOURCE)/requirements.txt

test: test-rust test-s3 test-python test-deploy

test-rust:
	@if cargo fmt --version > /dev/null 2>&1; \
	then echo "cargo fmt"; cargo fmt --all --check; \
	else echo "cargo fmt is not installed: formatting not checked"; fi
	@if cargo clippy --version > /dev/null 2>&1; \
	then echo "cargo clippy"; cargo clippy --locked --quiet --workspace --all-targets $(ALL) -- -D warnings \
		&& cargo clippy --locked --quiet --package norgay -- -D warnings; \
	else echo "cargo clippy is not installed: lints not checked"; fi
	@cargo test --locked --quiet --workspace $(ALL)

# Buckets once more, against another S3 server than the one in the Rust tests.
test-s3:
	@tools/venv.sh demo/venv-moto tools/moto/requirements.txt
	@echo "tests of buckets against moto"
	@demo/venv-moto/bin/python tools/moto/with_moto.py \
		cargo test --locked --quiet --package norgay-engine --test files --test files_copy --test files_s3 $(ENGINE)

test-python: venv
	@echo "tests of $(SOURCE)"
	@cd $(SOURCE) && "$(abspath $(VENV))/bin/python" -B -m unittest

test-deploy:
	@tools/venv.sh demo/venv-deploy deploy/tests/requirements.txt
	@echo "tests of deploy"
	@cd deploy && "$(abspath demo/venv-deploy)/bin/python" -B -m unittest

e2e-kind:
	@deploy/e2e-kind.sh cargo test --locked --package norgay-engine --features kubernetes

bench:
	@benches/overhead/run.sh

bench-argo:
	@python3 benches/argo-scale/run.py

quality:
	@benches/quality/quality.sh

clean: demo-clean
	@rm -rf demo
	@cargo clean --quiet
