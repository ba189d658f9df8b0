/*
** Reverse mode: walks nodes from the newest to the oldest, hands each row's derivative the
** gradients of its outputs, and adds up what comes back. Gradients of gradients are the same walk
** with recording left on, because derivatives are written in operations.
*/
#ifndef MLP_GRAPH_TAPE_H
#define MLP_GRAPH_TAPE_H

#include "graph/node.h"

typedef struct {
  mlp_tensor *root;          /* the value to differentiate */
  mlp_tensor *seed;          /* its gradient; NULL: 1, for a root of one element */
  mlp_tensor *const *target; /* NULL: every leaf that requires a gradient collects into its grad */
  int n_target;
  bool create_graph; /* record the walk itself */
  bool retain_graph; /* keep saved values for another walk */
} mlp_walk;

/* `grad` (n_target long, for walks with targets) receives references, NULL where nothing flows. */
mlp_status mlp_backward(mlp_context *x, const mlp_walk *walk, mlp_tensor **grad, mlp_error *e);

#endif
