/*
** embedding: rows of a table by position. Its derivative adds rows in the order of the positions,
** so the same position met twice gives the same bits every time.
*/
#include <string.h>

#include "kernel/kernel.h"
#include "op/build.h"
#include "op/positions.h"

extern const mlp_row mlp_row_embedding, mlp_row_embedding_back;

/* ---- embedding ------------------------------------------------------------------------------- */

enum { WEIGHT, POSITIONS };

static mlp_status embedding_infer(mlp_call *c, mlp_error *e) {
  const mlp_tensor *w = c->in[WEIGHT];
  MLP_TRY(mlp_want_float(c, WEIGHT, e));
  MLP_TRY(mlp_want_ndim(c, WEIGHT, 2, 2, e));
  MLP_TRY(mlp_want_dtype(c, POSITIONS, MLP_I64, e));
  MLP_TRY(mlp_want_ndim(c, POSITIONS, 0, MLP_MAX_DIMS - 1, e));
  mlp_shape shape = c->in[POSITIONS]->shape;
  shape.dim[shape.ndim++] = w->shape.dim[1];
  return mlp_out(c, w->dtype, &shape, e);
}

static mlp_status embedding_check(const mlp_call *c, mlp_error *e) {
  return mlp_check_positions(c, POSITIONS, c->in[WEIGHT]->shape.dim[0], e);
}

static void embedding_run(mlp_call *c) {
  const mlp_tensor *w = c->in[WEIGHT];
  size_t bytes = (size_t)w->shape.dim[1] * mlp_dtype_bytes(w->dtype);
  const int64_t *place = mlp_in(c, POSITIONS);
  const char *table = mlp_tensor_data(w);
  char *y = mlp_result(c, 0);
  int64_t count = mlp_tensor_count(c->in[POSITIONS]);
  for (int64_t i = 0; bytes && i < count; i++)
    memcpy(y + (size_t)i * bytes, table + (size_t)(place[i] - 1) * bytes, bytes);
}

static void embedding_vjp(mlp_vjp *v) {
  mlp_value rows = {.integer = mlp_input(v, WEIGHT)->shape.dim[0]};
  mlp_give_grad(v, WEIGHT,
                mlp_emit(v, &mlp_row_embedding_back,
                         MLP_IN(mlp_grad_out(v, 0), mlp_input(v, POSITIONS)), 1, &rows));
}

static void embedding_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  if (in[WEIGHT].spread == MLP_SHARED && in[POSITIONS].spread == MLP_ROWS)
    out[0] = in[POSITIONS];
  else
    mlp_tiling_whole(c, in, out);
}

const mlp_row mlp_row_embedding = {
    .name = "embedding",
    .doc = "rows of a table by position",
    .arg = {{MLP_ARG_TENSOR, "weight", "the table (V, D)", NULL, NULL, false},
            {MLP_ARG_POSITIONS, "index", "positions from 1 to V, int64 (...)", NULL, NULL, false}},
    .n_out = 1,
    .save_in = 2,
    .infer = embedding_infer,
    .check = embedding_check,
    .run = embedding_run,
    .vjp = embedding_vjp,
    .tiling = embedding_tiling,
};

/* ---- its derivative -------------------------------------------------------------------------- */

enum { GRADIENT, BACK_POSITIONS };

static mlp_status back_infer(mlp_call *c, mlp_error *e) {
  const mlp_shape *g = &c->in[GRADIENT]->shape;
  mlp_shape shape = {.ndim = 2, .dim = {c->value[0].integer, g->dim[g->ndim - 1]}};
  return mlp_out(c, c->in[GRADIENT]->dtype, &shape, e);
}

static void back_run(mlp_call *c) {
  const mlp_tensor *g = c->in[GRADIENT];
  int64_t n = c->spec[0].shape.dim[1];
  memset(mlp_result(c, 0), 0,
         (size_t)mlp_shape_count(&c->spec[0].shape) * mlp_dtype_bytes(g->dtype));
  mlp_kernel()->rows.add_rows[g->dtype](mlp_result(c, 0), mlp_tensor_data(g),
                                        mlp_in(c, BACK_POSITIONS),
                                        mlp_tensor_count(c->in[BACK_POSITIONS]), n);
}

static void back_vjp(mlp_vjp *v) {
  mlp_tensor *u = mlp_grad_out(v, 0);
  mlp_give_grad(
      v, GRADIENT,
      mlp_emit(v, &mlp_row_embedding, MLP_IN(u, mlp_input(v, BACK_POSITIONS)), MLP_NO_VALUES));
}

static void back_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  if (mlp_rows_alike(&in[GRADIENT], &in[BACK_POSITIONS]))
    out[0] = (mlp_tile){.spread = MLP_REDUCED};
  else
    mlp_tiling_whole(c, in, out);
}

const mlp_row mlp_row_embedding_back = {
    .name = "embedding_back",
    .doc = "the gradient of embedding's table: rows added up by position",
    .arg = {{MLP_ARG_TENSOR, "g", "gradient (..., D)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "index", "positions (...)", NULL, NULL, false},
            {MLP_ARG_INTEGER, "rows", "V", NULL, NULL, false}},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 2,
    .infer = back_infer,
    .run = back_run,
    .vjp = back_vjp,
    .tiling = back_tiling,
};
