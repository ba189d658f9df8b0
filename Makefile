# One list of sources and flags: the rockspec builds through this file.
LUA ?= lua5.4
BUILD ?= build
CC ?= gcc
LUA_CFLAGS ?= $(shell pkg-config --cflags lua5.4 2>/dev/null)
BLAS_CFLAGS ?= $(shell pkg-config --cflags openblas 2>/dev/null)
BLAS_LIBS ?= $(shell pkg-config --libs openblas 2>/dev/null || echo -lopenblas)
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden $(WARN) -Isrc $(LUA_CFLAGS) $(BLAS_CFLAGS) $(CFLAGS)
# Kernels: vectorised, no errno, no traps; NaN and infinity keep their meaning.
KERNEL_CFLAGS = -O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast
SOURCES := $(wildcard src/*/*.c)
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/obj/%.o)
MODULE := $(BUILD)/mlp/core.so

.PHONY: build clean test
build: $(MODULE)
$(MODULE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) -shared -o $@ $^ $(LDFLAGS) -Wl,-z,nodelete $(BLAS_LIBS) -lpng -lz -lpthread -lm
$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(EXTRA_$(subst /,_,$*)) -MMD -MP -c -o $@ $<
EXTRA_kernel_generic := $(KERNEL_CFLAGS)
EXTRA_kernel_avx2 := $(KERNEL_CFLAGS) -mavx2 -mfma
EXTRA_kernel_avx512 := $(KERNEL_CFLAGS) -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512
-include $(OBJECTS:.o=.d)
test: build
	LUA_PATH_5_4="lua/?.lua;lua/?/init.lua;./?.lua;;" LUA_CPATH_5_4="$(BUILD)/?.so;;" $(LUA) /usr/bin/busted $(or $(ONLY),spec)
clean:
	rm -rf $(BUILD)
