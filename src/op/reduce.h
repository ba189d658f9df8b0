/*
** What the rows that reduce axes share. Their arguments begin (x, axes, keepdim), so the places in
** `value` are the same everywhere.
*/
#ifndef MLP_OP_REDUCE_H
#define MLP_OP_REDUCE_H

#include "op/build.h"
#include "op/fold.h"

enum { MLP_AXES, MLP_KEEPDIM };

#define MLP_REDUCE_ARGS                                                                      \
  {MLP_ARG_TENSOR, "x", "of any shape", NULL, NULL, false},                                  \
      {MLP_ARG_AXES, "axes", "an axis or a list of axes; nil is all", "nil", NULL, false}, { \
    MLP_ARG_FLAG, "keepdim", "keep the reduced axes with length 1", "false", NULL, false     \
  }

/* Resolves the axes and describes one output of dtype `to`; work_bytes are those of the fold. */
mlp_status mlp_reduce_infer(mlp_call *c, mlp_dtype to, mlp_error *e);

/* Refuses to find the `what` ("largest") among no elements. */
mlp_status mlp_reduce_some(const mlp_call *c, const char *what, mlp_error *e);

/* out[0] = the fold of in[0]. */
void mlp_reduce_run(mlp_call *c, const mlp_fold *first, const mlp_fold *rest);

/* Divides out[0] by a number. */
void mlp_reduce_divide(mlp_call *c, double divisor);

/* How many elements meet in one result. */
static inline int64_t mlp_reduce_count(const mlp_call *c) {
  return mlp_axes_count(&c->in[0]->shape, &c->value[MLP_AXES]);
}

/* A value of the result's shape, with the reduced axes back as length 1, ... */
mlp_tensor *mlp_reduce_unsqueeze(mlp_vjp *v, mlp_tensor *y);
/* ... and stretched over the input's shape. */
mlp_tensor *mlp_reduce_stretch(mlp_vjp *v, mlp_tensor *y);

/* y, but at least `least`; of a y that is never negative 1 / y, and 0 where y is 0. */
mlp_tensor *mlp_reduce_at_least(mlp_vjp *v, mlp_tensor *y, double least);
mlp_tensor *mlp_reduce_inverse(mlp_vjp *v, mlp_tensor *y);

/* The batch axis moves left past the axes that go; reduced, it makes the result a sum over the
** batch, or (the second) something that needs the whole batch. */
void mlp_tiling_sum(const mlp_call *c, const mlp_tile *in, mlp_tile *out);
void mlp_tiling_reduce(const mlp_call *c, const mlp_tile *in, mlp_tile *out);

#endif
