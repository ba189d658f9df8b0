/*
** Memory by lifetimes: blocks that are never alive at the same moment may overlap.
*/
#ifndef MLP_GRAPH_PLACE_H
#define MLP_GRAPH_PLACE_H

#include "base/bag.h"

/* A block that is alive from moment `first` to moment `last`, both included. */
typedef struct {
  size_t bytes;
  int first, last;
  size_t at; /* the answer */
} mlp_block;

/* Places the blocks, the largest first, each at the lowest free address (a multiple of 64); returns
** the bytes that all take together. */
size_t mlp_place(mlp_block *block, int n, mlp_bag *bag);

#endif
