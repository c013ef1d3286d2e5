# SPDX-License-Identifier: GPL-3.0-or-later
#
# The one Makefile. `make help` lists the targets.
#
# VARIANT chooses flags and build/<variant>/: release, clang, asan (address + undefined + leak),
# tsan, fault (allocations fail on purpose), crash (it can be told where to die), fuzz, cover.
# CC, CFLAGS and LDFLAGS are yours.

VARIANT ?= release
CFLAGS ?= -O3 -g
PREFIX ?= /usr/local
FUZZ_BUDGET ?= 360
export RETAIL_DATA ?= $(wildcard $(abspath ../shared/data))
export FUZZ_BUDGET

B := build/$(VARIANT)
BIN := build/release/tillstream
export TILLSTREAM := $(abspath $(BIN))

ifeq ($(origin CC),default)
CC := gcc
endif
ifneq ($(filter clang fuzz,$(VARIANT)),)
override CC := clang
endif

# ---- flags ----

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
  -Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wswitch-enum \
  -Wdouble-promotion -Wnull-dereference
# Warnings are errors for the compilers the code is kept clean with (gcc 12, clang 14); another
# version's new warnings should not keep anyone from building.
WERROR ?= $(if $(filter 12 12.% 14.%,$(CC_VERSION)),-Werror)
CC_VERSION := $(shell $(CC) -dumpversion 2>/dev/null)
ARCH := $(shell $(CC) -march=x86-64-v2 -E -x c /dev/null >/dev/null 2>&1 && echo -march=x86-64-v2)

SANITIZE := -fno-sanitize-recover=all -fno-omit-frame-pointer
NO_BUILTIN := $(addprefix -fno-builtin-,malloc calloc realloc)
V_asan := -fsanitize=address,undefined $(SANITIZE)
V_tsan := -fsanitize=thread $(SANITIZE)
V_fault := $(V_asan) $(NO_BUILTIN)
V_fuzz := -fsanitize=fuzzer-no-link,address,undefined $(SANITIZE)
V_cover := -O0 --coverage
V_LINK_fault := $(foreach f,malloc calloc realloc reallocarray aligned_alloc posix_memalign,\
  -Wl,--wrap=$f)

# Libraries: pkg-config's word, else the usual name. --as-needed drops those not used.
# A static one can be made to fail (fault variant); a shared one keeps its own malloc.
PACKAGES := sqlite3 libcjson gsl zlib liblzma libzstd
FALLBACK := -lsqlite3 -lcjson -lgsl -lgslcblas -lz -llzma -lzstd
STATIC := sqlite3 gsl gslcblas z lzma zstd
LIBS := $(or $(shell pkg-config --libs $(PACKAGES) 2>/dev/null),$(FALLBACK))
ifeq ($(VARIANT),fault)
LIBS := $(foreach l,$(STATIC),$(if $(findstring /,$(shell $(CC) -print-file-name=lib$(l).a)),\
  -l:lib$(l).a,-l$(l))) -lcjson
endif

DEFINES := -D_POSIX_C_SOURCE=200809L -I. $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
COMPILE = $(CC) -std=c17 $(DEFINES) $(CPPFLAGS) $(WARN) $(WERROR) -ffp-contract=off $(ARCH) $(CFLAGS) \
  $(V_$(VARIANT))
LINK = $(CC) $(CFLAGS) $(V_$(VARIANT)) $(V_LINK_$(VARIANT)) -Wl,--as-needed $(LDFLAGS)
LINK_LIBS = $(LIBS) -lpthread -lm -ldl

# ---- sources ----

SRC := $(wildcard tillstream.c engine/*.c engine/*/*.c models/*.c windows/*.c connectors/*.c \
  connectors/*/*.c commands/*.c)
HARNESS := tests/support/t.c tests/support/alloc_plain.c tests/support/alloc_wrap.c
SUPPORT := $(filter-out $(HARNESS),$(wildcard tests/support/*.c))
TESTS := $(wildcard tests/unit/*_test.c tests/diff/*_test.c)
FAULT_TESTS := $(wildcard tests/fault/*.c)
FUZZERS := $(wildcard tests/fuzz/*_fuzz.c)
SIM := $(wildcard tests/sim/*.c)
BENCH := $(wildcard bench/*.c)
ALLOC := tests/support/alloc_$(if $(filter fault,$(VARIANT)),wrap,plain).c

# Where a test may end the process (engine/crash.h): nowhere, but in builds made for it.
CRASH := $(if $(filter fault crash,$(VARIANT)),tests/crash/crash_at.c,engine/crash.c)

OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out engine/crash.c,$(SRC)) $(CRASH))
TEST_OBJ := $(patsubst %.c,$(B)/%.o,$(TESTS) $(ALLOC) tests/support/t.c)
SUPPORT_OBJ := $(SUPPORT:%.c=$(B)/%.o)
FAULT_OBJ := $(FAULT_TESTS:%.c=$(B)/%.o)
FUZZ_OBJ := $(FUZZERS:%.c=$(B)/%.o)
SIM_OBJ := $(SIM:%.c=$(B)/%.o)
FUZZ_BIN := $(FUZZERS:tests/fuzz/%.c=$(B)/fuzz/%)
BENCH_OBJ := $(BENCH:%.c=$(B)/%.o)
QUALITY := $(wildcard tests/quality/*.c)
QUALITY_OBJ := $(QUALITY:%.c=$(B)/%.o)
BENCH_BIN := $(patsubst bench/%.c,$(B)/bench_%,$(filter-out bench/lane.c,$(BENCH)))

.PHONY: all help deps deps-test test check check-long install uninstall bench bench-models bench-nab \
  bench-programs \
  demo docs docs-check unit asan tsan fault fault-tests faults fuzz fuzzers tidy format format-check \
  shell-check valgrind cover crash-programs sim clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/tillstream ## build build/release/tillstream (or another VARIANT)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo "variables: VARIANT CC CFLAGS LDFLAGS WERROR PREFIX DESTDIR RETAIL_DATA T SEED"
	@echo "           FUZZ_BUDGET FAULT_POINTS"

# ---- building ----

$(B)/tillstream: $(OBJ)
	$(LINK) -o $@ $^ $(LINK_LIBS)

# A change of flags rebuilds everything.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(LIBS)' | cmp -s - $@ || echo '$(COMPILE) $(LIBS)' > $@

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

# What tests and fuzzers link: all of the program, its main() under another name.
$(B)/tillstream_main.o: $(B)/tillstream.o
	objcopy --redefine-sym main=tillstream_main $< $@

$(B)/libtillstream.a: $(filter-out $(B)/tillstream.o,$(OBJ)) $(B)/tillstream_main.o $(SUPPORT_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(B)/unit_tests: $(TEST_OBJ) $(B)/libtillstream.a
	$(LINK) -o $@ $^ $(LINK_LIBS) -lcheck -lsubunit -lrt -lpthread -lm

# Calls that tests/fault/faults.c stands in for, to make them fail (VARIANT=fault).
FAULT_CALLS := malloc calloc realloc reallocarray aligned_alloc posix_memalign strdup strndup \
  realpath fopen mmap64 pthread_create usleep nanosleep open open64 read pread pread64 write pwrite \
  pwrite64 fsync fdatasync ftruncate ftruncate64 rename unlink stat stat64 fstat fstat64 fcntl fcntl64

$(B)/fault_tests: $(FAULT_OBJ) $(B)/tests/support/t.o $(B)/libtillstream.a
	$(LINK) $(foreach f,$(FAULT_CALLS),-Wl,--wrap=$f) -o $@ $^ $(LINK_LIBS) -lcheck -lsubunit -lrt \
	  -lpthread -lm

$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(B)/libtillstream.a
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer -o $@ $^ $(LINK_LIBS)

# Twins of the program that commit in two transactions: the kill loop must notice.
$(B)/twin_%: $(OBJ) $(B)/tests/crash/twin.o $(B)/tests/crash/twin_%.o
	$(LINK) -Wl,--wrap=apply_parcel -o $@ $^ $(LINK_LIBS)

crash-programs: ## build what the kill loop kills: tests/crash/kill_loop.py SOURCE
	@+$(MAKE) --no-print-directory -s VARIANT=crash build/crash/tillstream build/crash/twin_twice \
	  build/crash/twin_lost

$(B)/sim: $(SIM_OBJ) $(B)/libtillstream.a
	$(LINK) -o $@ $^ $(LINK_LIBS)

$(B)/quality_%: $(B)/tests/quality/%.o $(B)/bench/lane.o $(B)/libtillstream.a
	$(LINK) -o $@ $^ $(LINK_LIBS)

$(B)/bench_%: $(B)/bench/%.o $(B)/bench/lane.o $(B)/libtillstream.a
	$(LINK) -o $@ $^ $(LINK_LIBS)

-include $(OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(SUPPORT_OBJ:.o=.d) $(FUZZ_OBJ:.o=.d) $(BENCH_OBJ:.o=.d) \
  $(SIM_OBJ:.o=.d) $(FAULT_OBJ:.o=.d) $(QUALITY_OBJ:.o=.d)

# ---- what it needs ----

deps: ## install what building needs (Debian and Ubuntu: apt)
	@scripts/deps run

deps-test: ## install what the tests need too
	@scripts/deps run test
	@+$(MAKE) --no-print-directory build/venv/ready

build/venv/ready: tests/requirements.txt
	@scripts/venv build/venv tests/requirements.txt
	@touch $@

# ---- using it ----

demo: deps ## install what is needed, build, and show it at work
	@+$(MAKE) --no-print-directory -s -j$$(nproc) all
	@scripts/demo

install: all ## install program, man page and completions (PREFIX, DESTDIR)
	@scripts/install $(BIN) "$(DESTDIR)$(PREFIX)"

uninstall: ## remove what install put there
	rm -f "$(DESTDIR)$(PREFIX)/bin/tillstream" "$(DESTDIR)$(PREFIX)/share/man/man1/tillstream.1" \
	  "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tillstream" \
	  "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_tillstream"

bench: ## measure speed and memory, as ratios in one run
	@scripts/deps run bench
	@+$(MAKE) --no-print-directory -s -j$$(nproc) all bench-programs
	@bench/run

MODEL_BENCH := bench_detect quality_forecast quality_forecast_rls
bench-models: $(MODEL_BENCH:%=$(B)/%) ## how well models judge and foretell (needs RETAIL_DATA)
	@tests/quality/detect_run.py $(B)/bench_detect
	@tests/quality/forecast.py $(B)/quality_forecast
	@$(B)/quality_forecast_rls tests/quality/forecast_chicks.csv

bench-nab: $(B)/quality_nab ## the Numenta benchmark (needs RETAIL_DATA)
	@tests/quality/nab.py $<

bench-programs: $(BENCH_BIN)

docs: all ## write docs/CONFIG.md and docs/config.schema.json anew
	$(BIN) config --markdown > docs/CONFIG.md
	$(BIN) config --schema > docs/config.schema.json

# ---- checking it ----

test: ## the quick tests, under a minute
	@scripts/check quick

check: deps-test ## install what the tests need and run all of them
	@scripts/check full

check-long: deps-test ## the same with long fuzzing, valgrind and the long scenarios
	@scripts/check long

unit: $(B)/unit_tests ## the unit tests of one VARIANT (T=part of a name, SEED=n)
	@scripts/unit $(VARIANT) $<

fault-tests: $(B)/fault_tests
	@scripts/unit faults $<

faults: ## fail every call to memory and system (FAULT_POINTS=n of each kind, or all)
	@+$(MAKE) --no-print-directory VARIANT=fault fault-tests

asan tsan fault: ## build that variant and run its unit tests
	@+$(MAKE) --no-print-directory VARIANT=$@ unit

fuzz: ## run all fuzzers for FUZZ_BUDGET seconds in total
	@+$(MAKE) --no-print-directory VARIANT=fuzz fuzzers
	@scripts/fuzz build/fuzz $(notdir $(FUZZERS:.c=))

fuzzers: $(FUZZ_BIN)

sim: $(B)/sim ## simulated worlds: SEEDS=how many, or SEED=this one (TELL=1: every step of it)
	@ASAN_OPTIONS=abort_on_error=1 UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1 \
	  $< $(if $(SEED),1 $(SEED) 1 $(if $(TELL),tell),$(or $(SEEDS),300) 1 $$(nproc))

valgrind: build/release/unit_tests ## the unit tests (not the differential ones) under valgrind
	@T=$(or $(T),tests/unit/) T_TIMEOUT=300 scripts/unit valgrind $<

docs-check: all
	@$(BIN) config --markdown | diff -u docs/CONFIG.md -
	@$(BIN) config --schema | diff -u docs/config.schema.json -

tidy: ## clang-tidy over the program
	@scripts/tidy '$(DEFINES) $(CPPFLAGS)' $(SRC)

CRASHERS := $(wildcard tests/crash/*.c)
C_FILES = $(SRC) $(TESTS) $(FAULT_TESTS) $(FUZZERS) $(BENCH) $(QUALITY) \
  $(HARNESS) $(SUPPORT) $(CRASHERS) $(SIM) \
  $(wildcard *.h */*.h */*/*.h)
format: ## lay out the C code (clang-format 14)
	@clang-format -i $(C_FILES)

format-check:
	@scripts/format_check $(C_FILES)

shell-check:
	@scripts/shell_check

cover: ## lines covered by the unit tests, per file
	@+$(MAKE) --no-print-directory -s VARIANT=cover build/cover/unit_tests
	@scripts/cover build/cover $(SRC)

clean: ## remove all that was built
	rm -rf build
