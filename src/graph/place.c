#include "graph/place.h"

#include <stdbool.h>
#include <stdlib.h>

static int largest_first(const void *a, const void *b) {
  const mlp_block *p = *(mlp_block *const *)a, *q = *(mlp_block *const *)b;
  if (p->bytes != q->bytes) return p->bytes < q->bytes ? 1 : -1;
  return p->first < q->first ? -1 : p->first > q->first;
}

static bool meet(const mlp_block *a, const mlp_block *b) {
  return a->first <= b->last && b->first <= a->last;
}

/* The lowest address where `b` meets none of the first n placed blocks. */
static size_t lowest_place(const mlp_block *b, mlp_block *const *placed, int n) {
  size_t at = 0;
  for (int i = 0; i < n; i++) {
    const mlp_block *other = placed[i];
    bool apart = at + mlp_whole_lines(b->bytes) <= other->at ||
                 other->at + mlp_whole_lines(other->bytes) <= at;
    if (!meet(b, other) || apart) continue;
    at = other->at + mlp_whole_lines(other->bytes);
    i = -1; /* from the new address on, look at all again */
  }
  return at;
}

/* Without memory to sort in, one after the other. */
size_t mlp_place(mlp_block *block, int n, mlp_bag *bag) {
  size_t total = 0;
  mlp_block **order = mlp_bag_take(bag, ((size_t)n + 1) * sizeof *order);
  for (int i = 0; i < n && !order; i++)
    block[i].at = total, total += mlp_whole_lines(block[i].bytes);
  if (!order) return total;
  for (int i = 0; i < n; i++) order[i] = &block[i];
  qsort(order, (size_t)n, sizeof *order, largest_first);
  for (int i = 0; i < n; i++) {
    order[i]->at = lowest_place(order[i], order, i);
    size_t end = order[i]->at + mlp_whole_lines(order[i]->bytes);
    if (end > total) total = end;
  }
  return total;
}
