/*
** Reductions that are one fold: many elements into one, over any set of axes of any view.
*/
#include "op/reduce.h"

#include <float.h>

#include "kernel/kernel.h"

extern const mlp_row mlp_row_maximum, mlp_row_share_of_max, mlp_row_step, mlp_row_sum;

/* ---- what reducing rows share ---------------------------------------------------------------- */

mlp_status mlp_reduce_infer(mlp_call *c, mlp_dtype to, mlp_error *e) {
  MLP_TRY(mlp_call_axes(c, MLP_AXES, 0, e));
  const mlp_value *axes = &c->value[MLP_AXES];
  mlp_shape left = mlp_axes_shape(&c->in[0]->shape, axes, c->value[MLP_KEEPDIM].integer);
  c->work_bytes = mlp_fold_work(c->in[0], axes, to);
  return mlp_out(c, to, &left, e);
}

mlp_status mlp_reduce_some(const mlp_call *c, const char *what, mlp_error *e) {
  char text[MLP_SHAPE_TEXT];
  if (mlp_reduce_count(c) > 0) return MLP_OK;
  return mlp_refuse(e, "%s: x is %s, but among no elements none is the %s", c->row->name,
                    mlp_shape_text(text, &c->in[0]->shape), what);
}

void mlp_reduce_run(mlp_call *c, const mlp_fold *first, const mlp_fold *rest) {
  mlp_fold_run(mlp_result(c, 0), c->spec[0].dtype, c->in[0], &c->value[MLP_AXES], first, rest,
               c->work);
}

void mlp_reduce_divide(mlp_call *c, double divisor) {
  mlp_dtype dtype = c->spec[0].dtype;
  void *y = mlp_result(c, 0);
  float single = (float)divisor;
  const void *number = dtype == MLP_F32 ? (const void *)&single : (const void *)&divisor;
  mlp_kernel()->binary.run[dtype][MLP_BINARY_div][MLP_VS](y, y, number,
                                                          mlp_shape_count(&c->spec[0].shape));
}

mlp_tensor *mlp_reduce_unsqueeze(mlp_vjp *v, mlp_tensor *y) {
  mlp_shape kept = mlp_axes_shape(&mlp_input(v, 0)->shape, mlp_value_of(v, MLP_AXES), true);
  return mlp_reshape(v, y, &kept);
}

mlp_tensor *mlp_reduce_stretch(mlp_vjp *v, mlp_tensor *y) {
  return mlp_expand(v, mlp_reduce_unsqueeze(v, y), &mlp_input(v, 0)->shape);
}

mlp_tensor *mlp_reduce_at_least(mlp_vjp *v, mlp_tensor *y, double least) {
  if (!y) return NULL;
  return mlp_emit(v, &mlp_row_maximum, MLP_IN(y, mlp_scalar(v, y, least)), MLP_NO_VALUES);
}

mlp_tensor *mlp_reduce_inverse(mlp_vjp *v, mlp_tensor *y) {
  if (!y) return NULL;
  mlp_tensor *above = mlp_reduce_at_least(v, y, y->dtype == MLP_F32 ? FLT_MIN : DBL_MIN);
  return mlp_div(v, mlp_emit(v, &mlp_row_step, MLP_IN(y), MLP_NO_VALUES), above);
}

static mlp_tile reduced_tile(const mlp_call *c, mlp_tile in, mlp_spread batch_reduced) {
  const mlp_value *axes = &c->value[MLP_AXES];
  if (in.spread == MLP_SHARED) return in;
  if (in.spread != MLP_ROWS) return (mlp_tile){.spread = MLP_WHOLE};
  if (mlp_axes_hold(axes, in.axis)) return (mlp_tile){.spread = batch_reduced};
  mlp_tile out = in;
  for (int a = 0; a < in.axis && !c->value[MLP_KEEPDIM].integer; a++)
    out.axis -= mlp_axes_hold(axes, a);
  return out;
}

void mlp_tiling_sum(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  for (int i = 0; i < c->n_out; i++) out[i] = reduced_tile(c, in[0], MLP_REDUCED);
}

void mlp_tiling_reduce(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  for (int i = 0; i < c->n_out; i++) out[i] = reduced_tile(c, in[0], MLP_WHOLE);
}

#define FOLD_ROW(NAME, DOC, FLAGS, SAVE_IN, SAVE_OUT, VJP, TILING) \
  extern const mlp_row mlp_row_##NAME;                             \
  const mlp_row mlp_row_##NAME = {                                 \
      .name = #NAME,                                               \
      .doc = DOC,                                                  \
      .arg = {MLP_REDUCE_ARGS},                                    \
      .flags = MLP_STRIDED | (FLAGS),                              \
      .n_out = 1,                                                  \
      .save_in = SAVE_IN,                                          \
      .save_out = SAVE_OUT,                                        \
      .infer = NAME##_infer,                                       \
      .run = NAME##_run,                                           \
      .vjp = VJP,                                                  \
      .tiling = TILING,                                            \
  };

/* ---- sum and mean ---------------------------------------------------------------------------- */

static mlp_status sum_infer(mlp_call *c, mlp_error *e) {
  return mlp_reduce_infer(c, mlp_is_float(c->in[0]->dtype) ? c->in[0]->dtype : MLP_I64, e);
}

static void sum_run(mlp_call *c) {
  mlp_reduce_run(c, &mlp_kernel()->reduce.sum, &mlp_kernel()->reduce.sum);
}

static void sum_vjp(mlp_vjp *v) { mlp_give_grad(v, 0, mlp_reduce_stretch(v, mlp_grad_out(v, 0))); }

FOLD_ROW(sum,
         "Sum over all axes or the given ones, joined pairwise. Integers are summed as int64; the "
         "sum of nothing is 0.",
         0, 0, 0, sum_vjp, mlp_tiling_sum)

static mlp_status mean_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, 0, e));
  return sum_infer(c, e);
}

static void mean_run(mlp_call *c) {
  sum_run(c);
  mlp_reduce_divide(c, (double)mlp_reduce_count(c));
}

static void mean_vjp(mlp_vjp *v) {
  double count = (double)mlp_reduce_count(v->call);
  mlp_give_grad(v, 0, mlp_reduce_stretch(v, mlp_scale(v, mlp_grad_out(v, 0), 1 / count)));
}

FOLD_ROW(mean,
         "Mean over all axes or the given ones. The mean of nothing is NaN; integers are refused.",
         0, 0, 0, mean_vjp, mlp_tiling_reduce)

/* ---- extremes -------------------------------------------------------------------------------- */

static mlp_status amax_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_reduce_infer(c, c->in[0]->dtype, e));
  return mlp_reduce_some(c, "largest", e);
}

static mlp_status amin_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_reduce_infer(c, c->in[0]->dtype, e));
  return mlp_reduce_some(c, "smallest", e);
}

static void amax_run(mlp_call *c) {
  mlp_reduce_run(c, &mlp_kernel()->reduce.max, &mlp_kernel()->reduce.max);
}

static void amin_run(mlp_call *c) {
  mlp_reduce_run(c, &mlp_kernel()->reduce.min, &mlp_kernel()->reduce.min);
}

/* The gradient is shared evenly among the elements that tie: share_of_max of the two is 1/2 there
** and 0 elsewhere. */
static void give_to_ties(mlp_vjp *v, mlp_tensor *lower, mlp_tensor *upper) {
  mlp_value values[] = {*mlp_value_of(v, MLP_AXES), {.integer = true}};
  mlp_tensor *tie = mlp_emit(v, &mlp_row_share_of_max, MLP_IN(lower, upper), MLP_NO_VALUES);
  mlp_tensor *ties = mlp_emit(v, &mlp_row_sum, MLP_IN(tie), 2, values);
  mlp_tensor *each = mlp_div(v, mlp_reduce_unsqueeze(v, mlp_grad_out(v, 0)), ties);
  mlp_give_grad(v, 0, mlp_mul(v, each, tie));
}

static void amax_vjp(mlp_vjp *v) {
  give_to_ties(v, mlp_input(v, 0), mlp_reduce_unsqueeze(v, mlp_output(v, 0)));
}

static void amin_vjp(mlp_vjp *v) {
  give_to_ties(v, mlp_reduce_unsqueeze(v, mlp_output(v, 0)), mlp_input(v, 0));
}

FOLD_ROW(amax,
         "The largest element over all axes or the given ones, NaN if there is one. Elements that "
         "tie share the gradient evenly; max takes one axis and tells where.",
         0, 1, 1, amax_vjp, mlp_tiling_reduce)
FOLD_ROW(amin,
         "The smallest element over all axes or the given ones, NaN if there is one. Elements that "
         "tie share the gradient evenly; min takes one axis and tells where.",
         0, 1, 1, amin_vjp, mlp_tiling_reduce)

/* ---- counting -------------------------------------------------------------------------------- */

static mlp_status count_nonzero_infer(mlp_call *c, mlp_error *e) {
  return mlp_reduce_infer(c, MLP_I64, e);
}

static void count_nonzero_run(mlp_call *c) {
  mlp_reduce_run(c, &mlp_kernel()->reduce.count, &mlp_kernel()->reduce.sum);
}

FOLD_ROW(count_nonzero, "How many elements are not 0, over all axes or the given ones: int64.",
         MLP_NO_GRADIENT, 0, 0, NULL, mlp_tiling_sum)

/* Counts into the workspace, in front of the fold's own. */
static mlp_status any_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_reduce_infer(c, MLP_U8, e));
  c->work_bytes = mlp_fold_work(c->in[0], &c->value[MLP_AXES], MLP_I64) +
                  (size_t)mlp_shape_count(&c->spec[0].shape) * sizeof(int64_t);
  return MLP_OK;
}

static mlp_status all_infer(mlp_call *c, mlp_error *e) { return any_infer(c, e); }

/* out = 1 where at least `least` elements are not 0. */
static void run_at_least(mlp_call *c, int64_t least) {
  int64_t *count = c->work, results = mlp_shape_count(&c->spec[0].shape);
  uint8_t *y = mlp_result(c, 0);
  mlp_fold_run(count, MLP_I64, c->in[0], &c->value[MLP_AXES], &mlp_kernel()->reduce.count,
               &mlp_kernel()->reduce.sum, count + results);
  for (int64_t i = 0; i < results; i++) y[i] = count[i] >= least;
}

static void any_run(mlp_call *c) { run_at_least(c, 1); }
static void all_run(mlp_call *c) { run_at_least(c, mlp_reduce_count(c)); }

FOLD_ROW(any, "1 where any element is not 0, else 0, over all axes or the given ones: uint8.",
         MLP_NO_GRADIENT, 0, 0, NULL, mlp_tiling_reduce)
FOLD_ROW(all, "1 where no element is 0, else 0, over all axes or the given ones: uint8.",
         MLP_NO_GRADIENT, 0, 0, NULL, mlp_tiling_reduce)
