# ipck: conformance, stress and fault injection for implementations of System V and POSIX IPC.
#
# One program a flavour holds all conformance tests; everything is built under build/.
#   make run ARGS='-k semop --target host-musl'     make build/glibc/sysv/sem/semop_wait (that file's tests alone)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON := /usr/bin/python3
JOBS := $(shell nproc 2>/dev/null || echo 2)
ARGS :=

machine := $(shell uname -m)
flavours := glibc glibc-static musl $(if $(filter x86_64,$(machine)),i386)
flavours_checked := clang
flavours_linted := optimized
# Cross-built, and fetched with their compilers, by asking for them: make build/s390x/ipck-tests
flavours_crossed := $(shell sed -n 's/^\([a-z][^ ]*\) .*/\1/p' conformance/architectures)
# For a kernel or an emulator without a C library of its own.
flavours_asked := musl-coverage $(flavours_crossed) $(if $(filter x86_64,$(machine)),i386-static)

families := sysv posix common tools notes
sources := $(sort $(shell find $(addprefix conformance/,$(families)) -name '*.c'))
library := $(sort $(filter-out conformance/lib/counters_%,$(wildcard conformance/lib/*.c)))
hardened := $(sort $(wildcard fault/hardened/*.c))
clients := $(sort $(wildcard fault/clients/*.c))
bench := $(sort $(wildcard stress/bench/*.c))
calls := fault/calls.h fault/each_call.h fault/calls.def
interleave := $(sort $(wildcard stress/gates/*.c))
gates := fault/gates/calls.c fault/gates/gates.c
fault_sources := $(wildcard fault/preload/*.c) fault/calls.c
fault_headers := $(wildcard fault/preload/*.h) fault/interpose.h $(calls)
inside := $(sort $(wildcard fault/inside/*.c))
failnth := $(sort $(wildcard fault/failnth/*.c))
mutant_sources := $(filter-out fault/mutants/list.c,$(sort $(wildcard fault/mutants/*.c)))
guest_programs := build/glibc-static/guest-init build/musl/guest-init build/emulate
fault_programs := build/glibc/ipck-points build/glibc/ipck-fault.so $(if $(filter x86_64,$(machine)),build/i386/ipck-fault.so) \
	$(flavours:%=build/%/ipck-inside) build/glibc-static/ipck-failnth build/musl/ipck-failnth build/glibc/ipck-mutants build/glibc/ipck-mutants.so
coverage_programs := $(addprefix build/glibc-static/,ipck-tests guest-init crash-tests ipck-stress ipck-failnth)
stress_programs := $(flavours:%=build/%/ipck-stress)
torture_programs := $(clients:fault/%.c=build/glibc/%) $(hardened:fault/%.c=build/glibc/%) build/glibc/crash-tests build/glibc/ipck-apart
bench_programs := $(flavours:%=build/%/ipck-bench)
gate_programs := $(flavours:%=build/%/ipck-interleave) build/glibc/ipck-gates.so build/glibc/ipck-interleave-shared
crash_tests := $(sort $(wildcard fault/crash/*.c))
stress := $(sort $(wildcard stress/*.c $(addsuffix /*.c,$(addprefix stress/,model fuzz history storms))))
bad_tests := $(sort $(wildcard harness/tests/bad/*.c))

warnings := -Wall -Wextra -Werror -Wno-psabi -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Wundef
common := -std=gnu11 -g1 -D_GNU_SOURCE $(warnings) -Iconformance/include -Ibuild -pthread

# What counts for tests is the time of their compilation. Optimization is for its warnings; without it, the one about
# variables that longjmp() and vfork() may clobber means nothing.
unoptimized := -O0 -Wno-clobbered
optimization_clang := -O2
optimization_optimized := -O2

musl_version = $(shell { /lib/ld-musl-$(machine).so.1 2>&1 || true; } | sed -n 's/^Version //p')
multiarch = $(shell gcc -print-multiarch 2>/dev/null)

compiler_glibc := gcc
compiler_glibc-static := gcc
compiler_i386 := gcc -m32
compiler_i386-static := gcc -m32
compiler_clang := clang
compiler_optimized := gcc
# musl's own headers come first; the kernel's, which it does not have, from the system.
compiler_musl = musl-gcc -idirafter /usr/include -idirafter /usr/include/$(multiarch) -DIPCK_LIBC_NAME='"musl $(musl_version)"'
link_glibc-static := -static
link_i386-static := -static
link_musl := -static
# The same with a C library that counts its lines, for the tests of musl's objects.
compiler_musl-coverage = $(compiler_musl)
link_musl-coverage := -static -T conformance/lib/counters.ld
counters_musl-coverage := own
# What is linked in another way alone has the tests' objects in common.
objects_glibc-static := glibc
objects_i386-static := i386
objects_musl-coverage := musl
$(foreach flavour,$(flavours_crossed),$(eval compiler_$(flavour) := scripts/cross-gcc $(flavour))$(eval link_$(flavour) := -static))

# C libraries that are not installed: make build/FLAVOUR/ipck-tests LIBC=DIR, and those of Debian's suites by name.
glibc_packages := libc6 libc6-dev libgcc-s1 linux-libc-dev
packages_glibc-2.31 := bullseye $(glibc_packages)
packages_glibc-2.41 := trixie $(glibc_packages)
packages_glibc-2.43 := sid $(glibc_packages)
packages_musl-1.2.5 := trixie musl musl-dev
packages_musl-1.2.6 := sid musl musl-dev

asked := $(foreach goal,$(filter build/%,$(MAKECMDGOALS)),$(word 2,$(subst /, ,$(goal))))
flavours_libc := $(sort $(foreach flavour,$(asked),$(if $(LIBC)$(packages_$(flavour)),$(flavour))))

## help: list the targets
.PHONY: help
help:
	@sed -n 's/^## \([a-z-]*\): \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

## run: install what is missing, build, judge this machine, with a short stress; write reports/out/index.html
.PHONY: run
run:
	@scripts/setup run
	@$(MAKE) --no-print-directory -j$(JOBS) judges $(if $(ARGS),,build/glibc/ipck-stress)
	@$(if $(ARGS),:,scripts/ipck stress --seconds 0.05); stress=$$?; scripts/ipck run $(ARGS) && exit $$stress

## matrix: fetch and build what the usual targets need, and run them side by side
.PHONY: matrix
matrix:
	@scripts/setup matrix
	@scripts/ipck fetch matrix || echo "ipck: these targets are skipped"
	@$(MAKE) --no-print-directory -j$(JOBS) programs $(filter-out build/libc-%,$(wildcard build/*/ipck-tests))
	@scripts/ipck run --target matrix $(ARGS)

## test: install what is missing, build, and run the project's own tests
.PHONY: test
test:
	@scripts/setup test
	@$(MAKE) --no-print-directory -j$(JOBS) programs checked bad
	@$(PYTHON) -m pytest harness/tests -n $(JOBS) $(ARGS)

## mutants: break calls of the C library one after the other, and tell which of these mutants the tests do not notice
.PHONY: mutants
mutants:
	@scripts/setup run
	@$(MAKE) --no-print-directory -j$(JOBS) build/glibc/ipck-tests $(mutant_programs)
	@scripts/ipck mutants $(ARGS)

## fault-libc: make each system call inside calls of the installed C libraries fail in turn
.PHONY: fault-libc
fault-libc:
	@scripts/setup run
	@$(MAKE) --no-print-directory -j$(JOBS) build/glibc/ipck-points $(flavours:%=build/%/ipck-inside)
	@scripts/ipck fault-libc $(ARGS)

## fault-kernel: make each step of the kernel inside IPC calls fail in turn, in a kernel that is built for it
.PHONY: fault-kernel
fault-kernel:
	@scripts/setup kernel
	@$(MAKE) --no-print-directory -j$(JOBS) build/glibc/ipck-points build/glibc-static/guest-init build/glibc-static/ipck-failnth
	@scripts/ipck fault-kernel $(ARGS)

## fault: make each IPC call of our clients and of installed programs fail in turn; kill processes in the middle of calls
.PHONY: fault
fault:
	@scripts/setup fault
	@$(MAKE) --no-print-directory -j$(JOBS) faults
	@scripts/ipck fault $(ARGS)

## kernels: build kernels that count coverage, make calls fail, and check themselves, from Debian's source
.PHONY: kernels
kernels:
	@scripts/setup kernel
	@for variant in gcov check; do scripts/build-kernel --variant $$variant $(ARGS) || exit; done

## coverage: run everything on a kernel that counts its lines, and tell which were executed, and why the others were not
.PHONY: coverage
coverage:
	@scripts/setup coverage
	@$(MAKE) --no-print-directory -j$(JOBS) $(coverage_programs)
	@scripts/ipck coverage $(ARGS)

## coverage-libc: the same of the calls of a C library, musl, whose lines are counted
.PHONY: coverage-libc
coverage-libc:
	@scripts/setup coverage
	@scripts/ipck coverage --libc musl $(ARGS)

## stress: many processes at once, every result checked against a model or by books that must balance
.PHONY: stress
stress:
	@scripts/setup run
	@$(MAKE) --no-print-directory -j$(JOBS) build/glibc/ipck-stress
	@scripts/ipck stress $(ARGS)

## lint: compilers' and checkers' opinion of C, Python and shell
.PHONY: lint
lint:
	@scripts/setup lint
	@$(MAKE) --no-print-directory -j$(JOBS) $(flavours_linted:%=build/%/ipck-tests)
	@scripts/lint

## bench: time ipck itself: the runner and the suite, as ratios to a bare fork+wait loop
.PHONY: bench
bench:
	@scripts/setup run
	@$(MAKE) --no-print-directory -j$(JOBS) programs build/glibc/bench-fork build/glibc/bench-empty build/glibc/bench-calls
	@scripts/bench $(ARGS)

## interleave: make the IPC calls of racing processes in every order, those with the fewest preemptions first
.PHONY: interleave
interleave:
	@scripts/setup run
	@$(MAKE) --no-print-directory -j$(JOBS) interleaved
	@scripts/ipck interleave $(ARGS)

## bench-ipc: time the IPC calls of this machine and others side by side; write reports/out/bench.html
.PHONY: bench-ipc
bench-ipc:
	@scripts/setup run
	@$(MAKE) --no-print-directory -j$(JOBS) benches
	@scripts/ipck bench-ipc $(ARGS)

## programs: build everything that judges this machine, and what makes calls fail
.PHONY: judges programs faults checked bad benches interleaved
judges: $(foreach flavour,$(flavours),build/$(flavour)/ipck-tests $(clients:fault/%.c=build/$(flavour)/%)) $(guest_programs)
programs: judges $(fault_programs) faults $(stress_programs) build/glibc/ipck-bench build/glibc/ipck-interleave build/glibc/ipck-interleave-shared
benches: $(bench_programs) $(guest_programs)
interleaved: $(gate_programs) $(guest_programs)
faults: $(torture_programs) build/glibc/ipck-fault.so build/glibc/ipck-points
checked: $(foreach flavour,$(flavours_checked),build/$(flavour)/ipck-tests build/$(flavour)/ipck-stress $(clients:fault/%.c=build/$(flavour)/%)) build/musl/lava.tar.gz
bad: build/glibc/bad-tests build/glibc/without build/glibc/caller build/glibc-static/caller build/glibc/scenarios build/glibc/talkative.so build/glibc/check-history

## install: copy what was built, with the command, to DESTDIR and PREFIX (default /usr/local)
.PHONY: install uninstall
DESTDIR :=
PREFIX := /usr/local
version = $(shell sed -n '1s|.*(\(.*\)).*|\1|p' debian/changelog)
library_dir := $(DESTDIR)$(PREFIX)/lib/ipck
share_dir := $(DESTDIR)$(PREFIX)/share
installed := $(wildcard harness/ipck/*.py harness/ipck/*/*.py harness/ipck/*/*/*.py $(addprefix harness/suite/,conformance.suite conftest.py pytest.ini) harness/baselines/*.toml \
	conformance/requirements/*.toml conformance/architectures conformance/coverage/*.toml fault/clients/*.c fault/*.toml fault/mutants/*.toml fault/inside/known.toml fault/failnth/known.toml stress/known.toml \
	reports/templates/* reports/findings/* scripts/kernel/* LICENSE)
installed_programs := $(patsubst %,build/%/ipck-tests,$(flavours)) $(bench_programs) $(gate_programs) $(guest_programs) $(fault_programs) $(torture_programs) $(stress_programs)
installed_scripts := ipck build-kernel get-debian get-kernels
install: $(installed_programs)
	@for file in $(installed); do install -D -m 644 $$file $(library_dir)/$$file || exit; done
	@for file in $(installed_programs) $(installed_scripts:%=scripts/%); do install -D $$file $(library_dir)/$$file || exit; done
	@echo "$(version) $$(git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null)" > $(library_dir)/VERSION
	@install -d $(DESTDIR)$(PREFIX)/bin && ln -sfn ../lib/ipck/scripts/ipck $(DESTDIR)$(PREFIX)/bin/ipck
	@install -D -m 644 harness/command/ipck.1 $(share_dir)/man/man1/ipck.1
	@install -D -m 644 harness/command/ipck.bash $(share_dir)/bash-completion/completions/ipck
	@install -D -m 644 harness/command/ipck.fish $(share_dir)/fish/vendor_completions.d/ipck.fish

## uninstall: remove what install put there
uninstall:
	rm -rf $(library_dir)
	rm -f $(DESTDIR)$(PREFIX)/bin/ipck $(share_dir)/man/man1/ipck.1 $(share_dir)/bash-completion/completions/ipck \
		$(share_dir)/fish/vendor_completions.d/ipck.fish

## clean: remove everything that was built and reported
.PHONY: clean
clean:
	rm -rf build reports/out

# ---- generated from the catalogue ----

build/reqs.stamp: $(wildcard conformance/requirements/*.toml) harness/ipck/catalogue.py
	@mkdir -p build
	@scripts/ipck catalogue --emit-c build
	@touch $@
build/reqs.h build/reqs.c: build/reqs.stamp ;

# ---- one set of rules a flavour ----

wrapped := $(shell awk -F'[\050,]' '$$1 == "CALL" || $$1 == "VARIADIC" {print "-Wl,--wrap=" $$2}' fault/calls.def)

define flavour_rules
build/$(1)/names/%.h: scripts/header-names $$(settings_$(1))
	@mkdir -p $$(@D)
	@scripts/header-names $$(patsubst sys_%,sys/%,$$*).h $$(compiler_$(1)) > $$@

build/$(1)/have.h: scripts/have $$(settings_$(1)) $$(libraries_$(1))
	@mkdir -p $$(@D)
	@scripts/have $$(compiler_$(1)) $$(link_$(1)) > $$@.new
	@cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@

build/$(1)/obj/%.o: %.c $$(settings_$(1)) | build/reqs.h build/$(1)/have.h $(addprefix build/$(1)/names/,sys_ipc.h sys_msg.h sys_sem.h sys_shm.h semaphore.h mqueue.h)
	@mkdir -p $$(@D)
	@echo "  CC  $(1) $$<"
	@$$(compiler_$(1)) $$(common) $$(or $$(optimization_$(1)),$$(unoptimized)) -Ibuild/$(1) -DIPCK_FLAVOUR='"$(1)"' -DIPCK_COMPILER='"$$(notdir $$(firstword $$(compiler_$(1)))) "__VERSION__' \
		$$(or $$(dependencies_$(1)),-MMD) -MP -c -o $$@ $$<

# What is timed.
build/$(1)/obj/stress/bench/%.o: optimization_$(1) := -O2

# What fills and compares memory, for all tests.
build/$(1)/obj/conformance/lib/world.o: optimization_$(1) := -O2

build/$(1)/obj/reqs.o: build/reqs.c build/reqs.h
	@mkdir -p $$(@D)
	@$$(compiler_$(1)) $$(common) -c -o $$@ $$<

build/$(1)/libipck.a: $(library:%.c=build/$(1)/obj/%.o) build/$(1)/obj/conformance/lib/counters_$(or $(counters_$(1)),kernel).o build/$(1)/obj/reqs.o
	@rm -f $$@ && ar rcs $$@ $$^

build/$(1)/ipck-tests: $(sources:%.c=build/$(or $(objects_$(1)),$(1))/obj/%.o) build/$(1)/libipck.a
	@echo "  LD  $$@"
	@$$(compiler_$(1)) $$(link_$(1)) $$(inputs_$(1)) -pthread -o $$@ $$(filter build/%,$$^) -lrt
	@$$(and $$(settings_$(1)),scripts/sysroot check $$(@D) $$@)

# The first process of a kernel that is booted to run the program.
build/$(1)/guest-init: harness/guest/init.c conformance/lib/counters.c conformance/lib/counters_kernel.c conformance/lib/counters.h
	@mkdir -p $$(@D)
	@$$(compiler_$(1)) $$(common) -O1 -static -o $$@ $$(filter %.c,$$^)

# A test definition for LAVA with all that it needs.
build/$(1)/lava.tar.gz: build/$(1)/ipck-tests scripts/lava/ipck.yaml scripts/lava/signals
	@tar -czf $$@ --owner=root:0 --group=root:0 --transform='s|.*/||' $$^

# The programs of the lecture notes: stand-alone, without the test library.
build/$(1)/clients/%: fault/clients/%.c fault/clients/client.h
	@mkdir -p $$(@D)
	@$$(compiler_$(1)) -std=c11 -O2 -g1 $$(warnings) $$(link_$(1)) -pthread -o $$@ $$< -lrt

# Makes calls fail in the programs that it is loaded into.
build/$(1)/ipck-fault.so: $(fault_sources) $(fault_headers)
	@mkdir -p $$(@D)
	@echo "  LD  $$@"
	@$$(compiler_$(1)) $$(common) -O2 -fPIC -fvisibility=hidden -shared -Wl,-z,defs -o $$@ $(fault_sources) -lm

# Lets system calls fail inside calls of the C library.
build/$(1)/ipck-inside: $(inside:%.c=build/$(1)/obj/%.o) build/$(1)/libipck.a
	@echo "  LD  $$@"
	@$$(compiler_$(1)) $$(link_$(1)) $$(inputs_$(1)) -pthread -o $$@ $$(filter build/%,$$^) -lrt

# Lets each step of the kernel inside IPC calls fail.
build/$(1)/ipck-failnth: $(failnth:%.c=build/$(1)/obj/%.o) build/$(1)/obj/conformance/lib/errno_names.o
	@echo "  LD  $$@"
	@$$(compiler_$(1)) $$(link_$(1)) $$(inputs_$(1)) -pthread -o $$@ $$(filter build/%,$$^) -lrt

# The table of calls, printed.
build/$(1)/ipck-points: fault/points.c fault/calls.c $(calls)
	@mkdir -p $$(@D)
	@$$(compiler_$(1)) $$(common) -O1 $$(link_$(1)) -o $$@ $$(filter %.c,$$^)

# Runs the clients of the torture apart from everything else, and tells what they leave behind.
build/$(1)/ipck-apart: $(wildcard fault/torture/*.c) $(wildcard fault/torture/*.h)
	@mkdir -p $$(@D)
	@echo "  LD  $$@"
	@$$(compiler_$(1)) $$(common) -O1 $$(link_$(1)) -o $$@ $$(filter %.c,$$^) -lrt

# Tests of what processes leave that die in the middle of a call.
build/$(1)/crash-tests: $(crash_tests:%.c=build/$(1)/obj/%.o) build/$(1)/libipck.a
	@echo "  LD  $$@"
	@$$(compiler_$(1)) $$(link_$(1)) -pthread -o $$@ $$^ -lrt

# All workloads. Checking is to cost less than what is checked, and compiling not much: -O2 makes it some 5% faster.
$(patsubst %.c,build/$(1)/obj/%.o,$(filter-out stress/storms/%,$(stress))): optimization_$(1) := -O1
build/$(1)/ipck-stress: $(stress:%.c=build/$(1)/obj/%.o) build/$(1)/libipck.a
	@echo "  LD  $$@"
	@$$(compiler_$(1)) $$(link_$(1)) $$(inputs_$(1)) -pthread -o $$@ $$(filter build/%,$$^) -lrt
	@$$(and $$(settings_$(1)),scripts/sysroot check $$(@D) $$@)

# Programs that cope with failures of their calls.
build/$(1)/hardened/%: fault/hardened/%.c fault/hardened/hardened.h
	@mkdir -p $$(@D)
	@$$(compiler_$(1)) $$(common) -O1 $$(link_$(1)) -o $$@ $$< -lrt

build/$(1)/bad-tests: $(bad_tests:%.c=build/$(1)/obj/%.o) build/$(1)/libipck.a
	@$$(compiler_$(1)) $$(link_$(1)) -pthread -o $$@ $$^ -lrt

# Times the calls of the library and the kernel.
build/$(1)/ipck-bench: $(bench:%.c=build/$(1)/obj/%.o) build/$(1)/libipck.a
	@echo "  LD  $$@"
	@$$(compiler_$(1)) $$(link_$(1)) $$(inputs_$(1)) -pthread -o $$@ $$(filter build/%,$$^) -lrt
	@$$(and $$(settings_$(1)),scripts/sysroot check $$(@D) $$@)

# Makes the calls of processes in every order: those of its own scenarios by gates that the linker puts before them.
build/$(1)/obj/fault/gates/calls.o: optimization_$(1) := -O1 -DIPCK_WRAPPED -ffunction-sections
build/$(1)/ipck-interleave: $(interleave:%.c=build/$(1)/obj/%.o) $(gates:%.c=build/$(1)/obj/%.o) build/$(1)/libipck.a
	@echo "  LD  $$@"
	@$$(compiler_$(1)) $$(link_$(1)) $$(inputs_$(1)) -pthread -Wl,--gc-sections $(wrapped) -o $$@ $$(filter build/%,$$^) -lrt
	@$$(and $$(settings_$(1)),scripts/sysroot check $$(@D) $$@)

build/$(1)/bench-%: build/$(1)/obj/harness/bench/%.o build/$(1)/libipck.a
	@$$(compiler_$(1)) $$(link_$(1)) -pthread -o $$@ $$^ -lrt

# The tests of one file as a program of its own, to copy to another machine.
build/$(1)/%: build/$(1)/obj/conformance/%.o build/$(1)/libipck.a
	@mkdir -p $$(@D)
	@$$(compiler_$(1)) $$(link_$(1)) -pthread -o $$@ $$^ -lrt
endef

# What makes a flavour of a C library that is not installed. What was read there, or changed, is what it depends on.
define libc_rules
settings_$(1) := build/$(1)/libc.mk
build/$(1)/libc.mk: always
	@dir='$(LIBC)' && scripts/sysroot make "$$$${dir:-$$$$(scripts/get-debian $(packages_$(1)))}" $$(@D)
include build/$(1)/libc.mk
endef
$(foreach flavour,$(flavours_libc),$(eval $(call libc_rules,$(flavour))))
.PHONY: always
always:

$(foreach flavour,$(flavours) $(flavours_checked) $(flavours_linted) $(flavours_asked) $(flavours_libc),$(eval $(call flavour_rules,$(flavour))))

# Comes before the library's own objects, which are not taken then.
build/musl-coverage/libc/counted.o: always
	@scripts/build-musl $(@D) $(MUSL)
build/musl-coverage/ipck-tests build/musl-coverage/ipck-inside: build/musl-coverage/libc/counted.o conformance/lib/counters.ld

# Gates for any program; and the scenarios with them, so that a library can come between: gates below what is preloaded.
build/glibc/ipck-gates.so: $(gates) fault/gates/preload.c fault/gates/gates.h conformance/lib/errno_names.c fault/interpose.h $(calls)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@gcc $(common) -O1 -fPIC -fvisibility=hidden -shared -Wl,-z,defs -o $@ $(filter %.c,$^) -ldl

build/glibc/ipck-interleave-shared: $(interleave:%.c=build/glibc/obj/%.o) build/glibc/libipck.a build/glibc/ipck-gates.so
	@echo "  LD  $@"
	@gcc -pthread -Wl,-rpath,'$$ORIGIN' -o $@ $^ -lrt

# Wrong implementations of the calls: one is chosen by IPCK_MUTANT.
mutant_inputs := $(calls) $(wildcard fault/mutants/*.def fault/mutants/*.h) build/reqs.h
build/glibc/ipck-mutants.so: $(mutant_sources) $(mutant_inputs)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@gcc $(common) -O1 -fPIC -shared -o $@ $(mutant_sources) -ldl

build/glibc/ipck-mutants: fault/mutants/list.c fault/mutants/table.c build/reqs.c $(mutant_inputs)
	@mkdir -p $(@D)
	@gcc $(common) -O1 -o $@ $(filter %.c,$^)

# Stands between an emulator and the programs that it starts.
build/emulate: harness/guest/emulate.c
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@gcc $(common) -O1 -o $@ $<

# Takes system calls away from a program: for the project's own tests.
build/glibc/without: harness/tests/environments/without.c
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@gcc $(common) -o $@ $<

# What the library of faults is tried with: for the project's own tests. _FORTIFY_SOURCE makes mq_open() __mq_open_2().
build/glibc/caller build/glibc-static/caller: build/%/caller: harness/tests/environments/caller.c
	@mkdir -p $(@D)
	@gcc $(common) -O2 -D_FORTIFY_SOURCE=2 $(link_$*) -o $@ $< -lrt

build/glibc/scenarios: harness/tests/environments/scenarios.c fault/preload/scenario.c fault/calls.c $(calls)
	@mkdir -p $(@D)
	@gcc $(common) -o $@ $(filter %.c,$^) -lm

# Judges histories that are written down: for the project's own tests.
build/glibc/check-history: harness/tests/programs/check_history.c stress/history/checker.c stress/history/shorten.c $(wildcard stress/model/*.c) $(wildcard stress/*/*.h) conformance/lib/errno_names.c build/reqs.c build/reqs.h
	@mkdir -p $(@D)
	@gcc $(common) -O2 -o $@ $(filter %.c,$^)

build/glibc/talkative.so: harness/tests/environments/talkative.c
	@mkdir -p $(@D)
	@gcc $(common) -fPIC -shared -o $@ $<

.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
