/*
** The direction of L-BFGS: minus the gradient times an inverse Hessian that is known by the last
** steps s and the changes y of the gradient along them alone, by two loops over the pairs (Nocedal
** 1980; Nocedal and Wright 2006, algorithm 7.4). The pairs lie in rings: row `newest` of `steps`
** and `changes` is the last one, `stored` of them count, each row before is older.
*/
#include "kernel/blas.h"
#include "op/op.h"

enum { GRADIENT, STEPS, CHANGES, HYPER };
enum { LR, LENGTH, STORED, NEWEST, COUNT, SCALE, SLOTS };

static double slot(const mlp_call *c, int k) { return ((const double *)mlp_in(c, HYPER))[k]; }

static mlp_status want_pairs(const mlp_call *c, int i, mlp_error *e) {
  const mlp_shape *g = &c->in[GRADIENT]->shape, *s = &c->in[i]->shape;
  char got[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_same_dtype(c, GRADIENT, i, e));
  if (s->ndim == 2 && s->dim[1] == g->dim[0] && s->dim[0] == c->in[STEPS]->shape.dim[0])
    return MLP_OK;
  return mlp_refuse(e, "lbfgs_direction: %s is %s but (%lld, %lld) is wanted", mlp_in_name(c, i),
                    mlp_shape_text(got, s), (long long)c->in[STEPS]->shape.dim[0],
                    (long long)g->dim[0]);
}

static mlp_status direction_infer(mlp_call *c, mlp_error *e) {
  char text[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_float(c, GRADIENT, e));
  MLP_TRY(mlp_want_ndim(c, GRADIENT, 1, 1, e));
  MLP_TRY(want_pairs(c, STEPS, e));
  MLP_TRY(want_pairs(c, CHANGES, e));
  MLP_TRY(mlp_want_dtype(c, HYPER, MLP_F64, e));
  const mlp_shape *h = &c->in[HYPER]->shape;
  if (h->ndim != 1 || h->dim[0] != SLOTS)
    return mlp_refuse(e, "lbfgs_direction: hyper is %s but (%d,) is wanted",
                      mlp_shape_text(text, h), SLOTS);
  c->work_bytes = (size_t)c->in[STEPS]->shape.dim[0] * sizeof(double);
  return mlp_out_like(c, c->in[GRADIENT], e);
}

static mlp_status direction_check(const mlp_call *c, mlp_error *e) {
  double rows = (double)c->in[STEPS]->shape.dim[0], stored = slot(c, STORED);
  if (stored >= 0 && stored <= rows &&
      (stored == 0 || (slot(c, NEWEST) >= 1 && slot(c, NEWEST) <= rows)))
    return MLP_OK;
  return mlp_refuse(e,
                    "lbfgs_direction: %g pairs are stored, the newest in row %g, but there are %g"
                    " rows",
                    stored, slot(c, NEWEST), rows);
}

/* ---- vectors --------------------------------------------------------------------------------- */

/* Row k of a matrix, k from 0; of a vector itself. */
static const void *row_of(const mlp_call *c, int i, int64_t k) {
  int64_t n = c->in[GRADIENT]->shape.dim[0];
  return (const char *)mlp_in(c, i) + k * n * (int64_t)mlp_dtype_bytes(c->in[i]->dtype);
}

static double dot(mlp_dtype dtype, const void *a, const void *b, int64_t n) {
  mlp_factor fa = {a, n, false}, fb = {b, n, true};
  if (dtype == MLP_F32) {
    float sum = 0;
    mlp_gemm_f32(&sum, 1, fa, fb, 1, 0, 1, 1, n);
    return (double)sum;
  }
  double sum = 0;
  mlp_gemm_f64(&sum, 1, fa, fb, 1, 0, 1, 1, n);
  return sum;
}

/* y = alpha x + beta y */
static void combine(mlp_dtype dtype, void *y, const void *x, double alpha, double beta, int64_t n) {
  float one32 = 1;
  double one64 = 1;
  if (dtype == MLP_F32)
    mlp_gemm_f32(y, n, (mlp_factor){&one32, 1, false}, (mlp_factor){x, n, false}, (float)alpha,
                 (float)beta, 1, n, 1);
  else
    mlp_gemm_f64(y, n, (mlp_factor){&one64, 1, false}, (mlp_factor){x, n, false}, alpha, beta, 1, n,
                 1);
}

/* ---- the two loops --------------------------------------------------------------------------- */

static void direction_run(mlp_call *c) {
  mlp_dtype dtype = c->in[GRADIENT]->dtype;
  int64_t n = c->in[GRADIENT]->shape.dim[0], rows = c->in[STEPS]->shape.dim[0];
  int64_t stored = (int64_t)slot(c, STORED), newest = (int64_t)slot(c, NEWEST) - 1;
  double *alpha = c->work;
  void *d = mlp_result(c, 0);
  combine(dtype, d, mlp_in(c, GRADIENT), -1, 0, n);
  for (int64_t k = 0; k < stored; k++) { /* the newest first */
    int64_t row = (newest - k + rows) % rows;
    const void *s = row_of(c, STEPS, row), *y = row_of(c, CHANGES, row);
    alpha[row] = dot(dtype, s, d, n) / dot(dtype, y, s, n);
    combine(dtype, d, y, -alpha[row], 1, n);
  }
  if (stored > 0) {
    const void *s = row_of(c, STEPS, newest), *y = row_of(c, CHANGES, newest);
    double gamma = dot(dtype, y, s, n) / dot(dtype, y, y, n);
    combine(dtype, d, y, 0, gamma, n);
  }
  for (int64_t k = stored - 1; k >= 0; k--) {
    int64_t row = (newest - k + rows) % rows;
    const void *s = row_of(c, STEPS, row), *y = row_of(c, CHANGES, row);
    double beta = dot(dtype, y, d, n) / dot(dtype, y, s, n);
    combine(dtype, d, s, alpha[row] - beta, 1, n);
  }
}

extern const mlp_row mlp_row_lbfgs_direction;
const mlp_row mlp_row_lbfgs_direction = {
    .name = "lbfgs_direction",
    .doc =
        "the direction of L-BFGS: -H g, H the inverse Hessian that the last pairs of steps s and "
        "changes of the gradient y make of the identity times s'y / y'y\n"
        "Nocedal and Wright 2006, algorithm 7.4.",
    .arg = {{MLP_ARG_TENSOR, "gradient", "g (n)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "steps", "s (m, n), a ring of rows", NULL, NULL, false},
            {MLP_ARG_TENSOR, "changes", "y (m, n), a ring of rows", NULL, NULL, false},
            {MLP_ARG_TENSOR, "hyper",
             "float64: lr, length of the last step, pairs stored, row of the newest, iterations, "
             "scale",
             NULL, NULL, false}},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = direction_infer,
    .check = direction_check,
    .run = direction_run,
    .tiling = mlp_tiling_whole,
};
