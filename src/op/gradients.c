/*
** What is asked of and done to gradients between backward and the step: their common norm, whether
** all are finite, something to add.
*/
#include <math.h>

#include "op/step.h"

#define TENSORS \
  { MLP_ARG_LIST, "tensors", "of floats, any shapes", NULL, NULL, false }

static const mlp_shape number = {0};

static mlp_status global_norm_infer(mlp_call *c, mlp_error *e) {
  for (int i = 0; i < c->n_in; i++) MLP_TRY(mlp_want_float(c, i, e));
  return mlp_out(c, MLP_F64, &number, e);
}

static void global_norm_run(mlp_call *c) {
  double total = 0;
  for (int i = 0; i < c->n_in; i++)
    total +=
        mlp_kernel()->update.sum_squares[c->in[i]->dtype](mlp_in(c, i), mlp_tensor_count(c->in[i]));
  *(double *)mlp_result(c, 0) = sqrt(total);
}

extern const mlp_row mlp_row_global_norm;
const mlp_row mlp_row_global_norm = {
    .name = "global_norm",
    .doc = "the Euclidean norm of all elements of a list of tensors, in float64",
    .arg = {TENSORS},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = global_norm_infer,
    .run = global_norm_run,
    .tiling = mlp_tiling_whole,
};

static mlp_status all_finite_infer(mlp_call *c, mlp_error *e) {
  for (int i = 0; i < c->n_in; i++) MLP_TRY(mlp_want_float(c, i, e));
  return mlp_out(c, MLP_U8, &number, e);
}

static void all_finite_run(mlp_call *c) {
  bool finite = true;
  for (int i = 0; i < c->n_in && finite; i++)
    finite = mlp_kernel()->update.finite[c->in[i]->dtype](mlp_in(c, i), mlp_tensor_count(c->in[i]));
  *(uint8_t *)mlp_result(c, 0) = finite;
}

extern const mlp_row mlp_row_all_finite;
const mlp_row mlp_row_all_finite = {
    .name = "all_finite",
    .doc = "1 when no element of a list of tensors is infinite or NaN, else 0",
    .arg = {TENSORS},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = all_finite_infer,
    .run = all_finite_run,
    .tiling = mlp_tiling_whole,
};

/* ---- adding to lists ------------------------------------------------------------------------- */

enum { FACTOR, COUNT, SLOTS };

/* A step of descent by lr = -1. */
static bool add_scaled_constants(const double *h, mlp_step_constants *k) {
  k->sgd = (mlp_sgd){.lr = -1, .scale = h[FACTOR]};
  return true;
}

static const mlp_method add_scaled = {
    .lists = 2,
    .optional = 2,
    .slots = SLOTS,
    .count = COUNT,
    .loop = MLP_STEP_SGD,
    .constants = add_scaled_constants,
};

static mlp_status add_scaled_infer(mlp_call *c, mlp_error *e) {
  return mlp_method_infer(&add_scaled, c, e);
}

static void add_scaled_run(mlp_call *c) { mlp_method_run(&add_scaled, c); }

extern const mlp_row mlp_row_add_scaled;
const mlp_row mlp_row_add_scaled = {
    .name = "add_scaled",
    .doc = "x = x + factor y for every tensor of a list, in place: noise on gradients",
    .arg = {MLP_MOMENT("tensors", "x, updated in place"), MLP_MOMENT("others", "y, one per tensor"),
            MLP_HYPER("factor, calls so far")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2,
    .infer = add_scaled_infer,
    .run = add_scaled_run,
    .tiling = mlp_tiling_whole,
};
