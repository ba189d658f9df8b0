/*
** Running sums and products along one axis.
*/
#include "kernel/kernel.h"
#include "op/line.h"
#include "op/reduce.h"

enum { AXIS, REVERSE }; /* places in value */

#define ARG_X \
  { MLP_ARG_TENSOR, "x", "of any shape", NULL, NULL, false }
#define ARG_AXIS \
  { MLP_ARG_AXIS, "axis", "along which", NULL, NULL, false }

/* Rows stay apart where every input is cut alike, off the axis. */
static void scan_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool apart = in[0].spread == MLP_ROWS && in[0].axis != c->value[AXIS].integer;
  for (int i = 1; i < c->n_in; i++) apart = apart && mlp_rows_alike(&in[i], &in[0]);
  if (apart)
    out[0] = in[0];
  else
    mlp_tiling_whole(c, in, out);
}

/* A single number is a line of its own. */
static mlp_lines lines_of(const mlp_call *c) {
  const mlp_shape *s = &c->in[0]->shape;
  return s->ndim ? mlp_lines_along(s, c->value[AXIS].integer) : (mlp_lines){1, 1, 1};
}

/* ---- cumsum ---------------------------------------------------------------------------------- */

extern const mlp_row mlp_row_cumsum;

static mlp_status cumsum_infer(mlp_call *c, mlp_error *e) {
  mlp_dtype from = c->in[0]->dtype;
  if (c->in[0]->shape.ndim > 0) MLP_TRY(mlp_call_axis(c, AXIS, 0, e));
  return mlp_out(c, mlp_is_float(from) ? from : MLP_I64, &c->in[0]->shape, e);
}

static void cumsum_run(mlp_call *c) {
  mlp_lines l = lines_of(c);
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
    .tiling = scan_tiling,
};

/* ---- cumprod --------------------------------------------------------------------------------- */

extern const mlp_row mlp_row_cumprod, mlp_row_cumprod_back, mlp_row_cumprod_slope;
extern const mlp_row mlp_row_cumprod_curve, mlp_row_prod, mlp_row_slice_back;

static const mlp_running_product *products(const mlp_call *c) {
  return &mlp_kernel()->scan.product[c->spec[0].dtype];
}

static mlp_status cumprod_infer(mlp_call *c, mlp_error *e) {
  if (c->in[0]->dtype == MLP_U8)
    return mlp_refuse(e, "%s: x is uint8 but int64 or a float is wanted (x:to(\"int64\") converts)",
                      c->row->name);
  if (c->in[0]->shape.ndim > 0) MLP_TRY(mlp_call_axis(c, AXIS, 0, e));
  for (int i = 1; i < c->n_in; i++) {
    MLP_TRY(mlp_want_float(c, 0, e));
    MLP_TRY(mlp_want_same_dtype(c, 0, i, e));
  }
  c->work_bytes = 2 * (size_t)lines_of(c).n * mlp_dtype_bytes(c->in[0]->dtype);
  return mlp_out_like(c, c->in[0], e);
}

/* Where block i of an input or the output begins. */
static void *block_of(const mlp_call *c, void *data, mlp_lines l, int64_t i) {
  return (char *)data + (size_t)(i * l.n * l.inner) * mlp_dtype_bytes(c->spec[0].dtype);
}

static void cumprod_run(mlp_call *c) {
  mlp_lines l = lines_of(c);
  bool whole = c->spec[0].dtype == MLP_I64;
  for (int64_t i = 0; i < l.outer; i++)
    (whole ? mlp_kernel()->scan.product_i64 : products(c)->product)(
        block_of(c, mlp_result(c, 0), l, i), block_of(c, mlp_in(c, 0), l, i), l.n, l.inner);
}

static void cumprod_slope_run(mlp_call *c) {
  mlp_lines l = lines_of(c);
  for (int64_t i = 0; i < l.outer; i++)
    products(c)->slope(block_of(c, mlp_result(c, 0), l, i), block_of(c, mlp_in(c, 0), l, i),
                       block_of(c, mlp_in(c, 1), l, i), l.n, l.inner);
}

static void cumprod_back_run(mlp_call *c) {
  mlp_lines l = lines_of(c);
  for (int64_t i = 0; i < l.outer; i++)
    products(c)->back(block_of(c, mlp_result(c, 0), l, i), block_of(c, mlp_in(c, 0), l, i),
                      block_of(c, mlp_in(c, 1), l, i), c->work, l.n, l.inner);
}

static void cumprod_curve_run(mlp_call *c) {
  mlp_lines l = lines_of(c);
  for (int64_t i = 0; i < l.outer; i++)
    products(c)->curve(block_of(c, mlp_result(c, 0), l, i), block_of(c, mlp_in(c, 0), l, i),
                       block_of(c, mlp_in(c, 1), l, i), block_of(c, mlp_in(c, 2), l, i), c->work,
                       l.n, l.inner);
}

/* row(x, a), or row(x, a, b), along the same axis. */
static mlp_tensor *along(mlp_vjp *v, const mlp_row *row, mlp_tensor *a, mlp_tensor *b) {
  mlp_tensor *in[] = {mlp_input(v, 0), a, b};
  return a ? mlp_emit(v, row, b ? 3 : 2, in, MLP_VALUES(*mlp_value_of(v, AXIS))) : NULL;
}

static void cumprod_vjp(mlp_vjp *v) {
  mlp_give_grad(v, 0, along(v, &mlp_row_cumprod_back, mlp_grad_out(v, 0), NULL));
}

/* The Jacobian J of cumprod depends on x: back is J' g, slope is J h, and what x gets of either is
** the change of J' with the two vectors that meet in it. */
static void cumprod_back_vjp(mlp_vjp *v) {
  mlp_tensor *k = mlp_grad_out(v, 0), *g = mlp_input(v, 1);
  if (mlp_wanted(v, 0)) mlp_give_grad(v, 0, along(v, &mlp_row_cumprod_curve, g, k));
  if (mlp_wanted(v, 1)) mlp_give_grad(v, 1, along(v, &mlp_row_cumprod_slope, k, NULL));
}

static void cumprod_slope_vjp(mlp_vjp *v) {
  mlp_tensor *k = mlp_grad_out(v, 0), *h = mlp_input(v, 1);
  if (mlp_wanted(v, 0)) mlp_give_grad(v, 0, along(v, &mlp_row_cumprod_curve, k, h));
  if (mlp_wanted(v, 1)) mlp_give_grad(v, 1, along(v, &mlp_row_cumprod_back, k, NULL));
}

#define ARG_LIKE_X(name, doc) \
  { MLP_ARG_TENSOR, name, doc, NULL, NULL, false }

const mlp_row mlp_row_cumprod = {
    .name = "cumprod",
    .doc = "Running product along an axis: y[i] = x[1] ... x[i].",
    .arg = {ARG_X, ARG_AXIS},
    .n_out = 1,
    .save_in = 1,
    .infer = cumprod_infer,
    .run = cumprod_run,
    .vjp = cumprod_vjp,
    .tiling = scan_tiling,
};

const mlp_row mlp_row_cumprod_back = {
    .name = "cumprod_back",
    .doc = "The gradient of sum(grad * cumprod(x)): exact also where elements are 0.",
    .arg = {ARG_X, ARG_LIKE_X("grad", "of the running products"), ARG_AXIS},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 3,
    .infer = cumprod_infer,
    .run = cumprod_back_run,
    .vjp = cumprod_back_vjp,
    .tiling = scan_tiling,
};

const mlp_row mlp_row_cumprod_slope = {
    .name = "cumprod_slope",
    .doc = "How cumprod(x) changes when x moves along a direction.",
    .arg = {ARG_X, ARG_LIKE_X("direction", "in which x moves"), ARG_AXIS},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 3,
    .infer = cumprod_infer,
    .run = cumprod_slope_run,
    .vjp = cumprod_slope_vjp,
    .tiling = scan_tiling,
};

const mlp_row mlp_row_cumprod_curve = {
    .name = "cumprod_curve",
    .doc = "How cumprod_back(x, grad) changes when x moves along a direction.",
    .arg = {ARG_X, ARG_LIKE_X("grad", "of the running products"),
            ARG_LIKE_X("direction", "in which x moves"), ARG_AXIS},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .infer = cumprod_infer,
    .run = cumprod_curve_run,
    .tiling = scan_tiling,
};

/* ---- prod ------------------------------------------------------------------------------------ */

static mlp_status prod_infer(mlp_call *c, mlp_error *e) {
  mlp_dtype from = c->in[0]->dtype;
  MLP_TRY(mlp_reduce_infer(c, mlp_is_float(from) ? from : MLP_I64, e));
  int n = c->value[MLP_AXES].list.n;
  if (n == 1 || n == c->in[0]->shape.ndim) return MLP_OK;
  return mlp_refuse(e, "prod: axes names %d axes, but one axis or all of them is wanted", n);
}

static void prod_run(mlp_call *c) {
  mlp_reduce_run(c, &mlp_kernel()->reduce.prod, &mlp_kernel()->reduce.prod);
}

/* The product is the last of the running products: its gradient is theirs, 0 but there. */
static void prod_vjp(mlp_vjp *v) {
  mlp_tensor *x = mlp_input(v, 0);
  const mlp_value *axes = mlp_value_of(v, MLP_AXES);
  bool line = axes->list.n == 1;
  mlp_shape flat = {1, {mlp_shape_count(&x->shape)}}, one = {1, {1}};
  mlp_shape kept = line ? mlp_axes_shape(&x->shape, axes, true) : one;
  mlp_value axis = {.integer = line ? axes->list.item[0] : 0};
  mlp_value length = {.integer = line ? x->shape.dim[axis.integer] : flat.dim[0]};
  if (length.integer == 0) return;
  mlp_tensor *last =
      mlp_emit(v, &mlp_row_slice_back, MLP_IN(mlp_reshape(v, mlp_grad_out(v, 0), &kept)),
               MLP_VALUES(axis, length, length, {.integer = 1}, length));
  mlp_tensor *in[] = {line ? x : mlp_reshape(v, x, &flat), last};
  mlp_tensor *grad = last ? mlp_emit(v, &mlp_row_cumprod_back, 2, in, MLP_VALUES(axis)) : NULL;
  mlp_give_grad(v, 0, mlp_reshape(v, grad, &x->shape));
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
