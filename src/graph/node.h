/*
** A node: one recorded call. It holds, of each input, the tensor itself where that is a leaf that
** collects a gradient, another view of the same values with the history they had then where the
** derivative reads them, a stand-in of shape and history elsewhere; and an alias, without history,
** of each saved output. It notes the version of every storage whose values it keeps: a later change
** in place is then an error, not a wrong gradient. Released: a walk has freed the saved values.
*/
#ifndef MLP_GRAPH_NODE_H
#define MLP_GRAPH_NODE_H

#include "op/op.h"

typedef struct mlp_node {
  int64_t refs;
  uint64_t sequence;                 /* inputs come from nodes with smaller numbers */
  mlp_call call;                     /* in and out as above; spec describes every output */
  uint64_t *version;                 /* of the storages kept, as they were; (n_in + n_out) */
  size_t bytes;                      /* of this block, which holds in and version too */
  bool released;                     /* a walk has freed the saved values */
  bool passed;                       /* a walk that frees has been here */
  bool needed;                       /* scratch of a walk: a target lies behind this node */
  uint64_t walk;                     /* scratch of a walk: the latest that has seen this node */
  mlp_tensor *grad[MLP_MAX_OUTPUTS]; /* scratch of a walk: gradients of the outputs */
  struct mlp_node *next;             /* scratch of freeing */
} mlp_node;

/* A node of the call alone: inputs, outputs and versions are still to be filled in. NULL when there
** is no memory. */
mlp_node *mlp_node_new(const mlp_call *c);

/* Remembers a call that has run; makes the public outputs its children. */
mlp_status mlp_node_record(mlp_call *c, mlp_error *e);

/* Drops the saved values, keeps shapes and history. */
void mlp_node_release(mlp_node *n);

/* Drops a reference; frees long chains without recursion. */
void mlp_node_drop(mlp_context *x, mlp_node *n);

/* Refuses when a value that the node saved has changed since; names the operation and the
** change. */
mlp_status mlp_node_unchanged(const mlp_node *n, mlp_error *e);

#endif
