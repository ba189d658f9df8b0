/*
** Blocks that live and die together: taken one by one, given back all at once. And lists that grow
** in a bag.
*/
#ifndef MLP_BASE_BAG_H
#define MLP_BASE_BAG_H

#include "base/memory.h"

typedef struct mlp_bag_block {
  struct mlp_bag_block *next;
  size_t bytes;
} mlp_bag_block;

typedef struct {
  mlp_memory *memory;
  mlp_bag_block *block;
} mlp_bag;

/* Zeroed, 64-byte aligned; NULL when there is no memory. */
void *mlp_bag_take(mlp_bag *bag, size_t bytes);
void mlp_bag_empty(mlp_bag *bag);

/* Room for one more item at the end of an array of n items: returns the array, moved and zeroed
** behind n when it had to grow (at powers of two), or NULL. Start with a NULL array and n = 0. */
void *mlp_bag_grow(mlp_bag *bag, void *array, int64_t n, size_t each);

#endif
