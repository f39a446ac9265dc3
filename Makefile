# Builds runt. `make` needs only node, npm, gcc, make and python3; what else is missing `make deps` installs.
#
#   make            build/runt, build/runt.node, build/node/ and build/runt-node
#   make test       everything that is checked: types, lint, tests
#                   TESTS="word …" runs only the files whose path has one of the words, with test-only
#   make conformance   the end-to-end tests of the specification; with RUNTIME_TOOLS=DIR, a built checkout of runtime-tools, the
#                   official suite as well
#   make vm-test    end-to-end tests in the virtual machine of ../shared/vm, where there is one
#   make engine-test  Podman, Docker, containerd on runt; RUNT_RUNTIME=runc is a control
#   make fuzz       SECONDS=N for each target (10), TARGET=name for one: fuzz/README.md
#   make SANITIZE=1 test   the same with the C code under ASan and UBSan, in build/sanitize
#   make WEAKEN=1 build/weaken/runt   a program whose walls RUNT_WEAKEN=name,… turns off: for tests only
#   make FAULTS=1   build/faults/runt, which fails where RUNT_FAULT says (addon/faults/faults.h)
#   make faults     every fault at every step and call, for hours
#   make DEBUG=1    keeps names, line numbers and symbols
#   make SNAPSHOT=0 starts from bytecode instead of the saved state of the engine
#   make install    DESTDIR=… PREFIX=…

MAKEFLAGS += --no-builtin-rules
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
# The snapshot needs the arena, and the arena hides from the sanitizers what they look for.
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
# For --version; without git it says the version only.
export RUNT_COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null)

ARCH := $(shell gcc -print-multiarch)
GCC_VERSION := $(shell gcc -dumpversion)
GCC_INCLUDE := $(shell gcc -print-file-name=include)
NODE_PREFIX := $(shell node -p 'require("path").resolve(process.execPath, "../..")')
MUSL_INCLUDE := /usr/include/$(ARCH:gnu=musl)
QUICKJS := /usr/lib/$(ARCH)/quickjs/libquickjs.a

STRIP := $(if $(filter 1,$(DEBUG) $(SANITIZE)),cp,objcopy --strip-all)
# One line for each thing made; V=1 shows the commands.
Q := $(if $(V),,@)
say = @printf '  %-8s %s\n' $(1) $@

GEN := build/gen
O := $(BUILD)/o

# ---- sources ----
TS := $(shell find src seccomp-bpf-js/src -name '*.ts' ! -name '*.test.ts' 2>/dev/null)
TEST_SOURCES := $(shell find src addon seccomp-bpf-js conformance fuzz -name '*.test.ts' 2>/dev/null)
STEPS := $(wildcard addon/steps/*.c)
INIT_SOURCES := $(wildcard addon/init/*.c) $(filter-out addon/steps/runtime_only.c,$(STEPS))
ADDON_C := $(wildcard addon/*.c) $(filter-out addon/steps/container_only.c,$(STEPS))
ADDON_CC := $(wildcard addon/*.cc)
EMBED_C := $(filter-out addon/embed/compile.c,$(wildcard addon/embed/*.c))
EMBED_CC := $(wildcard addon/embed/*.cc)
C_FILES := $(wildcard addon/*.[ch] addon/*.cc addon/*/*.[ch] addon/*/*.cc bench/*.c fuzz/c/*)
FAULT_C := $(if $(filter 1,$(FAULTS)),$(wildcard addon/faults/*.c))
INIT_SOURCES += $(FAULT_C)
ADDON_C += $(FAULT_C)

# ---- flags ----
WARN := -Wall -Wextra -Wno-missing-field-initializers
INCLUDES := -Iaddon -Iaddon/steps -I$(GEN)
FAULT_LINK := $(if $(FAULT_C),-Wl$(shell sed -n 's/^WRAP[A-Z_]*(\([a-z0-9_]*\))$$/,--wrap=\1/p' addon/faults/calls.c | tr -d '\n'))
DEFINES := -DNAPI_VERSION=8 -DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS $(if $(filter 1,$(WEAKEN)),-DRUNT_WEAKEN) \
  $(if $(FAULT_C),-DRUNT_FAULTS)
SECTIONS := -ffunction-sections -fdata-sections
CXX_FLAGS := -std=gnu++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics -isystem node_modules/node-addon-api
# The kernel's, node's and QuickJS's headers, by links, so that glibc's beside them are not seen.
KERNEL := -idirafter build/include
ifeq ($(SANITIZE),1)
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1
EMBED_C := $(filter-out addon/embed/arena.c addon/embed/placement.c addon/embed/snapshot.c addon/embed/glibc_compat.c,$(EMBED_C))
EMBED_CC :=
CC_RUNT := gcc -std=gnu11 -D_GNU_SOURCE= $(WARN) $(SAN) $(SECTIONS) -DRUNT_SANITIZE $(INCLUDES) $(DEFINES) $(KERNEL)
CXX_RUNT := g++ $(WARN) $(SAN) $(SECTIONS) $(CXX_FLAGS) $(INCLUDES) $(DEFINES) $(KERNEL)
LINK_RUNT := g++ $(SAN) -Wl,--gc-sections
LIBS_RUNT := $(QUICKJS) -lm -lpthread
# Init has no libc start-up to hang ASan into after the namespaces are made; UBSan can trap without a runtime library.
CC_INIT := musl-gcc -static -std=gnu11 -D_GNU_SOURCE= $(WARN) -Os -g -fsanitize=undefined -fsanitize-undefined-trap-on-error \
  -DRUNT_INIT $(INCLUDES) $(KERNEL)
else
OPT := -O2 $(if $(filter 1,$(DEBUG)),-g) $(SECTIONS) -fno-pie -fstack-protector-strong -fno-asynchronous-unwind-tables
CC_RUNT := musl-gcc -std=gnu11 -D_GNU_SOURCE= $(WARN) $(OPT) $(INCLUDES) $(DEFINES) $(KERNEL)
CXX_RUNT := g++ $(WARN) $(OPT) -U_FORTIFY_SOURCE -nostdinc -nostdinc++ -isystem /usr/include/c++/$(GCC_VERSION) \
  -isystem /usr/include/$(ARCH)/c++/$(GCC_VERSION) -isystem $(MUSL_INCLUDE) -isystem $(GCC_INCLUDE) \
  -include addon/embed/musl_cxx.h $(CXX_FLAGS) $(INCLUDES) $(DEFINES) $(KERNEL)
LINK_RUNT := musl-gcc -static -no-pie -Wl,--gc-sections -Wl,-z,norelro \
  -Wl,-z,noseparate-code -Wl,--build-id=none -T addon/embed/snapshot.ld
LIBS_RUNT := $(QUICKJS)
CC_INIT := musl-gcc -static -no-pie -std=gnu11 -D_GNU_SOURCE= $(WARN) -Os $(SECTIONS) -fno-pie -fstack-protector-strong \
  -fno-asynchronous-unwind-tables $(if $(filter 1,$(DEBUG)),-g,-s) -Wl,--gc-sections \
  -Wl,--build-id=none -DRUNT_INIT $(INCLUDES) $(DEFINES) $(KERNEL)
endif

CC_INIT += $(FAULT_LINK)
LINK_RUNT += $(FAULT_LINK)

# Two files that change when the set of sources or the flags change, and else keep their time.
remember = $(shell mkdir -p $(BUILD); printf '%s\n' '$(subst ','"'"',$(2))' | cmp -s - $(1) || \
  printf '%s\n' '$(subst ','"'"',$(2))' >$(1))
SOURCES := $(BUILD)/.sources
FLAGS := $(BUILD)/.flags
JS_FLAGS := $(BUILD)/.js-flags
$(call remember,$(SOURCES),$(sort $(TS) $(TEST_SOURCES) $(C_FILES)))
$(call remember,$(FLAGS),$(CC_RUNT) $(CXX_RUNT) $(LINK_RUNT) $(CC_INIT) $(DEBUG) $(SNAPSHOT))

$(call remember,$(JS_FLAGS),$(DEBUG) $(RUNT_COMMIT))

# ---- what is built ----
PROGRAMS := $(BUILD)/runt $(BUILD)/runt.node $(BUILD)/node/index.mjs $(BUILD)/runt-node
.PHONY: faults faulty all deps peers gen fuzz test test-only conformance vm-test engine-test check lint format clean install demo bench coverage
all: $(PROGRAMS)

# Everything else needs this first; the script does nothing where nothing is missing.
DEPS := build/.deps
deps $(DEPS): package-lock.json package.json scripts/deps.sh
	@scripts/deps.sh
	@mkdir -p build && touch $(DEPS)

# Headers that musl-gcc does not look for.
HEADERS := build/.headers
$(HEADERS): $(DEPS)
	@mkdir -p build/include
	@for header in linux asm-generic mtd quickjs; do ln -sfn /usr/include/$$header build/include/$$header; done
	@ln -sfn /usr/include/$(ARCH)/asm build/include/asm
	@for header in node_api node_api_types js_native_api js_native_api_types; do \
	  ln -sf $(NODE_PREFIX)/include/node/$$header.h build/include/; done
	@touch $@

# Generators are TypeScript: bundled, then run. steps.h keeps its time when nothing in it changed, for the sake of C.
STEPS_H := $(GEN)/steps.h
$(STEPS_H): build/.steps ;
build/.steps: scripts/generate-steps.ts src/plan/step-table.ts scripts/bundle.mjs $(DEPS)
	@mkdir -p $(GEN)
	@node scripts/bundle.mjs tool build/tools $<
	@node build/tools/generate-steps.mjs $(STEPS_H).new
	@cmp -s $(STEPS_H).new $(STEPS_H) && rm $(STEPS_H).new || mv $(STEPS_H).new $(STEPS_H)
	@touch $@

SCHEMAS := build/.schemas
$(SCHEMAS): scripts/generate-schemas.ts src/config/json.ts $(wildcard spec-schemas/*.json) scripts/bundle.mjs $(DEPS)
	@mkdir -p $(GEN)
	@node scripts/bundle.mjs tool build/tools $<
	@node build/tools/generate-schemas.mjs spec-schemas $(GEN)
	@touch $@

GENERATED := $(SCHEMAS) build/.steps
gen: $(GENERATED)

# ---- the static program ----
$(BUILD)/js/embedded.js: $(TS) $(SOURCES) $(JS_FLAGS) scripts/bundle.mjs $(GENERATED)
	$(call say,JS)
	$(Q)node scripts/bundle.mjs embedded $(@D)

build/host/compile: addon/embed/compile.c $(HEADERS)
	@mkdir -p $(@D)
	$(call say,HOSTCC)
	$(Q)gcc $(WARN) -O2 -o $@ $< $(KERNEL) $(QUICKJS) -lm -lpthread

$(BUILD)/bytecode/chunks.c: $(BUILD)/js/embedded.js build/host/compile scripts/chunks.mjs
	$(call say,BYTECODE)
	$(Q)node scripts/chunks.mjs build/host/compile $(BUILD)/js $(@D) embedded.js

OBJECTS := $(EMBED_C:%.c=$O/%.o) $(EMBED_CC:%.cc=$O/%.o) $O/chunks.o $O/init_image.o
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
	$(Q)$(CC_RUNT) -Iaddon/embed -c -o $@ $<

$O/init_image.o: addon/embed/init_image.S $(BUILD)/init
	@mkdir -p $(@D)
	$(call say,AS)
	$(Q)gcc -DRUNT_INIT_IMAGE='"$(abspath $(BUILD)/init)"' -c -o $@ $<

$(BUILD)/init: $(INIT_SOURCES) $(SOURCES) $(wildcard addon/*.h addon/init/*.h addon/steps/*.h) $(HEADERS) $(STEPS_H) $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC_INIT) -Wl,--section-start=.plan=0x40000000 -o $@ $(INIT_SOURCES)

# The addon as an archive: only what binding.cc reaches is linked.
$O/addon.a: $(ADDON_OBJECTS) $(SOURCES)
	$(call say,AR)
	@rm -f $@
	$(Q)ar rcs $@ $(ADDON_OBJECTS)

$(BUILD)/runt.boot: $(FLAGS) $(OBJECTS) $O/addon/binding.o $O/addon.a addon/embed/snapshot.ld
	$(call say,LINK)
	$(Q)$(LINK_RUNT) -o $@ $(OBJECTS) $O/addon/binding.o $O/addon.a $(LIBS_RUNT)

# Two runs at build time: one finds out which memory commands write to, one saves the engine with that memory together.
# Where the first cannot be done, the program is only a little slower.
ifeq ($(SNAPSHOT),1)
TRAINING := $(BUILD)/training
$(TRAINING)/list: $(BUILD)/runt.boot
	@rm -rf $(@D) && mkdir -p $(@D)/rootfs
	$(Q)$< spec --bundle $(@D) && sed -i 's/"terminal": true/"terminal": false/' $(@D)/config.json && $< --train $(@D) $@ || : >$@

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
$(BUILD)/runt.node: binding.gyp $(SOURCES) $(ADDON_C) $(ADDON_CC) $(wildcard addon/*.h addon/steps/*.h) $(BUILD)/init $(STEPS_H)
	@# gyp does not know that this one contains another file.
	@rm -f $(GYP)/build/Release/obj.target/runt/addon/embed/init_image.o
	@mkdir -p $(GYP) && cp binding.gyp $(GYP)/ && ln -sfn $(CURDIR)/addon $(GYP)/addon
	$(call say,GYP)
	$(Q)find $(GYP) -name init_image.o -delete # gyp does not see that it holds the init image
	$(Q)RUNT_ROOT=$(CURDIR) RUNT_INIT_IMAGE=$(abspath $(BUILD)/init) RUNT_SANITIZE_FLAGS='$(SAN)' \
	  node_modules/.bin/node-gyp configure build --loglevel=error --directory=$(GYP) --nodedir=$(NODE_PREFIX) $(if $(V),,>/dev/null)
	$(Q)cp $(GYP)/build/Release/runt.node $@

$(BUILD)/node/index.mjs: $(TS) $(SOURCES) $(JS_FLAGS) scripts/bundle.mjs $(GENERATED)
	$(call say,JS)
	$(Q)node scripts/bundle.mjs node $(@D)

$(BUILD)/runt-node: scripts/runt-node scripts/runt-node.mjs
	@mkdir -p $(@D)
	$(Q)cp scripts/runt-node.mjs $(@D)/ && cp $< $@

# ---- the same host and the same Node with an addon that only tests Node-API ----
PROBE := $(BUILD)/probe
$(PROBE)/js/cases.js: addon/embed/testing/cases.ts scripts/bundle.mjs $(JS_FLAGS)
	$(Q)node scripts/bundle.mjs embedded $(@D) $<

$(PROBE)/bytecode/chunks.c: $(PROBE)/js/cases.js build/host/compile scripts/chunks.mjs
	$(Q)node scripts/chunks.mjs build/host/compile $(PROBE)/js $(@D) cases.js

$O/probe-chunks.o: $(PROBE)/bytecode/chunks.c $(FLAGS)
	@mkdir -p $(@D)
	$(Q)$(CC_RUNT) -Iaddon/embed -c -o $@ $<

PROBE_OBJECTS := $(filter-out $O/chunks.o $O/init_image.o,$(OBJECTS)) $O/probe-chunks.o $O/addon/embed/testing/binding.o
$(PROBE)/host: $(PROBE_OBJECTS) addon/embed/snapshot.ld
	$(call say,LINK)
	$(Q)$(LINK_RUNT) -o $@ $(PROBE_OBJECTS) $(LIBS_RUNT)

$(PROBE)/snapshot: $(PROBE)/host
	$(Q)$(if $(filter 1,$(SNAPSHOT)),$< --make-snapshot /dev/null $< $@,cp $< $@)

$(PROBE)/probe.node: addon/embed/testing/binding.cc $(DEPS)
	@mkdir -p $(@D)
	$(call say,CXX)
	$(Q)g++ -shared -fPIC -O1 $(WARN) -std=gnu++17 -fno-exceptions $(DEFINES) -isystem node_modules/node-addon-api \
	  -isystem $(NODE_PREFIX)/include/node -o $@ $<

# ---- the same host with runt's addon and a script that calls it with wrong arguments ----
ARGUMENTS := $(BUILD)/arguments
$(ARGUMENTS)/js/arguments.js: $(wildcard addon/embed/testing/*.ts) scripts/bundle.mjs $(JS_FLAGS)
	$(Q)node scripts/bundle.mjs embedded $(@D) addon/embed/testing/arguments.ts

$(ARGUMENTS)/bytecode/chunks.c: $(ARGUMENTS)/js/arguments.js build/host/compile scripts/chunks.mjs
	$(Q)node scripts/chunks.mjs build/host/compile $(ARGUMENTS)/js $(@D) arguments.js

$O/arguments-chunks.o: $(ARGUMENTS)/bytecode/chunks.c $(FLAGS)
	@mkdir -p $(@D)
	$(Q)$(CC_RUNT) -Iaddon/embed -c -o $@ $<

ARGUMENTS_OBJECTS := $(filter-out $O/chunks.o,$(OBJECTS)) $O/arguments-chunks.o $O/addon/binding.o $O/addon.a
$(ARGUMENTS)/host: $(ARGUMENTS_OBJECTS) addon/embed/snapshot.ld
	$(call say,LINK)
	$(Q)$(LINK_RUNT) -o $@ $(ARGUMENTS_OBJECTS) $(LIBS_RUNT)

# ---- the handlers of addon/steps under test, as the runtime and as init have them ----
STEP_TESTS := $(wildcard addon/test/*.[ch]) $(STEPS) $(wildcard addon/*.h addon/steps/*.h)
STEP_SOURCES := $(filter-out addon/steps/run.c addon/steps/container_only.c addon/steps/runtime_only.c,\
  $(wildcard addon/test/*.c) $(STEPS))
$(BUILD)/steps-test: $(STEP_TESTS) $(STEPS_H) $(SOURCES)
	$(call say,CC)
	$(Q)gcc -std=gnu11 -D_GNU_SOURCE= $(WARN) -g -fsanitize=address,undefined $(INCLUDES) -o $@ \
	  $(STEP_SOURCES) addon/steps/runtime_only.c -pthread

$(BUILD)/steps-test-init: $(STEP_TESTS) $(STEPS_H) $(SOURCES) $(HEADERS)
	$(call say,CC)
	$(Q)musl-gcc -static -std=gnu11 -D_GNU_SOURCE= $(WARN) -g -Os -DRUNT_INIT $(INCLUDES) $(KERNEL) -o $@ $(STEP_SOURCES)

# ---- fuzz targets in C, with a driver of their own for the tests ----
FUZZ_CHECKS := $(patsubst %,$(BUILD)/fuzz/%-check,decode launch notify)
$(FUZZ_CHECKS): fuzz/build.sh $(wildcard fuzz/c/* addon/*.[ch] addon/*.cc addon/steps/*.h) $(STEPS_H)
	$(call say,CC)
	$(Q)fuzz/build.sh gcc $(patsubst %-check,%,$(@F)) $@

SECONDS ?= 10
fuzz: $(FUZZ_CHECKS) $(GENERATED) | peers
	@fuzz/run $(BUILD) $(SECONDS) $(TARGET)

# ---- checks ----
TEST_BUNDLES := $(BUILD)/.tests
$(TEST_BUNDLES): $(SOURCES) $(TS) $(TEST_SOURCES) $(shell find conformance fuzz src seccomp-bpf-js/src -name '*.ts' 2>/dev/null) scripts/bundle.mjs $(GENERATED)
	$(call say,JS)
	$(Q)node scripts/bundle.mjs test $(BUILD)/test $(TEST_SOURCES)
	@touch $@

# tap's own copy without the TypeScript plugin (package.json), which does not know this TypeScript.
TAP := build/.tap
$(TAP): package.json $(DEPS)
	@node_modules/.bin/tap build >/dev/null
	@touch $@

test: all check test-only
# What some tests compare runt with, or need.
peers: $(DEPS)
	@scripts/deps.sh peers
PROBES := $(ARGUMENTS)/host $(PROBE)/host $(PROBE)/snapshot $(PROBE)/probe.node $(BUILD)/steps-test $(BUILD)/steps-test-init $(FUZZ_CHECKS)
# Programs of their own: one that can be told to fail (conformance/faults).
faulty: $(BUILD)/runt
	$(if $(filter build,$(BUILD)),@$(MAKE) FAULTS=1 build/faults/runt)
test-only: faulty weakened $(PROGRAMS) $(PROBES) $(TEST_BUNDLES) $(TAP) | peers
	@scripts/test.sh $(BUILD)

# What attacks must be seen succeeding against. Its sources are this program's, so make has to look by itself.
.PHONY: weakened races
weakened: $(GENERATED)
	@+$(if $(filter 1,$(WEAKEN)),:,$(MAKE) --no-print-directory SANITIZE=0 WEAKEN=1 build/weaken/runt)

# Nightly: every descriptor number, and ten times as many containers in each race (RUNT_RACES).
races: export TESTS := $(or $(TESTS),conformance/security)
races: export RUNT_RACES ?= 1000
races: export RUNT_ATTACK_ALL := 1
races: test-only

# By section of the specification, and the official suite where RUNTIME_TOOLS names it.
conformance: export TESTS := $(or $(TESTS),conformance/spec conformance/default-config conformance/official)
conformance: test-only

# End-to-end tests in a virtual machine with cgroup v2 and AppArmor, as root and as an ordinary user.
vm-test: $(BUILD)/runt $(TEST_BUNDLES)
	@scripts/vm-test.sh $(BUILD)

# Every fault, at every step and call; `make test` has a part of them.
faults: export RUNT_FAULTS := all
faults: export TESTS := conformance/faults/
faults: test-only

# Real engines on the runtime under test, each in namespaces of its own.
engine-test: $(BUILD)/runt $(TEST_BUNDLES)
	@scripts/engine-test.sh $(BUILD)

coverage: $(GENERATED) $(BUILD)/runt.node
	@scripts/coverage.sh $(BUILD)

check: $(GENERATED) lint
	node_modules/.bin/tsc --noEmit
	node_modules/.bin/tsc --noEmit -p tsconfig.pure.json

lint: $(DEPS)
	node_modules/.bin/biome check --error-on-warnings .
	clang-format --dry-run --Werror $(C_FILES)

format: $(DEPS)
	node_modules/.bin/biome check --write .
	clang-format -i $(C_FILES)

# ---- use ----
install: all
	@[ '$(WEAKEN)' != 1 ] || { echo 'a weakened build is for tests only'; exit 1; }
	install -D -m 755 $(BUILD)/runt $(DESTDIR)$(PREFIX)/bin/runt
	@if [ -e man/runt.8 ]; then install -D -m 644 man/runt.8 $(DESTDIR)$(PREFIX)/share/man/man8/runt.8; fi
	@if [ -e completions/runt.bash ]; then \
	  install -D -m 644 completions/runt.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/runt; fi
	@if [ -e completions/_runt ]; then \
	  install -D -m 644 completions/_runt $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_runt; fi
	@if [ -e completions/runt.fish ]; then \
	  install -D -m 644 completions/runt.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/runt.fish; fi

	@for file in $$(cd examples && find . -type f); do \
	  install -D -m 644 examples/$$file $(DESTDIR)$(PREFIX)/share/doc/runt/examples/$$file; done

demo: all
	@scripts/demo.sh

bench: all
	@bench/run

clean:
	rm -rf build .tap

-include $(shell find $(O) -name '*.d' 2>/dev/null)
