/*
** What the losses share. A loss has one term per element (or per row), and reduces them: "none"
** keeps them, "sum" adds them, "mean" divides the sum by the divisor. The divisor is a value of the
** call: infer replaces 0 by the number of terms, so that a part of a batch, run with the values of
** the whole, is divided by the true count. Where the count depends on data (weights, a mask) it
** stays 0 and run finds it.
*/
#ifndef MLP_OP_LOSS_H
#define MLP_OP_LOSS_H

#include "op/op.h"

/* The first values of every loss. */
enum { MLP_REDUCTION, MLP_DIVISOR, MLP_LOSS_VALUES };
enum { MLP_MEAN, MLP_SUM, MLP_NONE, MLP_BATCH_MEAN };

extern const char *const mlp_reductions[]; /* mean, sum, none */

#define MLP_REDUCTION_ARG \
  { MLP_ARG_CHOICE, "reduction", "how the terms become the loss", "mean", mlp_reductions, true }
#define MLP_DIVISOR_ARG                                                                          \
  {                                                                                              \
    MLP_ARG_NUMBER, "divisor", "what a mean divides by; 0: the number (or weight) of the terms", \
        "0", NULL, true                                                                          \
  }

enum { MLP_COUNT_UNKNOWN = -1 };

/* Describes the loss of terms of this shape and settles the divisor; a mean of nothing is
** refused. */
mlp_status mlp_loss_out(mlp_call *c, const mlp_shape *terms, int64_t count, mlp_error *e);

/* Does the call keep its terms? */
static inline bool mlp_keeps_terms(const mlp_call *c) {
  return c->value[MLP_REDUCTION].integer == MLP_NONE;
}

/* Writes the terms first .. first + n. */
typedef void mlp_loss_terms(void *y, const mlp_call *c, int64_t first, int64_t n,
                            const void *context);

/* Runs the reduction over `count` terms, a block at a time. */
void mlp_loss_reduce(mlp_call *c, int64_t count, mlp_loss_terms *terms, const void *context);

/* A sum over rows is reduced; kept terms are elementwise. */
void mlp_loss_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out);

/* Refuses a target that is not of the prediction's shape and dtype (in[0], in[1]). */
mlp_status mlp_want_pair(const mlp_call *c, mlp_error *e);

/* Refuses a gradient (in[0]) that is neither one number nor of this shape. */
mlp_status mlp_want_gradient(const mlp_call *c, const mlp_shape *terms, mlp_error *e);

/* Refuses an input that requires a gradient where the derivative gives none. */
mlp_status mlp_want_constant(const mlp_call *c, int i, mlp_error *e);

#endif
