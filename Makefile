# The only list of sources and flags: people, LuaRocks and CI all build through this file.
# `make help` lists the targets. Everything that is made lands in $(BUILD).

BUILD ?= build
PREFIX ?= /usr/local
LUADIR ?= $(PREFIX)/share/lua/5.4
LIBDIR ?= $(PREFIX)/lib/lua/5.4
BINDIR ?= $(PREFIX)/bin

ifeq ($(origin LUA),undefined)
LUA := $(shell for l in lua5.4 lua-5.4 lua54 lua; do command -v $$l && exit; done; echo lua5.4)
endif

# -- where the libraries are ----------------------------------------------------------------------
# LuaRocks and people may name folders (LUA_INCDIR, OPENBLAS_INCDIR, OPENBLAS_LIBDIR, the same for
# PNG and ZLIB); pkg-config fills in the rest. liblua is never linked: the host brings its own.

TARGET := $(shell $(CC) -dumpmachine 2>/dev/null)
DARWIN := $(findstring darwin,$(TARGET))
X86 := $(filter x86_64-% amd64-%,$(TARGET))

PKG_CONFIG ?= pkg-config
ifdef DARWIN # Homebrew keeps OpenBLAS out of the default path
pkg = PKG_CONFIG_PATH="$$PKG_CONFIG_PATH:$$(brew --prefix 2>/dev/null)/opt/openblas/lib/pkgconfig" \
      $(PKG_CONFIG)
else
pkg = $(PKG_CONFIG)
endif
LUA_PACKAGE := $(shell for p in lua5.4 lua-5.4 lua54 lua; do \
                 $(pkg) --exists $$p 2>/dev/null && echo $$p && exit; done)
ifeq ($(origin LUA_CFLAGS),undefined)
LUA_CFLAGS := $(if $(LUA_INCDIR),-I$(LUA_INCDIR),\
                $(shell $(pkg) --cflags $(LUA_PACKAGE) 2>/dev/null))
endif
ifeq ($(origin LIB_CFLAGS),undefined)
LIB_CFLAGS := $(addprefix -I,$(sort $(OPENBLAS_INCDIR) $(PNG_INCDIR) $(ZLIB_INCDIR))) \
              $(shell $(pkg) --cflags openblas libpng zlib 2>/dev/null)
endif
ifeq ($(origin LIBS),undefined)
LIBDIRS := $(sort $(OPENBLAS_LIBDIR) $(PNG_LIBDIR) $(ZLIB_LIBDIR))
LIBS := $(foreach d,$(LIBDIRS),-L$(d) -Wl,-rpath,$(d)) \
        $(shell $(pkg) --libs openblas 2>/dev/null || echo -lopenblas) -lpng -lz -lpthread -lm
endif

# -- how things are compiled ----------------------------------------------------------------------

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden $(WARNINGS) -Isrc \
             $(LUA_CFLAGS) $(LIB_CFLAGS) $(CFLAGS)

# Kernels: vectorised, no errno, no traps; NaN and infinity keep their meaning. One object for each
# instruction set; on other machines than x86-64 the files of the newer sets compile to nothing.
KERNEL_CFLAGS := -O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast
EXTRA_kernel_generic := $(KERNEL_CFLAGS)
ifdef X86
EXTRA_kernel_avx2 := $(KERNEL_CFLAGS) -mavx2 -mfma
EXTRA_kernel_avx512 := $(KERNEL_CFLAGS) -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma \
                       -mprefer-vector-width=512
endif

# The module stays mapped when a Lua state closes: its workers may still be leaving their loop.
ifdef DARWIN
LIBFLAG ?= -bundle -undefined dynamic_lookup
else
LIBFLAG ?= -shared
RESIDENT := -Wl,-z,nodelete
endif

SOURCES := $(wildcard src/*/*.c)
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/obj/%.o)
MODULE := $(BUILD)/mlp/core.so
COMPILE = $(CC) $(ALL_CFLAGS)
LINK = $(CC) $(LIBFLAG) -o $(MODULE) $(OBJECTS) $(LDFLAGS) $(RESIDENT) $(LIBS)

# SANITIZE=address,undefined builds everything that way. A sanitizer's run-time library must come
# first in a process, so Lua is then a host of ours that brings it; it stands first on the PATH, for
# the interpreters that a spec starts.
ifdef SANITIZE
CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
LDFLAGS := -fsanitize=$(SANITIZE)
HOST := $(BUILD)/bin/lua5.4
UNDER = env PATH="$(HERE)$(BUILD)/bin:$$PATH"
LUA := lua5.4
endif

# A C host, as examples/embed.c is one: it does link Lua, and shows it to the modules it loads.
HOST_COMPILE = $(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(LUA_CFLAGS) $(CFLAGS)
HOST_LIBS = $(shell $(pkg) --libs $(LUA_PACKAGE)) $(if $(DARWIN),,-Wl,-E) -ldl -lm

# -- how things are run ---------------------------------------------------------------------------
# A developer's own LUA_PATH and LUA_INIT stay out; rocks found through LUA_PATH_5_4 stay in. Paths
# are absolute so that a script may start another one elsewhere, and a C host that a spec builds is
# built as everything else is.

HERE := $(if $(filter /%,$(BUILD)),,$(CURDIR)/)
WITH_PATHS = env -u LUA_PATH -u LUA_CPATH -u LUA_INIT -u LUA_INIT_5_4 \
  LUA_PATH_5_4="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$(CURDIR)/?.lua;$${LUA_PATH_5_4:-;}" \
  LUA_CPATH_5_4="$(HERE)$(BUILD)/?.so;$${LUA_CPATH_5_4:-;}" \
  MLP_HOST_CC="$(HOST_COMPILE)" MLP_HOST_LIBS="$(LDFLAGS) $(HOST_LIBS)"
RUN = $(WITH_PATHS) $(UNDER) $(LUA)

# ONLY=op/linear is spec/op/linear_spec.lua, or all of the folder spec/op/linear.
SPECS = $(if $(ONLY),$(or $(wildcard spec/$(ONLY)_spec.lua spec/$(ONLY) $(ONLY)),spec/$(ONLY)),spec)

# After a set-up that may have installed the compiler itself, make starts anew.
AGAIN = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(PROCESSORS))
PROCESSORS = $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)
SETUP = CC="$(CC)" LUA="$(LUA)" CPPFLAGS="$(LUA_CFLAGS) $(LIB_CFLAGS)" LIBS="$(LIBS)" .ci/setup

.PHONY: build demo test test-long lint fmt asan tsan valgrind bench docs rock install clean help \
        spec embed FORCE

build: $(MODULE) ## Compile the C core (the default)

demo: ## Install what is missing, build, and train on real digits
	@$(SETUP) build
	@+$(AGAIN) build
	@$(RUN) examples/digits.lua

test: ## Install what is missing, build, run the spec (ONLY=op/linear runs a part)
	@$(SETUP) build test
	@+$(AGAIN) spec

test-long: ## The spec with the parts that take long
	@$(SETUP) build test
	@+MLP_LONG=1 $(AGAIN) spec

spec: build $(HOST)
	@$(RUN) spec/support/run.lua $(SPECS)

lint: ## Warnings as errors, luacheck, formatting, floors, symbols
	@$(SETUP) build lint
	@+$(AGAIN) build BUILD=$(BUILD)/lint CFLAGS="-O2 -Werror"
	@failed=; \
	luacheck --quiet $(wildcard lua spec examples bench bin/mlp) .luacheckrc .busted *.rockspec || failed=1; \
	clang-format --dry-run -Werror $(C_FILES) || failed=1; \
	$(RUN) spec/lint/run.lua $(BUILD)/lint || failed=1; \
	test -z "$$failed"

fmt: ## Format the C files in place
	clang-format -i $(C_FILES)

C_FILES = $(wildcard src/*/*.[ch] src/*/*.inc examples/*.c spec/*/*.c)

# -- the spec under instruments -------------------------------------------------------------------

# The leak checker of gcc 12 guesses where a worker's thread-local block ends, and reads beyond it.
asan: ## The spec under the address, leak and undefined-behaviour sanitizers
	@$(SETUP) build test
	@+ASAN_OPTIONS=intercept_tls_get_addr=0 \
	  $(AGAIN) spec BUILD=$(BUILD)/asan SANITIZE=address,undefined

tsan: ## The spec under the thread sanitizer
	@$(SETUP) build test
	@+TSAN_OPTIONS=halt_on_error=1 setarch -R $(AGAIN) spec BUILD=$(BUILD)/tsan SANITIZE=thread

# Valgrind is some forty times slower: the floors whose memory is least like Lua's.
VALGRIND_SPECS = $(wildcard spec/base spec/tensor spec/graph spec/bind)
valgrind: ## A part of the spec under valgrind (ONLY=... picks another)
	@$(SETUP) build test valgrind
	@+$(AGAIN) spec SPECS="$(if $(ONLY),$(SPECS),$(VALGRIND_SPECS))" \
	  UNDER="valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9"

# -- around it ------------------------------------------------------------------------------------

bench: build ## Measure, beside PyTorch where it is installed (ONLY=W4, ONLY=moe: one part)
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(RUN) bench/run.lua $(BUILD)/bench $(ONLY)

docs: build ## Write the reference from the operation table and the annotations
	@$(RUN) spec/docs/generate.lua

rock: ## Build the rock into an empty tree and run an example from there
	@$(SETUP) build rock
	@LUA="$(LUA)" .ci/rock $(BUILD)/rock

embed: build ## Build and run examples/embed.c, a C host with a Lua state
	$(HOST_COMPILE) -o $(BUILD)/embed examples/embed.c $(LDFLAGS) $(HOST_LIBS)
	@$(RUN) examples/xor.lua > /dev/null
	@echo "0 xor 1, as the C host predicts it (a logit):"
	@$(WITH_PATHS) $(BUILD)/embed out/xor.safetensors 0 1

install: build ## Copy module, Lua files and command below PREFIX, LUADIR, LIBDIR, BINDIR, DESTDIR
	@mkdir -p "$(DESTDIR)$(LIBDIR)/mlp"
	cp $(MODULE) "$(DESTDIR)$(LIBDIR)/mlp/core.so"
	@cd lua && find mlp -type d | while read -r d; do mkdir -p "$(DESTDIR)$(LUADIR)/$$d"; done
	cd lua && find mlp -type f -name '*.lua' | \
	  while read -r f; do cp "$$f" "$(DESTDIR)$(LUADIR)/$$f"; done
	@mkdir -p "$(DESTDIR)$(BINDIR)"
	sed '1s|.*|#!'"$$(command -v $(LUA))"'|' bin/mlp > "$(DESTDIR)$(BINDIR)/mlp"
	chmod 755 "$(DESTDIR)$(BINDIR)/mlp"

clean: ## Remove everything that was made
	rm -rf $(BUILD)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

# -- rules ----------------------------------------------------------------------------------------
# V=1 shows the commands. The two stamps hold them; a stamp changes, and the work is done again,
# when a flag, the compiler or the list of files does.

show = $(if $(V),,@echo "  $(1)";)

$(MODULE): $(OBJECTS) $(BUILD)/link.stamp
	@mkdir -p $(@D)
	$(call show,link $@)$(LINK)

$(BUILD)/obj/%.o: src/%.c $(BUILD)/compile.stamp
	@mkdir -p $(@D)
	$(call show,compile $<)$(COMPILE) $(EXTRA_$(subst /,_,$*)) -MMD -MP -c -o $@ $<

stamp = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' > $@.$$$$; \
        if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi

$(BUILD)/compile.stamp: FORCE
	$(call stamp,$(COMPILE) $(foreach k,generic avx2 avx512,$(EXTRA_kernel_$(k))))

$(BUILD)/link.stamp: FORCE
	$(call stamp,$(LINK))

$(BUILD)/bin/lua5.4: spec/support/host.c $(BUILD)/compile.stamp
	@mkdir -p $(@D)
	$(call show,compile $<)$(HOST_COMPILE) -o $@ $< $(LDFLAGS) $(HOST_LIBS)

-include $(OBJECTS:.o=.d)
