# The door: every entry is a line or two over Meson or a script in scripts/.
# `make help` lists them. SETUP= adds options to meson setup, SEED= seeds the
# randomised tests, BLOCKPOOL_TEST_DATA= says where the real chains are.
BUILD ?= build
SETUP ?=
T     ?=
SECS  ?= 30

# Configures the build directory $(1) once, with the options $(2).
setup = @test -f $(1)/build.ninja || $(3) meson setup $(1) $(2) $(SETUP)

# Sanitizers stop at the first finding, undefined behaviour included.
SANITIZE = --buildtype=debugoptimized -Db_lundef=false \
	-Dc_args="-fno-sanitize-recover=all -fno-omit-frame-pointer"

# Layers with threads; the others are pure functions.
THREADED = node net store host

all: ## build everything: build/blockpool, the libraries, tests, benchmarks
	@scripts/deps build test
	$(call setup,$(BUILD))
	@ninja -C $(BUILD)
.PHONY: all

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | \
	    awk -F'|' '{ printf "make %-9s %s\n", $$1, $$2 }'
.PHONY: help

demo: all ## sync a chain from honest peers and a liar; CHAIN=FILE CHAIN_SPEC=mainnet
	@CHAIN_SPEC=$(CHAIN_SPEC) scripts/demo $(BUILD) $(CHAIN)
.PHONY: demo

check: all ## run every fast test; T=x: one suite, layer or test; SEED=n
	@scripts/check $(BUILD) $(T)
.PHONY: check

asan: ## the tests under AddressSanitizer and UBSan, in build-asan; T=x
	@scripts/deps build test
	$(call setup,build-asan,$(SANITIZE) -Db_sanitize=address$(,)undefined)
	@ninja -C build-asan
	@TIMEOUT_FACTOR=5 scripts/check build-asan $(T)
.PHONY: asan

tsan: ## what has threads under ThreadSanitizer, in build-tsan; T=x
	@scripts/deps build test
	$(call setup,build-tsan,$(SANITIZE) -Db_sanitize=thread)
	@ninja -C build-tsan
	@TIMEOUT_FACTOR=10 scripts/check build-tsan $(or $(T),$(THREADED))
.PHONY: tsan

crash: all ## kill the store's writer, and the power, N=1000 times; SEED=n
	@CRASH_ROUNDS=$(or $(N),1000) TIMEOUT_FACTOR=50 \
	    scripts/check $(BUILD) store/kill
.PHONY: crash

lint: ## the house rules, layers and format, in seconds
	@scripts/deps lint
	@scripts/lint
.PHONY: lint

tidy: ## cppcheck, clang-tidy and gcc -fanalyzer over src/
	@scripts/deps build test lint
	$(call setup,$(BUILD))
	@scripts/tidy $(BUILD)
.PHONY: tidy

fmt: ## format every C file with clang-format-14
	@scripts/deps lint
	@git ls-files -co --exclude-standard '*.[ch]' | \
	    xargs -r clang-format-14 -i --style=file
.PHONY: fmt

fuzz: ## libFuzzer, SECS=30 on each target; T=x: that one
	@scripts/deps build test fuzz
	$(call setup,build-fuzz,$(SANITIZE) -Dfuzz=true \
	    -Db_sanitize=address$(,)undefined,CC=clang-14)
	@scripts/fuzz build-fuzz $(SECS) $(T)
.PHONY: fuzz

interop: all ## sync and serve against a peer written by others; T=x
	@tests/interop/run.py $(BUILD) $(if $(T),"$(T)")
.PHONY: interop

bench: ## benchmarks, one JSON line a result on stdout; T=x: that one
	@$(MAKE) --no-print-directory all >&2
	@scripts/bench $(BUILD) $(T)
.PHONY: bench

cover: ## coverage of the tests, one line a folder of src/; T=x
	@scripts/deps build test cover
	$(call setup,build-cover,--buildtype=debug -Db_coverage=true)
	@ninja -C build-cover
	@scripts/cover build-cover $(T)
.PHONY: cover

sim: all ## 200 simulated worlds; N=, SEED0=: these; SEED=n: one, told
	@nice $(BUILD)/blockpool-sim --out $(BUILD) $(if $(SEED), \
	    world $(SEED),worlds --count $(or $(N),200) $(if $(N),,--check 1) \
	    --from $(or $(SEED0),$(shell od -An -N4 -tu4 /dev/urandom)))
.PHONY: sim

mutants: all ## the simulator finds each bug of sim/mutants; T=x: that one
	@scripts/mutants $(BUILD) $(T)
.PHONY: mutants

install: all ## install program, libraries, headers; DESTDIR=, SETUP=--prefix=
	@meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(DESTDIR))
.PHONY: install

, := ,
