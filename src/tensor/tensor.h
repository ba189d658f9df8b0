/*
** A tensor is a view: shape, strides and offset over a storage. It never owns numbers; its storage
** does, and lives as long as the last view. A storage counts its changes in place (version), so
** that a derivative can tell that a value it saved is no longer what it was.
** History: a tensor made by a recorded operation holds its node; a leaf that wants a gradient has
** requires_grad set and collects into grad.
** `_new`, `_share` and `_alias` give a reference to drop; everything else lends.
*/
#ifndef MLP_TENSOR_TENSOR_H
#define MLP_TENSOR_TENSOR_H

#include "tensor/context.h"
#include "tensor/shape.h"

typedef struct mlp_storage {
  int64_t refs;
  uint64_t id;            /* of this storage alone, in its context; later ones have larger ids */
  uint64_t version;       /* grows with every change in place */
  const char *changed_by; /* the operation of the latest change in place, or NULL */
  void *data;
  size_t bytes;
  struct mlp_storage *lender; /* NULL, or whose numbers these are: then a reference to it */
} mlp_storage;

typedef struct mlp_tensor {
  int64_t refs;
  mlp_context *context;
  mlp_storage *storage; /* NULL in a stand-in: a shape whose values nobody needs */
  uint64_t storage_id;  /* of a stand-in: of the storage that it had */
  int64_t offset;       /* of the first element, in elements */
  mlp_shape shape;
  int64_t stride[MLP_MAX_DIMS]; /* in elements; 0 where an axis is stretched */
  mlp_dtype dtype;
  bool requires_grad; /* of a leaf: gradients are wanted here */
  bool is_view;       /* made by a view operation: part of, or another look at, someone else */
  int node_output;    /* which output of node this is */
  struct mlp_node *node;
  uint64_t history_version; /* of the storage when node became this tensor's maker */
  struct mlp_tensor *grad;
  struct mlp_tensor *pending;      /* scratch of a walk: what grad will grow by */
  struct mlp_tensor *next_pending; /* scratch of a walk: the next leaf that waits */
} mlp_tensor;

/* Contiguous, uninitialised. NULL when out of memory. */
mlp_tensor *mlp_tensor_new(mlp_context *x, mlp_dtype dtype, const mlp_shape *shape);

/* Another view of the same storage (of nothing, for a stand-in), without history. */
mlp_tensor *mlp_tensor_alias(const mlp_tensor *t);

/* Another view of the same numbers through a storage of its own: a name under which a compiled
** function tells its argument from what it reaches by itself. */
mlp_tensor *mlp_tensor_borrow(const mlp_tensor *t);

static inline mlp_tensor *mlp_tensor_share(mlp_tensor *t) { return t->refs++, t; }

/* Drops one reference; NULL is ignored. Long histories are freed without recursion. */
void mlp_tensor_drop(mlp_tensor *t);

/* Lets go of the values and keeps the shape and the history. */
void mlp_tensor_forget_values(mlp_tensor *t);

bool mlp_tensor_contiguous(const mlp_tensor *t);
static inline int64_t mlp_tensor_count(const mlp_tensor *t) { return mlp_shape_count(&t->shape); }

static inline uint64_t mlp_tensor_storage_id(const mlp_tensor *t) {
  return t->storage ? t->storage->id : t->storage_id;
}

/* The first element. */
static inline void *mlp_tensor_data(const mlp_tensor *t) {
  return (char *)t->storage->data + (size_t)t->offset * mlp_dtype_bytes(t->dtype);
}

/* Nobody else sees these values: they may be overwritten. */
static inline bool mlp_tensor_exclusive(const mlp_tensor *t) {
  return t->refs == 1 && t->storage->refs == 1 && mlp_tensor_contiguous(t);
}

/* Does a gradient flow through this tensor? */
static inline bool mlp_tensor_traced(const mlp_tensor *t) {
  return t->requires_grad || t->node != NULL;
}

/* Notes a change in place by operation `who` (a string that outlives the storage). */
static inline void mlp_tensor_changed(mlp_tensor *t, const char *who) {
  t->storage->version++;
  t->storage->changed_by = who;
}

#endif
