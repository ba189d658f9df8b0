#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, CLASS_STEPS = 4, SMALLEST_LOG2 = 6 };
#define LARGEST_POOLED ((size_t)16 << 20) /* the last class: 18 octaves above 64 bytes */
#define LEAST_BY_HAND ((size_t)64 << 10)
#define HUGE_PAGE ((size_t)2 << 20)

/* Class k holds blocks of the k-th size in 64, 80, 96, 112, 128, 160, ...: four steps an octave. */
static int class_of(size_t bytes, size_t *rounded) {
  size_t octave = (size_t)1 << SMALLEST_LOG2;
  int k = 0;
  if (bytes <= octave) return *rounded = octave, 0;
  while (octave * 2 < bytes) octave *= 2, k += CLASS_STEPS;
  size_t step = octave / CLASS_STEPS;
  size_t steps = (bytes - octave + step - 1) / step;
  *rounded = octave + steps * step;
  return k + (int)steps;
}

/* The size of the blocks of class k. */
static size_t size_of(int k) {
  size_t octave = (size_t)1 << (SMALLEST_LOG2 + k / CLASS_STEPS);
  return octave + octave / CLASS_STEPS * (size_t)(k % CLASS_STEPS);
}

void mlp_memory_init(mlp_memory *m) {
  memset(m, 0, sizeof *m);
  m->limit_bytes = SIZE_MAX;
  m->fail_after = MLP_NEVER_FAIL;
}

/* ---- fresh blocks ---------------------------------------------------------------------------- */

/* Linux gives huge pages to those who ask. In small ones a large matrix has a page for every row or
** two: first touches and lost address translations took 2 to 5 % of the training steps measured. */
static void want_huge_pages(char *given, size_t bytes) {
#ifdef MADV_HUGEPAGE
  const uintptr_t PAGE = 4096;
  uintptr_t first = ((uintptr_t)given + PAGE - 1) / PAGE * PAGE;
  uintptr_t end = ((uintptr_t)given + bytes) / PAGE * PAGE;
  if (bytes >= HUGE_PAGE) madvise((void *)first, end - first, MADV_HUGEPAGE);
#else
  (void)given, (void)bytes;
#endif
}

/*
** posix_memalign of glibc before 2.38 does not find the hole that a block of the same size has
** left (its bug 14581): it asks for room to align in, which the hole has not, and the heap grows
** without end. So blocks worth the bytes are aligned by hand inside of malloc's, whose address
** stands before them.
*/
static void *fresh(size_t rounded) {
  void *block = NULL;
  if (rounded < LEAST_BY_HAND) return posix_memalign(&block, ALIGNMENT, rounded) ? NULL : block;
  char *given = malloc(rounded + ALIGNMENT);
  if (!given) return NULL;
  block = given + ALIGNMENT - (uintptr_t)given % ALIGNMENT; /* malloc's own alignment leaves room */
  ((void **)block)[-1] = given;
  want_huge_pages(given, rounded + ALIGNMENT);
  return block;
}

static void release(void *block, size_t rounded) {
  free(rounded < LEAST_BY_HAND ? block : ((void **)block)[-1]);
}

/* ---- the pool -------------------------------------------------------------------------------- */

void mlp_memory_trim(mlp_memory *m) {
  for (int k = 0; k < MLP_POOL_CLASSES; k++) {
    while (m->pool[k]) {
      mlp_free_block *block = m->pool[k];
      m->pool[k] = block->next;
      release(block, size_of(k));
    }
  }
  m->pooled_bytes = 0;
}

static int made_to_fail(mlp_memory *m) {
  if (m->fail_after == MLP_NEVER_FAIL) return 0;
  if (m->fail_after == 0) return 1;
  m->fail_after--;
  return 0;
}

static void *take_fresh(mlp_memory *m, size_t rounded) {
  void *block = fresh(rounded);
  if (block) return block;
  mlp_memory_trim(m);
  return fresh(rounded);
}

static void *take_pooled(mlp_memory *m, int k, size_t rounded) {
  mlp_free_block *block = rounded <= LARGEST_POOLED ? m->pool[k] : NULL;
  if (!block) return NULL;
  m->pool[k] = block->next;
  m->pooled_bytes -= rounded;
  return block;
}

void *mlp_take(mlp_memory *m, size_t bytes) {
  if (bytes > PTRDIFF_MAX / 2 || made_to_fail(m)) return NULL;
  size_t rounded;
  int k = class_of(bytes, &rounded);
  if (m->live_bytes > m->limit_bytes || rounded > m->limit_bytes - m->live_bytes) return NULL;
  void *block = take_pooled(m, k, rounded);
  if (!block) block = take_fresh(m, rounded);
  if (!block) return NULL;
  m->live_bytes += rounded;
  m->taken_bytes += rounded;
  if (m->live_bytes > m->peak_bytes) m->peak_bytes = m->live_bytes;
  return block;
}

void *mlp_take_zeroed(mlp_memory *m, size_t bytes) {
  void *block = mlp_take(m, bytes);
  if (block) memset(block, 0, bytes);
  return block;
}

void mlp_give(mlp_memory *m, void *block, size_t bytes) {
  if (!block) return;
  size_t rounded;
  int k = class_of(bytes, &rounded);
  m->live_bytes -= rounded;
  if (rounded > LARGEST_POOLED || m->pooled_bytes + rounded > MLP_POOL_LIMIT) {
    release(block, rounded);
    return;
  }
  mlp_free_block *freed = block;
  freed->next = m->pool[k];
  m->pool[k] = freed;
  m->pooled_bytes += rounded;
}

void *mlp_take_scratch(size_t bytes) { return fresh(mlp_whole_lines(bytes)); }

void mlp_give_scratch(void *block, size_t bytes) {
  if (block) release(block, mlp_whole_lines(bytes));
}
