# Builds runt. `make` needs only node, npm, gcc, make and python3; `make deps` installs other missing packages.
#
#   make            build/runt
#   make node       build/runt.node, build/node/ and build/runt-node: the same commands on Node
#   make test       all checks: types, lint, tests
#                   TESTS="word …" runs only the files whose path contains one of the words, also with test-only
#   make try        TESTS="word …": runs these files on build/runt and builds nothing else; some tests may be skipped
#   make conformance   the end-to-end tests of the specification; with RUNTIME_TOOLS=DIR, a built checkout of runtime-tools, the
#                   official suite as well
#   make vm-test    end-to-end tests in the virtual machine of ../shared/vm, if it exists
#   make engine-test  Podman, Docker, containerd on runt; RUNT_RUNTIME=runc is a control; ENGINES=DIR uses Debian sid's
#   make fuzz       SECONDS=N for each target (10), TARGET=name for one: fuzz/README.md
#   make SANITIZE=1 test   the same with the C code under ASan and UBSan, in build/sanitize
#   make WEAKEN=1 build/weaken/runt   a program whose protections RUNT_WEAKEN=name,… turns off: for tests only
#   make FAULTS=1   build/faults/runt, with fault injection by RUNT_FAULT (addon/faults/faults.h)
#   make faults     every fault at every step and call; takes hours
#   make DEBUG=1    keeps names, line numbers and symbols
#   make SNAPSHOT=0 starts from bytecode instead of the saved state of the engine
#   make docs       the manual page and the completions, from the table of commands
#   make install    DESTDIR=… PREFIX=…; make uninstall removes the same files

MAKEFLAGS += --no-builtin-rules
# A make that this one starts shares its jobs.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
.DELETE_ON_ERROR:
.SUFFIXES:

PREFIX ?= /usr/local
DESTDIR ?=
DEBUG ?= 0
export DEBUG
SANITIZE ?= 0
WEAKEN ?= 0
ifeq ($(SANITIZE),1)
BUILD := build/sanitize
# The snapshot needs the arena, and with the arena the sanitizers cannot track allocations.
SNAPSHOT := 0
else
BUILD := build$(if $(filter 1,$(WEAKEN)),/weaken)
SNAPSHOT ?= 1
endif
export WEAKEN
FAULTS ?= 0
ifeq ($(FAULTS),1)
BUILD := build/faults
endif
export RUNT_BUILD := $(BUILD)
export TESTS
# For --version; without git it only prints the version.
export RUNT_COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null)

ARCH := $(shell gcc -print-multiarch)
GCC_VERSION := $(shell gcc -dumpversion)
GCC_INCLUDE := $(shell gcc -print-file-name=include)
NODE_PREFIX := $(shell node -p 'require("path").resolve(process.execPath, "../..")' 2>/dev/null)
MUSL_INCLUDE := /usr/include/$(ARCH:gnu=musl)
QUICKJS := build/libquickjs.a

STRIP := $(if $(filter 1,$(DEBUG) $(SANITIZE)),cp,objcopy --strip-all)
# One line for each thing made; V=1 shows the commands.
Q := $(if $(V),,@)
say = @printf '  %-8s %s\n' $(1) $@

GEN := build/gen
BUNDLER := scripts/bundle.mjs scripts/yargs-parts.mjs
O := $(BUILD)/o

# ---- sources ----
TS := $(shell find src seccomp-bpf-js/src -name '*.ts' ! -name '*.test.ts' 2>/dev/null)
TEST_SOURCES := $(shell find src addon seccomp-bpf-js conformance fuzz -name '*.test.ts' 2>/dev/null)
STEPS := $(wildcard addon/machine/*.c)
INIT_SOURCES := $(wildcard addon/init/*.c) $(STEPS)
ADDON_C := $(wildcard addon/kernel/*.c addon/runtime/*.c) $(STEPS)
ADDON_CC := $(wildcard addon/binding/*.cc)
ADDON_H := $(wildcard addon/binding/*.h addon/kernel/*.h addon/machine/*.h addon/runtime/*.h)
QUICKJS_C := $(filter-out addon/quickjs/compile.c,$(wildcard addon/quickjs/*.c))
QUICKJS_CC := $(wildcard addon/quickjs/*.cc)
C_FILES := $(wildcard addon/*/*.[ch] addon/*/*.cc bench/*.c fuzz/c/*)
FAULT_C := $(if $(filter 1,$(FAULTS)),$(wildcard addon/faults/*.c))
INIT_SOURCES += $(FAULT_C)
ADDON_C += $(FAULT_C)

# ---- flags ----
WARN := -Wall -Wextra -Wno-missing-field-initializers
INCLUDES := -Iaddon $(addprefix -Iaddon/,binding kernel machine runtime) -I$(GEN)
FAULT_LINK := $(if $(FAULT_C),-Wl$(shell sed -n 's/^WRAP[A-Z_]*(\([a-z0-9_]*\))$$/,--wrap=\1/p' addon/faults/calls.c | tr -d '\n'))
DEFINES := -DNAPI_VERSION=8 -DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS $(if $(filter 1,$(WEAKEN)),-DRUNT_WEAKEN) \
  $(if $(FAULT_C),-DRUNT_FAULTS)
SECTIONS := -ffunction-sections -fdata-sections
CXX_FLAGS := -std=gnu++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics -isystem node_modules/node-addon-api
# Links to the kernel's, node's and QuickJS's headers, so that glibc's headers in the same directories are not found.
KERNEL := -idirafter build/include
ifeq ($(SANITIZE),1)
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1
QUICKJS_C := $(filter-out addon/quickjs/arena.c addon/quickjs/placement.c addon/quickjs/snapshot.c addon/quickjs/glibc_compat.c,$(QUICKJS_C))
QUICKJS_CC :=
CC_RUNT := gcc -std=gnu11 -D_GNU_SOURCE= $(WARN) $(SAN) $(SECTIONS) -DRUNT_SANITIZE $(INCLUDES) $(DEFINES) $(KERNEL)
CXX_RUNT := g++ $(WARN) $(SAN) $(SECTIONS) $(CXX_FLAGS) $(INCLUDES) $(DEFINES) $(KERNEL)
LINK_RUNT := g++ $(SAN) -Wl,--gc-sections
LIBS_RUNT := $(QUICKJS) -lm -lpthread
# Init cannot start ASan's runtime in its namespaces; UBSan can trap without a runtime library.
CC_INIT := musl-gcc -static -std=gnu11 -D_GNU_SOURCE= $(WARN) -Os -g -fsanitize=undefined -fsanitize-undefined-trap-on-error \
  -DRUNT_INIT $(INCLUDES) $(KERNEL)
else
OPT := -O2 $(if $(filter 1,$(DEBUG)),-g) $(SECTIONS) -fno-pie -fstack-protector-strong -fno-asynchronous-unwind-tables
CC_RUNT := musl-gcc -std=gnu11 -D_GNU_SOURCE= $(WARN) $(OPT) $(INCLUDES) $(DEFINES) $(KERNEL)
CXX_RUNT := g++ $(WARN) $(OPT) -U_FORTIFY_SOURCE -nostdinc -nostdinc++ -isystem /usr/include/c++/$(GCC_VERSION) \
  -isystem /usr/include/$(ARCH)/c++/$(GCC_VERSION) -isystem $(MUSL_INCLUDE) -isystem $(GCC_INCLUDE) \
  -include addon/quickjs/musl_cxx.h $(CXX_FLAGS) $(INCLUDES) $(DEFINES) $(KERNEL)
LINK_RUNT := musl-gcc -static -no-pie -Wl,--gc-sections -Wl,-z,norelro \
  -Wl,-z,noseparate-code -Wl,--build-id=none -T addon/quickjs/snapshot.ld
LIBS_RUNT := $(QUICKJS)
CC_INIT := musl-gcc -static -no-pie -std=gnu11 -D_GNU_SOURCE= $(WARN) -Os $(SECTIONS) -fno-pie -fstack-protector-strong \
  -fno-asynchronous-unwind-tables $(if $(filter 1,$(DEBUG)),-g,-s) -Wl,--gc-sections \
  -Wl,--build-id=none -DRUNT_INIT $(INCLUDES) $(DEFINES) $(KERNEL)
endif

CC_INIT += $(FAULT_LINK)
LINK_RUNT += $(FAULT_LINK)

# Two files that are only rewritten when the set of sources or the flags change.
remember = $(shell mkdir -p $(BUILD); printf '%s\n' '$(subst ','"'"',$(2))' | cmp -s - $(1) || \
  printf '%s\n' '$(subst ','"'"',$(2))' >$(1))
SOURCES := $(BUILD)/.sources
FLAGS := $(BUILD)/.flags
JS_FLAGS := $(BUILD)/.js-flags
$(call remember,$(SOURCES),$(sort $(TS) $(TEST_SOURCES) $(C_FILES)))
$(call remember,$(FLAGS),$(CC_RUNT) $(CXX_RUNT) $(LINK_RUNT) $(CC_INIT) $(DEBUG) $(SNAPSHOT))

$(call remember,$(JS_FLAGS),$(DEBUG) $(RUNT_COMMIT))

# ---- programs ----
PROGRAMS := $(BUILD)/runt $(BUILD)/runt.node $(BUILD)/node/index.mjs $(BUILD)/runt-node
.PHONY: faults faulty all node deps peers gen fuzz test test-only conformance vm-test engine-test check lint format clean install uninstall demo bench coverage
all: $(BUILD)/runt
node: $(PROGRAMS)

# All other targets need this first; the script does nothing if nothing is missing. What only checks and tests need is not
# installed for these.
SMALL_GOALS := all demo gen clean install uninstall build/runt build/%/runt
DEPS_SCOPE := $(if $(filter-out $(SMALL_GOALS),$(MAKECMDGOALS)),all,build)
DEPS := build/.deps-$(DEPS_SCOPE)
deps $(DEPS): package-lock.json package.json scripts/deps.sh
	@scripts/deps.sh $(DEPS_SCOPE)
	@mkdir -p build && touch $(DEPS)

# Headers that musl-gcc does not find, and QuickJS, which may be unpacked apart.
HEADERS := build/.headers
$(HEADERS): $(DEPS)
	@mkdir -p build/include
	@for header in linux asm-generic mtd; do ln -sfn /usr/include/$$header build/include/$$header; done
	@root=; [ -e /usr/lib/$(ARCH)/quickjs/libquickjs.a ] || root=$(CURDIR)/build/quickjs; \
	  ln -sfn $$root/usr/include/quickjs build/include/quickjs && ln -sfn $$root/usr/lib/$(ARCH)/quickjs/libquickjs.a $(QUICKJS)
	@ln -sfn /usr/include/$(ARCH)/asm build/include/asm
	@for header in node_api node_api_types js_native_api js_native_api_types; do \
	  ln -sf $(NODE_PREFIX)/include/node/$$header.h build/include/; done
	@touch $@

# Generators are TypeScript: bundled, then run. An unchanged steps.h keeps its time, so that C is not recompiled.
STEPS_H := $(GEN)/steps.h
$(STEPS_H): build/.steps ;
build/.steps: scripts/generate-steps.ts src/steps/step-table.ts src/steps/protocol.ts $(BUNDLER) $(DEPS)
	@mkdir -p $(GEN)
	@node scripts/bundle.mjs tool build/tools $<
	@node build/tools/generate-steps.mjs $(STEPS_H).new
	@cmp -s $(STEPS_H).new $(STEPS_H) && rm $(STEPS_H).new || mv $(STEPS_H).new $(STEPS_H)
	@touch $@

SCHEMAS := build/.schemas
$(SCHEMAS): scripts/generate-schemas.ts $(wildcard scripts/schema-*.ts) src/config/json.ts $(wildcard spec-schemas/*.json) $(BUNDLER) $(DEPS)
	@mkdir -p $(GEN)
	@node scripts/bundle.mjs tool build/tools $<
	@rm -f $(GEN)/*.[jt]s # those of an older version would be checked as well
	@node build/tools/generate-schemas.mjs spec-schemas $(GEN)
	@touch $@

GENERATED := $(SCHEMAS) build/.steps
gen: $(GENERATED)

# ---- the static program ----
$(BUILD)/js/embedded.js: $(TS) $(SOURCES) $(JS_FLAGS) $(BUNDLER) $(GENERATED)
	$(call say,JS)
	$(Q)node scripts/bundle.mjs embedded $(@D)

build/host/compile: addon/quickjs/compile.c $(HEADERS)
	@mkdir -p $(@D)
	$(call say,HOSTCC)
	$(Q)gcc $(WARN) -O2 -o $@ $< $(KERNEL) $(QUICKJS) -lm -lpthread

$(BUILD)/bytecode/chunks.c: $(BUILD)/js/embedded.js build/host/compile scripts/chunks.mjs
	$(call say,BYTECODE)
	$(Q)node scripts/chunks.mjs build/host/compile $(BUILD)/js $(@D) embedded.js

OBJECTS := $(QUICKJS_C:%.c=$O/%.o) $(QUICKJS_CC:%.cc=$O/%.o) $O/chunks.o $O/init_image.o
ADDON_OBJECTS := $(ADDON_C:%.c=$O/%.o) $(ADDON_CC:%.cc=$O/%.o)

$O/%.o: %.c $(HEADERS) $(STEPS_H) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC_RUNT) -MMD -MP -c -o $@ $<

$O/%.o: %.cc $(HEADERS) $(STEPS_H) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CXX)
	$(Q)$(CXX_RUNT) -MMD -MP -c -o $@ $<

$O/chunks.o: $(BUILD)/bytecode/chunks.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC_RUNT) -Iaddon/quickjs -c -o $@ $<

$O/init_image.o: addon/quickjs/init_image.S $(BUILD)/init
	@mkdir -p $(@D)
	$(call say,AS)
	$(Q)gcc -DRUNT_INIT_IMAGE='"$(abspath $(BUILD)/init)"' -c -o $@ $<

$(BUILD)/init: $(INIT_SOURCES) $(SOURCES) $(ADDON_H) $(HEADERS) $(STEPS_H) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC_INIT) -Wl,--section-start=.plan=0x40000000 -o $@ $(INIT_SOURCES)

# The addon as an archive: only what binding.cc refers to is linked.
$O/addon.a: $(ADDON_OBJECTS) $(SOURCES)
	$(call say,AR)
	@rm -f $@
	$(Q)ar rcs $@ $(ADDON_OBJECTS)

$(BUILD)/runt.boot: $(FLAGS) $(OBJECTS) $O/addon/binding/binding.o $O/addon.a addon/quickjs/snapshot.ld
	$(call say,LINK)
	$(Q)$(LINK_RUNT) -o $@ $(OBJECTS) $O/addon/binding/binding.o $O/addon.a $(LIBS_RUNT)

# Two runs at build time: one finds the memory that commands write to, one saves the engine with that memory in one place.
# If the first one fails, the program is only a little slower.
ifeq ($(SNAPSHOT),1)
TRAINING := $(BUILD)/training
$(TRAINING)/list: $(BUILD)/runt.boot
	@rm -rf $(@D) && mkdir -p $(@D)/rootfs
	$(Q)ln -f $< $(@D)/rootfs/runt && $< spec --bundle $(@D) && \
	  sed -i 's/"terminal": true/"terminal": false/; s,"sh","/runt"\, "--version",' $(@D)/config.json && $< --train $(@D) $@ || : >$@

$(BUILD)/runt: $(BUILD)/runt.boot $(TRAINING)/list $(FLAGS)
	$(call say,SNAPSHOT)
	@$(STRIP) $< $<.stripped
	$(Q)$< --make-snapshot $(TRAINING)/list $<.stripped $@.new
	@mv -f $@.new $@ # a running program cannot be written to
else
$(BUILD)/runt: $(BUILD)/runt.boot $(FLAGS)
	$(Q)$(STRIP) $< $@
endif

# ---- the Node package ----
GYP := $(BUILD)/gyp
$(BUILD)/runt.node: binding.gyp $(SOURCES) $(ADDON_C) $(ADDON_CC) $(ADDON_H) $(BUILD)/init $(STEPS_H)
	@mkdir -p $(GYP) && cp binding.gyp $(GYP)/ && ln -sfn $(CURDIR)/addon $(GYP)/addon
	$(call say,GYP)
	$(Q)find $(GYP) -name init_image.o -delete # gyp does not know that it contains the init image
	$(Q)RUNT_ROOT=$(CURDIR) RUNT_INIT_IMAGE=$(abspath $(BUILD)/init) RUNT_SANITIZE_FLAGS='$(SAN)' \
	  MAKEFLAGS= node_modules/.bin/node-gyp configure build --loglevel=error --directory=$(GYP) --nodedir=$(NODE_PREFIX) $(if $(V),,>/dev/null)
	$(Q)cp $(GYP)/build/Release/runt.node $@

$(BUILD)/node/index.mjs: $(TS) $(SOURCES) $(JS_FLAGS) $(BUNDLER) $(GENERATED)
	$(call say,JS)
	$(Q)node scripts/bundle.mjs node $(@D)

$(BUILD)/runt-node: scripts/runt-node scripts/runt-node.mjs
	@mkdir -p $(@D)
	$(Q)cp scripts/runt-node.mjs $(@D)/ && cp $< $@

# ---- the same host and the same Node with an addon that only tests Node-API ----
PROBE := $(BUILD)/probe
$(PROBE)/js/cases.js: addon/quickjs/testing/cases.ts $(BUNDLER) $(JS_FLAGS) $(DEPS)
	$(Q)node scripts/bundle.mjs embedded $(@D) $<

$(PROBE)/bytecode/chunks.c: $(PROBE)/js/cases.js build/host/compile scripts/chunks.mjs
	$(Q)node scripts/chunks.mjs build/host/compile $(PROBE)/js $(@D) cases.js

$O/probe-chunks.o: $(PROBE)/bytecode/chunks.c $(FLAGS)
	@mkdir -p $(@D)
	$(Q)$(CC_RUNT) -Iaddon/quickjs -c -o $@ $<

PROBE_OBJECTS := $(filter-out $O/chunks.o $O/init_image.o,$(OBJECTS)) $O/probe-chunks.o $O/addon/quickjs/testing/binding.o
$(PROBE)/host: $(PROBE_OBJECTS) addon/quickjs/snapshot.ld
	$(call say,LINK)
	$(Q)$(LINK_RUNT) -o $@ $(PROBE_OBJECTS) $(LIBS_RUNT)

$(PROBE)/snapshot: $(PROBE)/host
	$(Q)$(if $(filter 1,$(SNAPSHOT)),$< --make-snapshot /dev/null $< $@,cp $< $@)

$(PROBE)/probe.node: addon/quickjs/testing/binding.cc $(DEPS)
	@mkdir -p $(@D)
	$(call say,CXX)
	$(Q)g++ -shared -fPIC -O1 $(WARN) -std=gnu++17 -fno-exceptions $(DEFINES) -isystem node_modules/node-addon-api \
	  -isystem $(NODE_PREFIX)/include/node -o $@ $<

# ---- the same host with runt's addon and a script that calls it with wrong arguments ----
ARGUMENTS := $(BUILD)/arguments
$(ARGUMENTS)/js/arguments.js: $(wildcard addon/quickjs/testing/*.ts) $(BUNDLER) $(JS_FLAGS) $(DEPS)
	$(Q)node scripts/bundle.mjs embedded $(@D) addon/quickjs/testing/arguments.ts

$(ARGUMENTS)/bytecode/chunks.c: $(ARGUMENTS)/js/arguments.js build/host/compile scripts/chunks.mjs
	$(Q)node scripts/chunks.mjs build/host/compile $(ARGUMENTS)/js $(@D) arguments.js

$O/arguments-chunks.o: $(ARGUMENTS)/bytecode/chunks.c $(FLAGS)
	@mkdir -p $(@D)
	$(Q)$(CC_RUNT) -Iaddon/quickjs -c -o $@ $<

ARGUMENTS_OBJECTS := $(filter-out $O/chunks.o,$(OBJECTS)) $O/arguments-chunks.o $O/addon/binding/binding.o $O/addon.a
$(ARGUMENTS)/host: $(ARGUMENTS_OBJECTS) addon/quickjs/snapshot.ld
	$(call say,LINK)
	$(Q)$(LINK_RUNT) -o $@ $(ARGUMENTS_OBJECTS) $(LIBS_RUNT)

# ---- the handlers of addon/machine under test, as the runtime and as init have them ----
STEP_TESTS := $(wildcard addon/test/*.[ch]) $(STEPS) $(ADDON_H)
STEP_SOURCES := $(filter-out addon/machine/run.c,$(wildcard addon/test/*.c) $(STEPS))
$(BUILD)/steps-test: $(STEP_TESTS) $(STEPS_H) $(SOURCES)
	$(call say,CC)
	$(Q)gcc -std=gnu11 -D_GNU_SOURCE= $(WARN) -g -fsanitize=address,undefined $(INCLUDES) -o $@ \
	  $(STEP_SOURCES) addon/runtime/steps.c addon/runtime/net_device.c -pthread

$(BUILD)/steps-test-init: $(STEP_TESTS) $(STEPS_H) $(SOURCES) $(HEADERS)
	$(call say,CC)
	$(Q)musl-gcc -static -std=gnu11 -D_GNU_SOURCE= $(WARN) -g -Os -DRUNT_INIT $(INCLUDES) $(KERNEL) -o $@ $(STEP_SOURCES)

# ---- fuzz targets in C, with a driver of their own for the tests ----
FUZZ_CHECKS := $(patsubst %,$(BUILD)/fuzz/%-check,decode launch notify)
$(FUZZ_CHECKS): fuzz/build.sh $(wildcard fuzz/c/* addon/*/*.[ch] addon/*/*.cc) $(STEPS_H)
	$(call say,CC)
	$(Q)fuzz/build.sh gcc $(patsubst %-check,%,$(@F)) $@

SECONDS ?= 10
fuzz: $(FUZZ_CHECKS) $(GENERATED) | peers
	@fuzz/run $(BUILD) $(SECONDS) $(TARGET)

# ---- checks ----
TEST_BUNDLES := $(BUILD)/.tests
$(TEST_BUNDLES): $(SOURCES) $(TS) $(TEST_SOURCES) $(shell find conformance fuzz src seccomp-bpf-js/src -name '*.ts' 2>/dev/null) $(BUNDLER) $(GENERATED)
	$(call say,JS)
	$(Q)node scripts/bundle.mjs test $(BUILD)/test $(TEST_SOURCES)
	@touch $@

# tap without its TypeScript plugin (package.json), which does not support this version of TypeScript.
TAP := build/.tap
$(TAP): package.json $(DEPS)
	@node_modules/.bin/tap build >/dev/null
	@touch $@

test: all check test-only
# Programs that some tests need or compare runt with.
peers: $(DEPS)
	@scripts/deps.sh peers
PROBES := $(ARGUMENTS)/host $(PROBE)/host $(PROBE)/snapshot $(PROBE)/probe.node $(BUILD)/steps-test $(BUILD)/steps-test-init $(FUZZ_CHECKS)
# The program with fault injection (conformance/cases/faults).
faulty: $(BUILD)/runt
	$(if $(filter build,$(BUILD)),@+$(MAKE) --no-print-directory FAULTS=1 build/faults/runt)
test-only: faulty weakened $(PROGRAMS) $(PROBES) $(TEST_BUNDLES) $(TAP) | peers
	@scripts/test.sh $(BUILD)

# For development: builds the program, and runs only the files that TESTS names.
.PHONY: try
try: $(BUILD)/runt
	$(if $(TESTS),,$(error TESTS names the files: make try TESTS=commands/kill))@scripts/try.sh $(BUILD)

# The program against which attacks must succeed. It has the same sources, so a recursive make checks them.
.PHONY: weakened races
weakened: $(BUILD)/runt
	@+$(if $(filter 1,$(WEAKEN)),:,$(MAKE) --no-print-directory SANITIZE=0 WEAKEN=1 build/weaken/runt)

# Nightly: every descriptor number, and ten times as many containers in each race (RUNT_RACES).
races: export TESTS := $(or $(TESTS),conformance/cases/security)
races: export RUNT_RACES ?= 1000
races: export RUNT_ATTACK_ALL := 1
races: test-only

# By section of the specification, and the official suite if RUNTIME_TOOLS names it.
conformance: export TESTS := $(or $(TESTS),conformance/cases/spec conformance/cases/default-config conformance/suites/official)
conformance: test-only

# End-to-end tests in a virtual machine with cgroup v2 and AppArmor, as root and as an unprivileged user.
vm-test: $(BUILD)/runt $(TEST_BUNDLES)
	@scripts/vm-test.sh $(BUILD)

# Some of the tests on the program with ASan and UBSan, for a few minutes; SANITIZE=1 test runs all of them.
.PHONY: sanitize-test
sanitize-test: export TESTS := $(or $(TESTS),addon/test src/native src/plan/plan conformance/cases/default-config conformance/cases/terminal \
  commands/create commands/exec commands/kill commands/update security/descriptors spec/mounts spec/hooks cgroup/limits)
sanitize-test:
	@+status=0; $(MAKE) SANITIZE=1 test-only || status=$$?; cp build/sanitize/test.counts build/$@.counts; exit $$status

# Every fault, at every step and call; `make test` runs a part of them. RUNT_FAULTS=2/8 is the second eighth.
faults: export RUNT_FAULTS ?= all
faults: export TESTS := conformance/cases/faults/
faults: test-only

# Real engines on the runtime under test, each in namespaces of its own.
engine-test: $(BUILD)/runt $(TEST_BUNDLES)
	@scripts/engine-test.sh $(BUILD)

# Suites of other projects, in a Debian root of their own: RUNC_SOURCE and RUNTIME_TOOLS name checkouts. See docs/peers-suites.md.
.PHONY: peers-suites
peers-suites: export RUNC := $(or $(RUNC),$(BUILD)/runt)
peers-suites: $(BUILD)/runt
	@scripts/peers-suites.sh

coverage: $(GENERATED) $(BUILD)/runt.node
	@scripts/coverage.sh $(BUILD)

check: $(GENERATED) lint
	node_modules/.bin/tsc --noEmit
	node_modules/.bin/tsc --noEmit -p tsconfig.pure.json

lint: $(DEPS)
	node_modules/.bin/biome check --error-on-warnings .
	clang-format --dry-run --Werror $(C_FILES)

# The manual page and the completions, from the table of commands; src/cli/docs.test.ts fails if they are out of date.
.PHONY: docs
docs: $(GENERATED)
	@node scripts/bundle.mjs tool build/tool scripts/generate-cli-docs.ts
	@node build/tool/generate-cli-docs.mjs .

format: $(DEPS)
	node_modules/.bin/biome check --write .
	clang-format -i $(C_FILES)

# ---- use ----
# Debian's fish does not look below /usr/local.
FISH_DIR := $(if $(filter /usr/local,$(PREFIX)),../../etc/fish/completions,share/fish/vendor_completions.d)
# What is installed: mode, file, directory below PREFIX, name there.
INSTALLED := 755:$(BUILD)/runt:bin:runt 644:man/runt.8:share/man/man8:runt.8 \
  644:completions/runt.bash:share/bash-completion/completions:runt 644:completions/_runt:share/zsh/site-functions:_runt \
  644:completions/runt.fish:$(FISH_DIR):runt.fish \
  $(foreach file,$(wildcard spec-schemas/*.json),644:$(file):share/runt/schemas:$(notdir $(file))) \
  $(foreach file,$(shell cd examples && find . -type f -printf '%P\n'),644:examples/$(file):share/doc/runt/examples:$(file))
part = $(word $(2),$(subst :, ,$(1)))
target = $(DESTDIR)$(PREFIX)/$(call part,$(1),3)/$(call part,$(1),4)
install: all
	@[ '$(WEAKEN)' != 1 ] || { echo 'a weakened build is for tests only'; exit 1; }
	@$(foreach file,$(INSTALLED),install -D -m $(call part,$(file),1) $(call part,$(file),2) $(call target,$(file)) &&) :
	@echo 'installed below $(DESTDIR)$(PREFIX): bin/runt, its manual page, completions, schemas and examples'

uninstall:
	rm -f $(foreach file,$(INSTALLED),$(call target,$(file)))
	@find $(DESTDIR)$(PREFIX)/share/doc/runt $(DESTDIR)$(PREFIX)/share/runt -depth -type d -empty -delete 2>/dev/null || :

demo: all
	@scripts/demo.sh

bench: all
	@bench/run

clean:
	rm -rf build .tap

-include $(shell find $(O) -name '*.d' 2>/dev/null)
