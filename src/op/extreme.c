/*
** The largest and the smallest element, and where it stands: along one axis, or of all elements
** with its position in row-major order. The first of several equal ones is taken; a NaN wins over
** all.
*/
#include "kernel/kernel.h"
#include "op/line.h"
#include "op/reduce.h"

extern const mlp_row mlp_row_gather_back;

static mlp_status want_one_axis(mlp_call *c, const char *instead, mlp_error *e) {
  MLP_TRY(mlp_call_axes(c, MLP_AXES, 0, e));
  int n = c->value[MLP_AXES].list.n;
  if (n == 1 || n == c->in[0]->shape.ndim) return MLP_OK;
  return mlp_refuse(e, "%s: axis names %d axes, but one axis or none is wanted%s", c->row->name, n,
                    instead);
}

static mlp_shape result_shape(const mlp_call *c) {
  return mlp_axes_shape(&c->in[0]->shape, &c->value[MLP_AXES], c->value[MLP_KEEPDIM].integer);
}

/* best and place have an element per line. */
static void find(const mlp_call *c, const mlp_fold *fold, void *best, int64_t *place) {
  const mlp_reduce_kernels *k = &mlp_kernel()->reduce;
  mlp_lines l = mlp_lines_over(&c->in[0]->shape, &c->value[MLP_AXES]);
  mlp_dtype dtype = c->in[0]->dtype;
  size_t bytes = mlp_dtype_bytes(dtype);
  const char *x = mlp_in(c, 0);
  if (l.inner == 1) {
    fold->along[dtype](best, x, l.outer, l.n, l.n);
    k->find_along[dtype](place, best, x, l.outer, l.n);
    return;
  }
  for (int64_t i = 0; i < l.outer; i++) {
    char *row = (char *)best + (size_t)(i * l.inner) * bytes;
    const char *block = x + (size_t)(i * l.n * l.inner) * bytes;
    fold->across[dtype](row, block, l.n, l.inner, l.inner);
    k->find_across[dtype](place + i * l.inner, row, block, l.n, l.inner);
  }
}

#define ARG_ONE_AXIS                                                                           \
  {                                                                                            \
    MLP_ARG_AXES, "axis", "along which; nil is all elements, in row-major order", "nil", NULL, \
        false                                                                                  \
  }
#define EXTREME_ARGS                                                             \
  {MLP_ARG_TENSOR, "x", "of any shape", NULL, NULL, false}, ARG_ONE_AXIS, {      \
    MLP_ARG_FLAG, "keepdim", "keep the axis with length 1", "false", NULL, false \
  }

/* ---- max and min: value and position --------------------------------------------------------- */

static mlp_status infer_both(mlp_call *c, const char *instead, const char *what, mlp_error *e) {
  MLP_TRY(want_one_axis(c, instead, e));
  MLP_TRY(mlp_reduce_some(c, what, e));
  mlp_shape left = result_shape(c);
  MLP_TRY(mlp_out(c, c->in[0]->dtype, &left, e));
  return mlp_out(c, MLP_I64, &left, e);
}

static mlp_status max_infer(mlp_call *c, mlp_error *e) {
  return infer_both(c, " (amax takes several)", "largest", e);
}

static mlp_status min_infer(mlp_call *c, mlp_error *e) {
  return infer_both(c, " (amin takes several)", "smallest", e);
}

static void max_run(mlp_call *c) {
  find(c, &mlp_kernel()->reduce.max, mlp_result(c, 0), mlp_result(c, 1));
}

static void min_run(mlp_call *c) {
  find(c, &mlp_kernel()->reduce.min, mlp_result(c, 0), mlp_result(c, 1));
}

static mlp_value shape_value(const mlp_shape *shape) {
  mlp_value value = {.list = {.n = shape->ndim}};
  for (int a = 0; a < shape->ndim; a++) value.list.item[a] = shape->dim[a];
  return value;
}

/* The gradient goes to where the element stood. */
static void extreme_vjp(mlp_vjp *v) {
  const mlp_shape *x = &mlp_input(v, 0)->shape;
  const mlp_value *axes = mlp_value_of(v, MLP_AXES);
  mlp_tensor *g = mlp_grad_out(v, 0), *place = mlp_output(v, 1);
  bool line = axes->list.n == 1;
  mlp_shape kept = mlp_axes_shape(x, axes, true), one = {1, {1}}, flat = {1, {mlp_shape_count(x)}};
  mlp_value values[] = {{.integer = line ? axes->list.item[0] : 0}, shape_value(line ? x : &flat)};
  const mlp_shape *shape = line ? &kept : &one;
  mlp_tensor *grad =
      mlp_emit(v, &mlp_row_gather_back,
               MLP_IN(mlp_reshape(v, g, shape), mlp_reshape(v, place, shape)), 2, values);
  mlp_give_grad(v, 0, mlp_reshape(v, grad, x));
}

#define EXTREME_ROW(NAME, DOC)         \
  extern const mlp_row mlp_row_##NAME; \
  const mlp_row mlp_row_##NAME = {     \
      .name = #NAME,                   \
      .doc = DOC,                      \
      .arg = {EXTREME_ARGS},           \
      .n_out = 2,                      \
      .save_out = 2,                   \
      .infer = NAME##_infer,           \
      .run = NAME##_run,               \
      .vjp = extreme_vjp,              \
      .tiling = mlp_tiling_reduce,     \
  };

EXTREME_ROW(
    max,
    "The largest elements along an axis and their positions there, counted from 1; without "
    "an axis the largest of all and its position in row-major order. NaN counts as largest.")
EXTREME_ROW(
    min,
    "The smallest elements along an axis and their positions there, counted from 1; without "
    "an axis the smallest of all and its position in row-major order. A NaN wins.")

/* ---- argmax and argmin: position ------------------------------------------------------------- */

static mlp_status infer_place(mlp_call *c, const char *what, mlp_error *e) {
  MLP_TRY(want_one_axis(c, "", e));
  MLP_TRY(mlp_reduce_some(c, what, e));
  mlp_shape left = result_shape(c);
  c->work_bytes = (size_t)mlp_shape_count(&left) * mlp_dtype_bytes(c->in[0]->dtype);
  return mlp_out(c, MLP_I64, &left, e);
}

static mlp_status argmax_infer(mlp_call *c, mlp_error *e) { return infer_place(c, "largest", e); }
static mlp_status argmin_infer(mlp_call *c, mlp_error *e) { return infer_place(c, "smallest", e); }

static void argmax_run(mlp_call *c) {
  find(c, &mlp_kernel()->reduce.max, c->work, mlp_result(c, 0));
}

static void argmin_run(mlp_call *c) {
  find(c, &mlp_kernel()->reduce.min, c->work, mlp_result(c, 0));
}

#define ARG_ROW(NAME, DOC)             \
  extern const mlp_row mlp_row_##NAME; \
  const mlp_row mlp_row_##NAME = {     \
      .name = #NAME,                   \
      .doc = DOC,                      \
      .arg = {EXTREME_ARGS},           \
      .flags = MLP_NO_GRADIENT,        \
      .n_out = 1,                      \
      .infer = NAME##_infer,           \
      .run = NAME##_run,               \
      .tiling = mlp_tiling_reduce,     \
  };

ARG_ROW(argmax,
        "Where the largest element stands along an axis, counted from 1, or in the whole tensor in "
        "row-major order: int64. The first of equal ones; a NaN wins.")
ARG_ROW(
    argmin,
    "Where the smallest element stands along an axis, counted from 1, or in the whole tensor in "
    "row-major order: int64. The first of equal ones; a NaN wins.")
