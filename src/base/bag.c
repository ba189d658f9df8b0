#include "base/bag.h"

#include <string.h>

enum { HEAD = 64 }; /* the block's own record, a cache line so that what follows is aligned */

void *mlp_bag_take(mlp_bag *bag, size_t bytes) {
  mlp_bag_block *b = mlp_take_zeroed(bag->memory, HEAD + bytes);
  if (!b) return NULL;
  *b = (mlp_bag_block){bag->block, HEAD + bytes};
  bag->block = b;
  return (char *)b + HEAD;
}

void mlp_bag_empty(mlp_bag *bag) {
  while (bag->block) {
    mlp_bag_block *b = bag->block;
    bag->block = b->next;
    mlp_give(bag->memory, b, b->bytes);
  }
}

void *mlp_bag_grow(mlp_bag *bag, void *array, int64_t n, size_t each) {
  if (n & (n - 1)) return array; /* capacities are powers of two: full at those alone */
  void *longer = mlp_bag_take(bag, (size_t)(n ? 2 * n : 1) * each);
  if (longer && n) memcpy(longer, array, (size_t)n * each);
  return longer;
}
