# Lyceum. `make run` starts everything, `make test` tries everything, `make help` lists the rest.
# Each target installs the packages that it is missing (cli/setup.sh) before it does anything else.
#   BUILD=build/x   another build folder        CC=clang        another compiler
#   SANITIZE=thread a sanitizer                 ONLY=redeem     a part of the stories or benches
#   V=1             show the compiler's lines

BUILD    ?= build
SANITIZE ?=
COVERAGE ?=
ONLY     ?=
V        ?=
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

# What is built: every .c of every room. A new file or a new noun under api/ needs no line here.
ROOMS   := base db auth rules formats gateways jobs api cli
SOURCES := $(wildcard $(addsuffix /*.c,$(ROOMS) api/*))
SQL     := $(wildcard db/sql/*.sql db/migrations/*.sql)
GEN     := $(BUILD)/gen/db
MADE    := $(GEN)/sql.c $(GEN)/migrations.c
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(MADE:%.c=%.o)
UNITS   := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*_test.c tests/unit/*/*_test.c \
             tests/unit/*/*/*_test.c))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/*_fuzz.c))
REPLAYS := $(FUZZERS:_fuzz=_replay)

WARN   := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
CFLAGS ?= -O2 -g
FLAGS   = -std=c11 -D_GNU_SOURCE $(WARN) -I. -I$(BUILD)/gen $(LIB_CFLAGS) $(CFLAGS) $(HARDEN) \
           -pthread
LIBS    = $(LIB_LIBS) -lxlsxwriter -lm
ifneq ($(SANITIZE),)
CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
WARN   := -w  # other flags mislead the compiler's analysis; the ordinary build is the judge
else ifneq ($(COVERAGE),)
CFLAGS := -O0 -g --coverage
WARN   := -w
else
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LDFLAGS += -pie -Wl,-z,relro,-z,now
endif

.PHONY: all run test unit promises stories faults walk check format asan tsan fuzz bench coverage
.PHONY: torture valgrind races rounds years docs npm containers clean help
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

all: $(BUILD)/lyceum  ## build build/lyceum (the default)

run: all  ## build, start a private PostgreSQL, load the demo, serve on http://127.0.0.1:8080
	@exec cli/run.sh $(BUILD)/lyceum

test: build/setup/test all  ## everything against a real PostgreSQL
	@MAKE='$(MAKE) --no-print-directory' tests/tally.sh unit promises stories walk

unit: build/setup/test $(UNITS) $(REPLAYS)  ## the unit tests (cmocka), and what fuzzers found
	@tests/unit.sh $(UNITS) $(REPLAYS)

promises: build/setup/test all  ## what the schema promises, broken on purpose in SQL
	@db/private.sh --fast run build/test-pg tests/promises.sh $(BUILD)/lyceum

stories: build/setup/test npm all  ## the stories over HTTP; ONLY=redeem for a part
	@LYCEUM=$(abspath $(BUILD)/lyceum) ONLY='$(ONLY)' node tests/api/run.mjs --strict

walk: build/setup/test npm all  ## replay docs/ADD-AN-ENDPOINT.md: its endpoint is built and tried
	@MAKE='$(MAKE)' tests/walk.sh

check: build/setup/test $(GEN)/sql.h  ## the promises of docs/ARCHITECTURE.md, lint, compilers
	@MAKE='$(MAKE) --no-print-directory' tests/check/run.sh $(ONLY)

format: build/setup/test  ## lay out every C file by .clang-format
	@find $(wildcard $(ROOMS) tests) -name '*.[ch]' \
	  -not -path '*/node_modules/*' -exec clang-format -i {} +

asan: build/setup/test  ## unit tests and stories under the address and undefined sanitizers
	@ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	  LSAN_OPTIONS=suppressions=$(abspath tests/lsan.supp):print_suppressions=0 \
	  BUILD=build/asan SANITIZE=address,undefined \
	  MAKE='$(MAKE) --no-print-directory' tests/tally.sh unit stories

tsan: build/setup/test  ## unit tests and stories under the thread sanitizer
	@TSAN_OPTIONS=halt_on_error=1:suppressions=$(abspath tests/tsan.supp) \
	  BUILD=build/tsan SANITIZE=thread \
	  MAKE='$(MAKE) --no-print-directory' tests/tally.sh $(or $(TSAN),unit stories)

MEMCHECK := valgrind -q --error-exitcode=99 --leak-check=full \
              --errors-for-leak-kinds=definite,indirect --num-callers=30
valgrind: build/setup/test  ## unit tests under memcheck; VALGRIND_SKIP=token for less
	@+$(MAKE) --no-print-directory BUILD=build/valgrind CFLAGS='-O1 -g -DPIECE_PER_CHUNK=true' \
	  UNDER='$(MEMCHECK)' SKIP='$(VALGRIND_SKIP)' unit

RACES := codes_redeem,attendance,identity_sessions,listener,core_keys,core_links,core_memory
races: build/setup/test  ## of make tsan, the stories that race most
	@+$(MAKE) --no-print-directory tsan TSAN=stories \
	  ONLY=$(RACES),core_slow,core_sold_out,core_strangers

fuzz: build/setup/test  ## each fuzzer for FUZZ_SECONDS (20); ONLY=head,json for a part
	@+$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang \
	  SANITIZE=fuzzer-no-link,address,undefined fuzzers
	@ONLY='$(ONLY)' tests/fuzz/run.sh build/fuzz

comma  := ,
FAULTS := $(subst $() ,$(comma),$(basename $(notdir $(wildcard tests/api/core_*.mjs))))
faults: build/setup/test  ## kill, cut, lock and starve it under load; FAULTS_SCALE=2000 for less
	@MAKE='$(MAKE) --no-print-directory' tests/tally.sh cuts kills

.PHONY: cuts kills
cuts: ONLY := $(or $(ONLY),$(FAULTS))
cuts: stories
kills: build/setup/test npm all build/bench/prepare
	@LYCEUM=$(abspath $(BUILD)/lyceum) node tests/faults/run.mjs

torture: build/setup/test  ## one call after the other fails, in turn; TORTURE_STEP=7 for less
	@MAKE='$(MAKE) --no-print-directory' tests/tally.sh torments

.PHONY: torments
torments: build/setup/test npm all $(BUILD)/libfail.so
	@LYCEUM=$(abspath $(BUILD)/lyceum) TORTURE_LIBRARY=$(abspath $(BUILD)/libfail.so) \
	  ONLY='$(ONLY)' node tests/api/run.mjs --from tests/torture

years: build/setup/test npm all  ## two years of members, each day compared; YEARS_DAYS=90 for less
	@LYCEUM=$(abspath $(BUILD)/lyceum) tests/years.sh

BENCHERS := $(addprefix build/bench/,load hello prepare)
bench: build/setup/test all $(BENCHERS)  ## measure docs/PERFORMANCE.md; ONLY=redeem,hot for a part
	@LYCEUM=$(abspath $(BUILD)/lyceum) ONLY='$(ONLY)' node tests/bench/run.mjs

rounds:  ## of make bench, one short round: that all is measured and the books balance
	@BENCH_SCALE=200000 BENCH_ROUNDS=1 BENCH_FLOORS=tell $(MAKE) --no-print-directory bench \
	  ONLY=redeem,hot,checkin,lecture,schedule,p50

coverage: build/setup/test  ## 90% of lines, 80% of branches by units and stories
	@find build/coverage -name '*.gcda' -delete 2>/dev/null || :
	@BUILD=build/coverage COVERAGE=1 \
	  MAKE='$(MAKE) --no-print-directory' tests/tally.sh unit stories; code=$$?; \
	  gcovr --root . --object-directory build/coverage --exclude 'tests/' --exclude 'build/' \
	  --exclude '.*\.def$$' --fail-under-line 90 --fail-under-branch 80 \
	  --print-summary --txt build/coverage/lines.txt --html-details build/coverage/lines.html && \
	  exit $$code

containers:  ## build the images and try docker-compose.yml for real; needs root
	@tests/containers.sh

docs: all  ## write docs/openapi.json and the problem list from the tables in the source
	@$(BUILD)/lyceum docs docs

clean:  ## remove what was built (the data in .lyceum/ stays)
	rm -rf build

help:  ## this list
	@sed -nE 's/^([a-z]+):.*  ## (.*)/  make \1\t\2/p' Makefile | expand -t18

# What the machine must have. Looked at again only when a package was installed or removed.
DPKG := $(wildcard /var/lib/dpkg/status)

build/setup/run.mk: cli/setup.sh $(DPKG)
	@cli/setup.sh run
	@mkdir -p $(@D)
	@libs=$$(cli/setup.sh libs) && \
	  echo "LIB_CFLAGS := $$(pkg-config --cflags $$libs | sed 's/-I/-isystem /g')" >$@ && \
	  echo "LIB_LIBS := $$(pkg-config --libs $$libs)" >>$@

build/setup/test: cli/setup.sh $(DPKG)
	@cli/setup.sh test
	@mkdir -p $(@D) && touch $@

npm: tests/node_modules/.package-lock.json
tests/node_modules/.package-lock.json: tests/package.json $(wildcard tests/package-lock.json) \
    | build/setup/test
	@cd tests && npm $(if $(wildcard tests/package-lock.json),ci,install) \
	  --no-audit --no-fund --loglevel=error
	@mkdir -p $(@D) && touch $@

ifneq ($(filter-out help clean containers,$(or $(MAKECMDGOALS),all)),)
include build/setup/run.mk
endif

# How it is built.
ifeq ($(V),)
QUIET = @echo '  $(1)' &&
endif

$(BUILD)/lyceum: $(OBJECTS)
	$(call QUIET,link $@)$(CC) $(FLAGS) $(LDFLAGS) -o $@ $(OBJECTS) $(LIBS)

$(BUILD)/%.o: %.c | $(GEN)/sql.h
	@mkdir -p $(@D)
	$(call QUIET,$(CC) $<)$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

$(GEN)/%.o: $(GEN)/%.c | $(GEN)/sql.h
	$(call QUIET,$(CC) $<)$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

# One run of the generator makes all three, and leaves alone what has not changed. The folders count
# too, for a file that was removed.
$(GEN)/sql.h $(MADE): $(GEN)/generated
	@:
$(GEN)/generated: db/generate.pl $(SQL) $(wildcard db/sql db/migrations)
	@mkdir -p $(GEN)
	$(call QUIET,generate $(GEN))perl db/generate.pl $(GEN) db/sql db/migrations
	@touch $@

# A unit test includes the source that it tests. From the archive the linker takes only what is
# still missing, so never that source's own object.
$(BUILD)/lyceum.a: $(filter-out $(BUILD)/cli/main.o,$(OBJECTS))
	@rm -f $@ && ar rcs $@ $^

$(BUILD)/tests/unit/%_test: tests/unit/%_test.c $(BUILD)/lyceum.a
	@mkdir -p $(@D)
	$(call QUIET,$(CC) $<)$(CC) $(FLAGS) $(LDFLAGS) -MMD -MP -MT $@ -MF $@.d -o $@ $< \
	  $(BUILD)/lyceum.a $(LIBS) -lcmocka

build/bench/%: tests/bench/%.c $(BUILD)/lyceum.a
	@mkdir -p $(@D)
	$(call QUIET,$(CC) $<)$(CC) $(FLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/lyceum.a $(LIBS)

# Preloaded into a server whose calls are to fail; it is never built with a sanitizer.
$(BUILD)/libfail.so: tests/torture/fail.c
	@mkdir -p $(@D)
	$(call QUIET,$(CC) $<)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(LIB_CFLAGS) -O2 -g -fPIC -shared \
	  -o $@ $<

# clang-tidy looks at a file again when its object was made again.
.PHONY: tidy
tidy: $(SOURCES:%.c=$(BUILD)/%.tidy)
$(BUILD)/%.tidy: $(BUILD)/%.o .clang-tidy
	@clang-tidy --quiet $*.c -- $(FLAGS) >$@.log 2>&1 || \
	  { grep -E ': (error|warning): ' $@.log; echo "  how it gets there: $@.log"; exit 1; }
	@touch $@

.PHONY: fuzzers
fuzzers: $(FUZZERS)
$(BUILD)/tests/fuzz/%_fuzz: tests/fuzz/%_fuzz.c $(BUILD)/lyceum.a
	@mkdir -p $(@D)
	$(call QUIET,$(CC) $<)$(CC) $(FLAGS) $(LDFLAGS) -fsanitize=fuzzer \
	  -MMD -MP -MT $@ -MF $@.d -o $@ $< $(BUILD)/lyceum.a $(LIBS)

# The same function, called with the cases that are kept instead of by libFuzzer.
$(BUILD)/tests/fuzz/%_replay: tests/fuzz/%_fuzz.c tests/fuzz/replay.c tests/fuzz/fuzz.h \
    $(BUILD)/lyceum.a
	@mkdir -p $(@D)
	$(call QUIET,$(CC) $< for replay)$(CC) $(FLAGS) $(LDFLAGS) -o $@ \
	  $(filter %.c %.a,$^) $(LIBS)

-include $(OBJECTS:.o=.d) $(UNITS:=.d) $(FUZZERS:=.d)
