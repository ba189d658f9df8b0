/*
** Reductions that are a fold with something before or after it: variance, standard deviation, norm,
** log of a sum of exponentials. Where a first fold shifts the second (about the mean, below the
** largest element), its result stands in front of the workspace.
*/
#include <float.h>
#include <math.h>

#include "kernel/kernel.h"
#include "op/reduce.h"
#include "op/strided.h"
#include "op/unary.h"

extern const mlp_row mlp_row_abs, mlp_row_exp, mlp_row_mean, mlp_row_share_of_max, mlp_row_sign;
extern const mlp_row mlp_row_sum;

enum { CORRECTION = MLP_KEEPDIM + 1, UNBIASED, POWER = MLP_KEEPDIM + 1 };

static int64_t results(const mlp_call *c) { return mlp_shape_count(&c->spec[0].shape); }

/* Bytes of the numbers per result, rounded up so that the fold's workspace is aligned. */
static size_t shift_bytes(const mlp_call *c) {
  return mlp_whole_lines((size_t)results(c) * mlp_dtype_bytes(c->spec[0].dtype));
}

static void *fold_work(const mlp_call *c) { return (char *)c->work + shift_bytes(c); }

static mlp_status infer_shifted(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, 0, e));
  MLP_TRY(mlp_reduce_infer(c, c->in[0]->dtype, e));
  c->work_bytes += shift_bytes(c);
  return MLP_OK;
}

static void apply(const mlp_call *c, mlp_unary_id id) {
  static const double no_parameters[MLP_UNARY_PARAMETERS] = {0};
  void *y = mlp_result(c, 0);
  mlp_kernel()->unary.value[c->spec[0].dtype][id](y, y, results(c), no_parameters);
}

#define ROW(NAME, DOC, EXTRA, SAVE_OUT, INFER) \
  extern const mlp_row mlp_row_##NAME;         \
  const mlp_row mlp_row_##NAME = {             \
      .name = #NAME,                           \
      .doc = DOC,                              \
      .arg = {MLP_REDUCE_ARGS EXTRA},          \
      .flags = MLP_STRIDED,                    \
      .n_out = 1,                              \
      .save_in = 1,                            \
      .save_out = SAVE_OUT,                    \
      .infer = INFER,                          \
      .run = NAME##_run,                       \
      .vjp = NAME##_vjp,                       \
      .tiling = mlp_tiling_reduce,             \
  };

/* ---- variance -------------------------------------------------------------------------------- */

/* What the squared deviations are divided by. */
static double freedom(const mlp_call *c) {
  int64_t correction = c->value[UNBIASED].integer ? c->value[CORRECTION].integer : 0;
  int64_t n = mlp_reduce_count(c) - correction;
  return n > 0 ? (double)n : 0;
}

/* The first element of every result's elements. */
static void copy_first(void *to, const mlp_call *c) {
  mlp_tensor first = *c->in[0];
  first.shape.ndim = 0;
  for (int a = 0; a < c->in[0]->shape.ndim; a++) {
    if (mlp_axes_hold(&c->value[MLP_AXES], a)) continue;
    first.stride[first.shape.ndim] = c->in[0]->stride[a];
    first.shape.dim[first.shape.ndim++] = c->in[0]->shape.dim[a];
  }
  mlp_copy_packed(to, &first);
}

/*
** In two passes. The first finds the mean as an element plus the mean excess over it, so that
** elements that lie close together far from 0, or are all equal, lose nothing; the second sums the
** squared deviations from it.
*/
static void var_run(mlp_call *c) {
  const mlp_reduce_kernels *k = &mlp_kernel()->reduce;
  const mlp_value *axes = &c->value[MLP_AXES];
  mlp_dtype dtype = c->spec[0].dtype;
  void *y = mlp_result(c, 0), *centre = c->work;
  if (mlp_tensor_count(c->in[0]) > 0) copy_first(centre, c);
  mlp_fold_shifted(y, c->in[0], axes, &k->excess, centre, &k->sum, fold_work(c));
  mlp_reduce_divide(c, (double)mlp_reduce_count(c));
  mlp_kernel()->binary.run[dtype][MLP_BINARY_add][MLP_VV](centre, centre, y, results(c));
  mlp_fold_shifted(y, c->in[0], axes, &k->deviations, centre, &k->sum, fold_work(c));
  mlp_reduce_divide(c, freedom(c));
}

static mlp_tensor *centred(mlp_vjp *v) {
  mlp_value values[] = {*mlp_value_of(v, MLP_AXES), {.integer = true}};
  mlp_tensor *x = mlp_input(v, 0);
  return mlp_sub(v, x, mlp_emit(v, &mlp_row_mean, MLP_IN(x), 2, values));
}

/* d var / dx = 2 (x - mean) / freedom */
static void var_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_scale(v, mlp_grad_out(v, 0), 2 / freedom(v->call));
  mlp_give_grad(v, 0, mlp_mul(v, mlp_reduce_unsqueeze(v, g), centred(v)));
}

static void std_run(mlp_call *c) {
  var_run(c);
  apply(c, MLP_UNARY_sqrt);
}

/* d std / dx = (x - mean) / (freedom std), and 0 where all elements are equal. */
static void std_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_scale(v, mlp_grad_out(v, 0), 1 / freedom(v->call));
  mlp_tensor *each = mlp_mul(v, g, mlp_reduce_inverse(v, mlp_output(v, 0)));
  mlp_give_grad(v, 0, mlp_mul(v, mlp_reduce_unsqueeze(v, each), centred(v)));
}

#define SPREAD_OPTIONS                                                                       \
  , {MLP_ARG_INTEGER, "correction", "taken from the count to divide by", "1", NULL, true}, { \
    MLP_ARG_FLAG, "unbiased", "false divides by the whole count", "true", NULL, true         \
  }

ROW(var,
    "Variance over all axes or the given ones: squared deviations from the mean, summed, over n - "
    "correction.",
    SPREAD_OPTIONS, 0, infer_shifted)
ROW(std, "Standard deviation over all axes or the given ones: the square root of var.",
    SPREAD_OPTIONS, 1, infer_shifted)

/* ---- norm ------------------------------------------------------------------------------------ */

static mlp_status norm_infer(mlp_call *c, mlp_error *e) {
  double p = c->value[POWER].number;
  MLP_TRY(mlp_want_float(c, 0, e));
  if (p != 1 && p != 2 && p != HUGE_VAL)
    return mlp_refuse(e,
                      "norm: p is %g but 1, 2 or math.huge is wanted "
                      "(x:abs():pow(p):sum(axes):pow(1 / p) computes others)",
                      p);
  return mlp_reduce_infer(c, c->in[0]->dtype, e);
}

static void norm_run(mlp_call *c) {
  const mlp_reduce_kernels *k = &mlp_kernel()->reduce;
  double p = c->value[POWER].number;
  if (p == 1) mlp_reduce_run(c, &k->sum_abs, &k->sum);
  if (p == HUGE_VAL) mlp_reduce_run(c, &k->max_abs, &k->max);
  if (p != 2) return;
  mlp_reduce_run(c, &k->sum_squares, &k->sum);
  apply(c, MLP_UNARY_sqrt);
}

/* The elements of largest magnitude share the gradient evenly. */
static mlp_tensor *largest_share(mlp_vjp *v, mlp_tensor *x, mlp_tensor *norm) {
  mlp_value values[] = {*mlp_value_of(v, MLP_AXES), {.integer = true}};
  mlp_tensor *size = mlp_emit(v, &mlp_row_abs, MLP_IN(x), MLP_NO_VALUES);
  mlp_tensor *tie = mlp_emit(v, &mlp_row_share_of_max, MLP_IN(size, norm), MLP_NO_VALUES);
  return mlp_div(v, tie, mlp_emit(v, &mlp_row_sum, MLP_IN(tie), 2, values));
}

/* p = 1: sign x;  p = 2: x / norm, 0 at 0;  p = infinity: sign x at the largest */
static void norm_vjp(mlp_vjp *v) {
  double p = mlp_value_of(v, POWER)->number;
  mlp_tensor *x = mlp_input(v, 0), *g = mlp_reduce_unsqueeze(v, mlp_grad_out(v, 0)), *slope;
  mlp_tensor *norm = mlp_reduce_unsqueeze(v, mlp_output(v, 0));
  if (p == 2) {
    slope = mlp_mul(v, x, mlp_reduce_inverse(v, norm));
  } else {
    slope = mlp_emit(v, &mlp_row_sign, MLP_IN(x), MLP_NO_VALUES);
    if (p != 1) slope = mlp_mul(v, slope, largest_share(v, x, norm));
  }
  mlp_give_grad(v, 0, mlp_mul(v, g, slope));
}

#define NORM_OPTIONS \
  , { MLP_ARG_NUMBER, "p", "1, 2 or math.huge", "2", NULL, true }

ROW(norm, "(sum |x|^p)^(1/p) over all axes or the given ones; the largest |x| for p = math.huge.",
    NORM_OPTIONS, 1, norm_infer)

/* ---- log of a sum of exponentials ------------------------------------------------------------ */

/* log sum exp(x) = m + log sum exp(x - m), with m the largest x where that is finite, else 0. */
static void logsumexp_run(mlp_call *c) {
  const mlp_reduce_kernels *k = &mlp_kernel()->reduce;
  const mlp_value *axes = &c->value[MLP_AXES];
  mlp_dtype dtype = c->spec[0].dtype;
  void *y = mlp_result(c, 0), *shift = c->work;
  mlp_reduce_run(c, &k->max, &k->max);
  k->finite[dtype](shift, y, results(c));
  mlp_fold_shifted(y, c->in[0], axes, &k->exponentials, shift, &k->sum, fold_work(c));
  apply(c, MLP_UNARY_log);
  mlp_kernel()->binary.run[dtype][MLP_BINARY_add][MLP_VV](y, y, shift, results(c));
}

/* d/dx = exp(x - y), divided by its sum: that is 1 but for the rounding of a large y. Where y is
** -infinity so is all of x, and the slope is 0. */
static void logsumexp_vjp(mlp_vjp *v) {
  mlp_value values[] = {*mlp_value_of(v, MLP_AXES), {.integer = true}};
  mlp_tensor *y = mlp_reduce_unsqueeze(v, mlp_output(v, 0)), *x = mlp_input(v, 0);
  bool single = x->dtype == MLP_F32;
  mlp_tensor *shift = mlp_reduce_at_least(v, y, single ? -FLT_MAX : -DBL_MAX);
  mlp_tensor *share = mlp_emit(v, &mlp_row_exp, MLP_IN(mlp_sub(v, x, shift)), MLP_NO_VALUES);
  mlp_tensor *total = mlp_emit(v, &mlp_row_sum, MLP_IN(share), 2, values);
  mlp_tensor *each =
      mlp_mul(v, mlp_reduce_unsqueeze(v, mlp_grad_out(v, 0)), mlp_reduce_inverse(v, total));
  mlp_give_grad(v, 0, mlp_mul(v, each, share));
}

#define NO_OPTIONS
ROW(logsumexp,
    "log of the sum of e^x over all axes or the given ones, without overflow; -infinity of "
    "nothing.",
    NO_OPTIONS, 1, infer_shifted)
