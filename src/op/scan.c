/*
** Running sums and products along one axis.
*/
#include "kernel/kernel.h"
#include "op/line.h"
#include "op/reduce.h"

#define ARG_X \
  { MLP_ARG_TENSOR, "x", "of any shape", NULL, NULL, false }
#define ARG_AXIS \
  { MLP_ARG_AXIS, "axis", "along which", NULL, NULL, false }

/* ---- cumsum ---------------------------------------------------------------------------------- */

enum { AXIS, REVERSE };
extern const mlp_row mlp_row_cumsum;

/* A single number is its own running sum. */
static mlp_lines cumsum_lines(const mlp_call *c) {
  const mlp_shape *s = &c->in[0]->shape;
  return s->ndim ? mlp_lines_along(s, c->value[AXIS].integer) : (mlp_lines){1, 1, 1};
}

static mlp_status cumsum_infer(mlp_call *c, mlp_error *e) {
  mlp_dtype from = c->in[0]->dtype;
  if (c->in[0]->shape.ndim > 0) MLP_TRY(mlp_call_axis(c, AXIS, 0, e));
  return mlp_out(c, mlp_is_float(from) ? from : MLP_I64, &c->in[0]->shape, e);
}

static void cumsum_run(mlp_call *c) {
  mlp_lines l = cumsum_lines(c);
  size_t from = mlp_dtype_bytes(c->in[0]->dtype), to = mlp_dtype_bytes(c->spec[0].dtype);
  const char *x = mlp_in(c, 0);
  char *y = mlp_result(c, 0);
  for (int64_t i = 0; i < l.outer; i++) {
    size_t block = (size_t)(i * l.n * l.inner);
    mlp_kernel()->scan.sum[c->in[0]->dtype](y + block * to, x + block * from, l.n, l.inner,
                                            c->value[REVERSE].integer);
  }
}

/* An element is in every sum from its place on: the same sum, from the other end. */
static void cumsum_vjp(mlp_vjp *v) {
  mlp_value values[] = {*mlp_value_of(v, AXIS), {.integer = !mlp_value_of(v, REVERSE)->integer}};
  mlp_give_grad(v, 0, mlp_emit(v, &mlp_row_cumsum, MLP_IN(mlp_grad_out(v, 0)), 2, values));
}

static void cumsum_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  if (in[0].spread == MLP_ROWS && in[0].axis != c->value[AXIS].integer)
    out[0] = in[0];
  else
    mlp_tiling_whole(c, in, out);
}

const mlp_row mlp_row_cumsum = {
    .name = "cumsum",
    .doc = "Running sum along an axis: y[i] = x[1] + ... + x[i]. Integers are summed as int64.",
    .arg = {ARG_X,
            ARG_AXIS,
            {MLP_ARG_FLAG, "reverse", "sum from the end: y[i] = x[i] + ... + x[n]", "false", NULL,
             true}},
    .n_out = 1,
    .infer = cumsum_infer,
    .run = cumsum_run,
    .vjp = cumsum_vjp,
    .tiling = cumsum_tiling,
};

/* ---- product --------------------------------------------------------------------------------- */

extern const mlp_row mlp_row_prod, mlp_row_prod_others, mlp_row_prod_others_slope;

static mlp_status want_one_axis(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_call_axes(c, MLP_AXES, 0, e));
  int n = c->value[MLP_AXES].list.n;
  if (n == 1 || n == c->in[0]->shape.ndim) return MLP_OK;
  return mlp_refuse(e, "prod: axes names %d axes, but one axis or all of them is wanted", n);
}

static mlp_status prod_infer(mlp_call *c, mlp_error *e) {
  mlp_dtype from = c->in[0]->dtype;
  MLP_TRY(want_one_axis(c, e));
  return mlp_reduce_infer(c, mlp_is_float(from) ? from : MLP_I64, e);
}

static void prod_run(mlp_call *c) {
  mlp_reduce_run(c, &mlp_kernel()->reduce.prod, &mlp_kernel()->reduce.prod);
}

/* d/dx = the product of the others, exact also where elements are 0. */
static void prod_vjp(mlp_vjp *v) {
  mlp_tensor *others = mlp_emit(v, &mlp_row_prod_others, MLP_IN(mlp_input(v, 0)),
                                MLP_VALUES(*mlp_value_of(v, MLP_AXES)));
  mlp_give_grad(v, 0, mlp_mul(v, mlp_reduce_unsqueeze(v, mlp_grad_out(v, 0)), others));
}

const mlp_row mlp_row_prod = {
    .name = "prod",
    .doc =
        "Product along an axis or of all elements. Integers are multiplied as int64; the product "
        "of nothing is 1.",
    .arg = {MLP_REDUCE_ARGS},
    .flags = MLP_STRIDED,
    .n_out = 1,
    .save_in = 1,
    .infer = prod_infer,
    .run = prod_run,
    .vjp = prod_vjp,
    .tiling = mlp_tiling_reduce,
};

static mlp_status others_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, 0, e));
  MLP_TRY(want_one_axis(c, e));
  return mlp_out_like(c, c->in[0], e);
}

static void others_run(mlp_call *c) {
  mlp_lines l = mlp_lines_over(&c->in[0]->shape, &c->value[MLP_AXES]);
  size_t block = (size_t)(l.n * l.inner) * mlp_dtype_bytes(c->spec[0].dtype);
  for (size_t i = 0; i < (size_t)l.outer; i++)
    mlp_kernel()->scan.others[c->spec[0].dtype]((char *)mlp_result(c, 0) + i * block,
                                                (char *)mlp_in(c, 0) + i * block, l.n, l.inner);
}

static void others_vjp(mlp_vjp *v) {
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_prod_others_slope, MLP_IN(mlp_input(v, 0), mlp_grad_out(v, 0)),
                         MLP_VALUES(*mlp_value_of(v, MLP_AXES))));
}

static void others_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool apart = in[0].spread == MLP_ROWS && !mlp_axes_hold(&c->value[MLP_AXES], in[0].axis);
  for (int i = 1; i < c->n_in; i++)
    apart = apart && in[i].spread == MLP_ROWS && in[i].axis == in[0].axis &&
            in[i].multiple == in[0].multiple;
  if (apart)
    out[0] = in[0];
  else
    mlp_tiling_whole(c, in, out);
}

#define ARG_ALONG \
  { MLP_ARG_AXES, "axes", "one axis, or nil for all elements", "nil", NULL, false }

const mlp_row mlp_row_prod_others = {
    .name = "prod_others",
    .doc = "For every element the product of the others: the derivative of prod.",
    .arg = {ARG_X, ARG_ALONG},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 1,
    .infer = others_infer,
    .run = others_run,
    .vjp = others_vjp,
    .tiling = others_tiling,
};

static mlp_status slope_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_same_dtype(c, 0, 1, e));
  MLP_TRY(others_infer(c, e));
  mlp_lines l = mlp_lines_over(&c->in[0]->shape, &c->value[MLP_AXES]);
  c->work_bytes = (size_t)l.n * mlp_dtype_bytes(c->spec[0].dtype);
  return MLP_OK;
}

static void slope_run(mlp_call *c) {
  mlp_lines l = mlp_lines_over(&c->in[0]->shape, &c->value[MLP_AXES]);
  mlp_dtype dtype = c->spec[0].dtype;
  size_t block = (size_t)(l.n * l.inner) * mlp_dtype_bytes(dtype);
  for (size_t i = 0; i < (size_t)l.outer; i++)
    mlp_kernel()->scan.others_slope[dtype]((char *)mlp_result(c, 0) + i * block,
                                           (char *)mlp_in(c, 0) + i * block,
                                           (char *)mlp_in(c, 1) + i * block, c->work, l.n, l.inner);
}

const mlp_row mlp_row_prod_others_slope = {
    .name = "prod_others_slope",
    .doc =
        "How prod_others changes along a direction. The matrix of second derivatives of a product "
        "is symmetric, so this is its transpose too.",
    .arg = {ARG_X,
            {MLP_ARG_TENSOR, "direction", "of the shape of x", NULL, NULL, false},
            ARG_ALONG},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .infer = slope_infer,
    .run = slope_run,
    .tiling = others_tiling,
};
