/*
** The only allocator of floors 0 to 4. Blocks are 64-byte aligned (a cache line, an AVX-512
** register) and are given back with the size they were taken with, so they carry no size.
** Small and middling blocks return to a pool of size classes and are taken again from there; the
** pool never holds more than MLP_POOL_LIMIT bytes. One mlp_memory belongs to one Lua state.
** A taking that would bring the live bytes above `limit_bytes` fails. A test can make the n-th
** taking fail: `fail_after` counts down and fails at zero.
*/
#ifndef MLP_BASE_MEMORY_H
#define MLP_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

enum { MLP_POOL_CLASSES = 73, MLP_NEVER_FAIL = -1 };
#define MLP_POOL_LIMIT ((size_t)64 << 20)

typedef struct mlp_free_block {
  struct mlp_free_block *next;
} mlp_free_block;

typedef struct {
  mlp_free_block *pool[MLP_POOL_CLASSES];
  size_t pooled_bytes; /* waiting in the pool */
  size_t live_bytes;   /* taken and not given back */
  size_t peak_bytes;   /* the largest live_bytes so far */
  size_t taken_bytes;  /* everything ever taken: the collector is credited from this */
  size_t limit_bytes;  /* of live_bytes; SIZE_MAX as a rule */
  int64_t fail_after;  /* MLP_NEVER_FAIL, or how many takings still succeed */
} mlp_memory;

/* Bytes in whole cache lines: what is laid behind a block of so many is aligned as blocks are. */
static inline size_t mlp_whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

void mlp_memory_init(mlp_memory *m);

/* Frees what waits in the pool; blocks still live are their owners' business. */
void mlp_memory_trim(mlp_memory *m);

/* NULL when there is no memory. The content is not cleared. Zero bytes give a valid block. */
void *mlp_take(mlp_memory *m, size_t bytes);
void *mlp_take_zeroed(mlp_memory *m, size_t bytes);

/* `bytes` is what was asked for when taking; NULL is ignored. */
void mlp_give(mlp_memory *m, void *block, size_t bytes);

/* What a part of a job needs for as long as it runs, on any thread: of no state, and not counted.
** NULL when there is no memory; NULL is ignored. */
void *mlp_take_scratch(size_t bytes);
void mlp_give_scratch(void *block, size_t bytes);

#endif
