/*
** Rows that take a mask: uint8, nonzero is true, over the first axes of x, and nonzero, which finds
** the places of one. What is behind those
** axes moves as one line: a mask (N) over x (N, D) selects rows. The lines selected stand in
** row-major order, so their number, a shape, depends on values: masked_select is MLP_DYNAMIC.
*/
#include <string.h>

#include "kernel/kernel.h"
#include "op/build.h"
#include "op/op.h"

extern const mlp_row mlp_row_masked_select, mlp_row_masked_back, mlp_row_masked_assign;

#define ARG_X \
  { MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false }
#define ARG_MASK \
  { MLP_ARG_TENSOR, "mask", "uint8, of the first axes of x", NULL, NULL, false }

static int64_t count_true(const mlp_tensor *mask) {
  const uint8_t *m = mlp_tensor_data(mask);
  int64_t n = mlp_tensor_count(mask), count = 0;
  for (int64_t i = 0; i < n; i++) count += m[i] != 0;
  return count;
}

static mlp_status want_mask(const mlp_call *c, mlp_error *e) {
  const mlp_shape *x = &c->in[0]->shape, *mask = &c->in[1]->shape;
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  bool fits = mask->ndim <= x->ndim;
  MLP_TRY(mlp_want_dtype(c, 1, MLP_U8, e));
  for (int i = 0; fits && i < mask->ndim; i++) fits = mask->dim[i] == x->dim[i];
  if (fits) return MLP_OK;
  return mlp_refuse(e, "%s: mask is %s but x is %s; the first axes of x are wanted", c->row->name,
                    mlp_shape_text(ta, mask), mlp_shape_text(tb, x));
}

/* (count, rest of x): the shape of what a mask selects. */
static mlp_shape selected_shape(const mlp_call *c, int64_t count) {
  const mlp_shape *x = &c->in[0]->shape;
  int covered = c->in[1]->shape.ndim;
  mlp_shape shape = {.ndim = 1 + x->ndim - covered, .dim = {count}};
  memcpy(&shape.dim[1], &x->dim[covered], (size_t)(x->ndim - covered) * sizeof x->dim[0]);
  return shape;
}

/* Elements behind the axes of the mask. */
static int64_t line_length(const mlp_shape *x, const mlp_tensor *mask) {
  int64_t n = 1;
  for (int i = mask->shape.ndim; i < x->ndim; i++) n *= x->dim[i];
  return n;
}

/* ---- nonzero --------------------------------------------------------------------------------- */

/* NaN is not 0. */
static bool is_nonzero(const mlp_tensor *t, int64_t i) {
  const void *data = mlp_tensor_data(t);
  switch (t->dtype) {
    case MLP_F32: return ((const float *)data)[i] != 0;
    case MLP_F64: return ((const double *)data)[i] != 0;
    case MLP_I64: return ((const int64_t *)data)[i] != 0;
    default: return ((const uint8_t *)data)[i] != 0;
  }
}

static mlp_status nonzero_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = {.ndim = 2, .dim = {0, c->in[0]->shape.ndim}};
  int64_t n = mlp_tensor_count(c->in[0]);
  for (int64_t i = 0; i < n; i++) shape.dim[0] += is_nonzero(c->in[0], i);
  return mlp_out(c, MLP_I64, &shape, e);
}

static void nonzero_run(mlp_call *c) {
  const mlp_shape *s = &c->in[0]->shape;
  int64_t *y = mlp_result(c, 0), n = mlp_tensor_count(c->in[0]);
  for (int64_t i = 0; i < n; i++) {
    if (!is_nonzero(c->in[0], i)) continue;
    int64_t rest = i;
    for (int a = s->ndim - 1; a >= 0; a--) y[a] = rest % s->dim[a] + 1, rest /= s->dim[a];
    y += s->ndim;
  }
}

const mlp_row mlp_row_nonzero = {
    .name = "nonzero",
    .doc = "The positions, from 1, of the elements that are not 0: (count, axes of x), in order.",
    .arg = {ARG_X},
    .flags = MLP_DYNAMIC | MLP_NO_GRADIENT,
    .n_out = 1,
    .infer = nonzero_infer,
    .run = nonzero_run,
    .tiling = mlp_tiling_whole,
};

/* ---- masked_select --------------------------------------------------------------------------- */

static mlp_status masked_select_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(want_mask(c, e));
  if (c->in[1]->shape.ndim == 0 && c->in[0]->shape.ndim == MLP_MAX_DIMS)
    return mlp_refuse(e, "masked_select: a tensor has at most %d axes", MLP_MAX_DIMS);
  mlp_shape shape = selected_shape(c, count_true(c->in[1]));
  return mlp_out(c, c->in[0]->dtype, &shape, e);
}

static void masked_select_run(mlp_call *c) {
  const uint8_t *mask = mlp_in(c, 1);
  int64_t n = mlp_tensor_count(c->in[1]);
  size_t line = (size_t)line_length(&c->in[0]->shape, c->in[1]) * mlp_dtype_bytes(c->in[0]->dtype);
  const char *x = mlp_in(c, 0);
  char *y = mlp_result(c, 0);
  for (int64_t i = 0; i < n; i++, x += line) {
    if (!mask[i]) continue;
    memcpy(y, x, line);
    y += line;
  }
}

static void masked_select_vjp(mlp_vjp *v) {
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_masked_back, MLP_IN(mlp_grad_out(v, 0), mlp_input(v, 1)),
                         MLP_NO_VALUES));
}

const mlp_row mlp_row_masked_select = {
    .name = "masked_select",
    .doc = "The lines of x where the mask is not 0, one after the other: (count, rest of x).",
    .arg = {ARG_X, ARG_MASK},
    .flags = MLP_DYNAMIC,
    .n_out = 1,
    .save_in = 2,
    .infer = masked_select_infer,
    .run = masked_select_run,
    .vjp = masked_select_vjp,
    .tiling = mlp_tiling_whole,
};

/* in: what masked_select gave (count, rest), mask. */
static mlp_status masked_back_infer(mlp_call *c, mlp_error *e) {
  const mlp_shape *g = &c->in[0]->shape;
  mlp_shape shape = c->in[1]->shape;
  for (int i = 1; i < g->ndim && shape.ndim < MLP_MAX_DIMS; i++)
    shape.dim[shape.ndim++] = g->dim[i];
  return mlp_out(c, c->in[0]->dtype, &shape, e);
}

static void masked_back_run(mlp_call *c) {
  const uint8_t *mask = mlp_in(c, 1);
  int64_t n = mlp_tensor_count(c->in[1]);
  size_t line =
      (size_t)line_length(&c->spec[0].shape, c->in[1]) * mlp_dtype_bytes(c->spec[0].dtype);
  const char *g = mlp_in(c, 0);
  char *y = mlp_result(c, 0);
  for (int64_t i = 0; i < n; i++, y += line) {
    if (mask[i])
      memcpy(y, g, line), g += line;
    else
      memset(y, 0, line);
  }
}

static void masked_back_vjp(mlp_vjp *v) {
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_masked_select, MLP_IN(mlp_grad_out(v, 0), mlp_input(v, 1)),
                         MLP_NO_VALUES));
}

const mlp_row mlp_row_masked_back = {
    .name = "masked_back",
    .doc = "Zeros with the lines of x written where the mask is not 0.",
    .arg = {ARG_X, ARG_MASK},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 2,
    .infer = masked_back_infer,
    .run = masked_back_run,
    .vjp = masked_back_vjp,
    .tiling = mlp_tiling_whole,
};

/* ---- masked_assign --------------------------------------------------------------------------- */

/* in: x, mask, value: one line per selected place (count, rest), one line (rest), or one number. */
static bool is_tail_of(const mlp_shape *part, const mlp_shape *x) {
  int lead = x->ndim - part->ndim;
  for (int i = 0; i < part->ndim; i++) {
    if (lead < 0 || part->dim[i] != x->dim[lead + i]) return false;
  }
  return true;
}

static bool one_line_each(const mlp_call *c) {
  return c->in[2]->shape.ndim == 1 + c->in[0]->shape.ndim - c->in[1]->shape.ndim;
}

static mlp_status masked_assign_infer(mlp_call *c, mlp_error *e) {
  const mlp_shape *x = &c->in[0]->shape, *value = &c->in[2]->shape;
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  int behind = x->ndim - c->in[1]->shape.ndim;
  MLP_TRY(want_mask(c, e));
  MLP_TRY(mlp_want_same_dtype(c, 0, 2, e));
  mlp_shape line = *value;
  if (one_line_each(c)) {
    memmove(line.dim, line.dim + 1, sizeof line.dim - sizeof line.dim[0]);
    line.ndim--;
  }
  if (value->ndim == 0 || (line.ndim == behind && is_tail_of(&line, x)))
    return mlp_out_like(c, c->in[0], e);
  mlp_shape rest = selected_shape(c, 0);
  memmove(rest.dim, rest.dim + 1, sizeof rest.dim - sizeof rest.dim[0]);
  rest.ndim--;
  return mlp_refuse(e,
                    "masked_assign: the value is %s but a number, %s, or one such per selected "
                    "place is wanted",
                    mlp_shape_text(ta, value), mlp_shape_text(tb, &rest));
}

static mlp_status masked_assign_check(const mlp_call *c, mlp_error *e) {
  if (!one_line_each(c)) return MLP_OK;
  int64_t have = c->in[2]->shape.dim[0], want = count_true(c->in[1]);
  if (have == want) return MLP_OK;
  return mlp_refuse(e, "masked_assign: the mask selects %lld places but the value has %lld",
                    (long long)want, (long long)have);
}

static void masked_assign_run(mlp_call *c) {
  const uint8_t *mask = mlp_in(c, 1);
  int64_t bytes = (int64_t)mlp_dtype_bytes(c->in[0]->dtype), n = mlp_tensor_count(c->in[1]);
  int64_t line = line_length(&c->in[0]->shape, c->in[1]), step = c->in[2]->shape.ndim > 0;
  mlp_move_line *move = mlp_kernel()->move.line[mlp_width_index(bytes)];
  const char *value = mlp_in(c, 2);
  char *y = mlp_result(c, 0);
  if (c->out[0] != c->in[0]) memcpy(y, mlp_in(c, 0), (size_t)(n * line * bytes));
  if (!one_line_each(c)) {
    for (int64_t i = 0; i < n; i++)
      if (mask[i]) move(y + i * line * bytes, 1, value, step, line);
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    if (!mask[i]) continue;
    move(y + i * line * bytes, 1, value, 1, line);
    value += line * bytes;
  }
}

static void masked_assign_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *mask = mlp_input(v, 1);
  if (mlp_wanted(v, 0))
    mlp_give_grad(
        v, 0,
        mlp_emit(v, &mlp_row_masked_assign, MLP_IN(g, mask, mlp_scalar(v, g, 0)), MLP_NO_VALUES));
  if (mlp_wanted(v, 2))
    mlp_give_grad(
        v, 2,
        mlp_sum_like(v, mlp_emit(v, &mlp_row_masked_select, MLP_IN(g, mask), MLP_NO_VALUES), 2));
}

const mlp_row mlp_row_masked_assign = {
    .name = "masked_assign",
    .doc = "x with the value in the lines where the mask is not 0.",
    .arg = {ARG_X,
            ARG_MASK,
            {MLP_ARG_OPERAND, "value", "a number, one line of x, or one line per selected place",
             NULL, NULL, false}},
    .flags = MLP_IN_PLACE,
    .n_out = 1,
    .save_in = 2,
    .infer = masked_assign_infer,
    .check = masked_assign_check,
    .run = masked_assign_run,
    .vjp = masked_assign_vjp,
    .tiling = mlp_tiling_whole,
};
