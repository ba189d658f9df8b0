/*
** The lower and upper triangle of matrices, which stand in the last two axes; the rest becomes 0. A
** triangle is linear, and its derivative is the same triangle of the gradient.
*/
#include <string.h>

#include "op/build.h"

extern const mlp_row mlp_row_tril, mlp_row_triu;

static mlp_status triangle_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_ndim(c, 0, 2, MLP_MAX_DIMS, e));
  return mlp_out_like(c, c->in[0], e);
}

static int64_t clamp(int64_t i, int64_t least, int64_t most) {
  return i < least ? least : i > most ? most : i;
}

/* The lower triangle keeps the columns of a row before `cut`, the upper one those from there on. */
static void run_triangle(mlp_call *c, bool lower) {
  const mlp_shape *s = &c->in[0]->shape;
  int64_t rows = s->dim[s->ndim - 2], columns = s->dim[s->ndim - 1];
  int64_t offset = clamp(c->value[0].integer, -rows, columns); /* beyond nothing changes */
  int64_t lines = columns > 0 ? mlp_tensor_count(c->in[0]) / columns : 0;
  size_t bytes = mlp_dtype_bytes(c->in[0]->dtype);
  char *y = mlp_result(c, 0);
  if (c->out[0] != c->in[0]) memcpy(y, mlp_in(c, 0), (size_t)(lines * columns) * bytes);
  for (int64_t line = 0; line < lines; line++, y += (size_t)columns * bytes) {
    int64_t cut = clamp(line % rows + offset + lower, 0, columns);
    if (lower)
      memset(y + (size_t)cut * bytes, 0, (size_t)(columns - cut) * bytes);
    else
      memset(y, 0, (size_t)cut * bytes);
  }
}

static void tril_run(mlp_call *c) { run_triangle(c, true); }
static void triu_run(mlp_call *c) { run_triangle(c, false); }

static void give_triangle(mlp_vjp *v, const mlp_row *row) {
  mlp_give_grad(v, 0,
                mlp_emit(v, row, MLP_IN(mlp_grad_out(v, 0)), MLP_VALUES(*mlp_value_of(v, 0))));
}

static void tril_vjp(mlp_vjp *v) { give_triangle(v, &mlp_row_tril); }
static void triu_vjp(mlp_vjp *v) { give_triangle(v, &mlp_row_triu); }

/* Matrices are independent of each other, their rows and columns are not. */
static void triangle_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  if (in[0].spread == MLP_ROWS && in[0].axis >= c->in[0]->shape.ndim - 2)
    mlp_tiling_whole(c, in, out);
  else
    out[0] = in[0];
}

#define ARG_X \
  { MLP_ARG_TENSOR, "x", "matrices in the last two axes", NULL, NULL, false }
#define ARG_OFFSET \
  { MLP_ARG_INTEGER, "offset", "diagonals to the right of the main one", "0", NULL, false }

const mlp_row mlp_row_tril = {
    .name = "tril",
    .doc = "y[.., i, j] = x[.., i, j] where j <= i + offset, otherwise 0.",
    .arg = {ARG_X, ARG_OFFSET},
    .flags = MLP_IN_PLACE,
    .n_out = 1,
    .infer = triangle_infer,
    .run = tril_run,
    .vjp = tril_vjp,
    .tiling = triangle_tiling,
};

const mlp_row mlp_row_triu = {
    .name = "triu",
    .doc = "y[.., i, j] = x[.., i, j] where j >= i + offset, otherwise 0.",
    .arg = {ARG_X, ARG_OFFSET},
    .flags = MLP_IN_PLACE,
    .n_out = 1,
    .infer = triangle_infer,
    .run = triu_run,
    .vjp = triu_vjp,
    .tiling = triangle_tiling,
};
