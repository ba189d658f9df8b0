/*
** The way of T tokens to their K experts each and back. place (T, K) says in which of the A = T K
** rows, sorted by expert, a token stands for its k-th expert.
**   dispatch      rows[place[t, k]] += w[t, k] x[t]
**   combine       y[t] = sum_k w[t, k] rows[place[t, k]]
**   combine_dot   w[t, k] = <x[t], rows[place[t, k]]>
** Each is linear in what it reads, and the derivatives of each are the other two.
*/
#include "kernel/kernel.h"
#include "op/build.h"
#include "op/positions.h"

extern const mlp_row mlp_row_dispatch, mlp_row_combine, mlp_row_combine_dot;

/* T tokens, K experts of each, D numbers of a token. */
typedef struct {
  int64_t T, K, D;
} sizes;

static sizes sizes_of(const mlp_tensor *x, const mlp_tensor *place) {
  return (sizes){place->shape.dim[0], place->shape.dim[1], x->shape.dim[1]};
}

static mlp_status want_shape(const mlp_call *c, int i, int64_t rows, int64_t columns,
                             mlp_error *e) {
  const mlp_tensor *t = c->in[i];
  char text[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_same_dtype(c, 0, i, e));
  if (!t || (t->shape.ndim == 2 && t->shape.dim[0] == rows && t->shape.dim[1] == columns))
    return MLP_OK;
  return mlp_refuse(e, "%s: %s is %s but (%lld, %lld) is wanted", c->row->name, mlp_in_name(c, i),
                    mlp_shape_text(text, &t->shape), (long long)rows, (long long)columns);
}

static mlp_status want_place(const mlp_call *c, int i, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, 0, e));
  MLP_TRY(mlp_want_ndim(c, 0, 2, 2, e));
  MLP_TRY(mlp_want_dtype(c, i, MLP_I64, e));
  return mlp_want_ndim(c, i, 2, 2, e);
}

static const void *data_or_null(const mlp_tensor *t) { return t ? mlp_tensor_data(t) : NULL; }

#define PLACE \
  { MLP_ARG_TENSOR, "place", "row of every token and expert (T, K), int64", NULL, NULL, false }
#define ROWS \
  { MLP_ARG_TENSOR, "rows", "(T K, D), sorted by expert", NULL, NULL, false }

/* Of dispatch and combine: (x or rows, place, weight). */
enum { FIRST, AT, WEIGHT };

static mlp_status place_check(const mlp_call *c, mlp_error *e) {
  return mlp_check_positions(c, AT, mlp_tensor_count(c->in[AT]), e);
}

static mlp_tensor *emit(mlp_vjp *v, const mlp_row *row, mlp_tensor *a, mlp_tensor *b,
                        mlp_tensor *c) {
  return a ? mlp_emit(v, row, MLP_IN(a, b, c), MLP_NO_VALUES) : NULL;
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static mlp_status dispatch_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(want_place(c, AT, e));
  sizes s = sizes_of(c->in[FIRST], c->in[AT]);
  MLP_TRY(want_shape(c, FIRST, s.T, s.D, e));
  MLP_TRY(want_shape(c, WEIGHT, s.T, s.K, e));
  mlp_shape shape = {.ndim = 2, .dim = {s.T * s.K, s.D}};
  return mlp_out(c, c->in[FIRST]->dtype, &shape, e);
}

static void dispatch_run(mlp_call *c) {
  const mlp_tensor *x = c->in[FIRST];
  sizes s = sizes_of(x, c->in[AT]);
  mlp_kernel()->rows.dispatch[x->dtype](mlp_result(c, 0), mlp_tensor_data(x), mlp_in(c, AT),
                                        data_or_null(c->in[WEIGHT]), s.T, s.K, s.D);
}

static void dispatch_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *place = mlp_input(v, AT);
  if (mlp_wanted(v, FIRST))
    mlp_give_grad(v, FIRST, emit(v, &mlp_row_combine, g, place, mlp_input(v, WEIGHT)));
  if (mlp_wanted(v, WEIGHT) && g)
    mlp_give_grad(v, WEIGHT, emit(v, &mlp_row_combine_dot, mlp_input(v, FIRST), g, place));
}

const mlp_row mlp_row_dispatch = {
    .name = "dispatch",
    .doc = "Every token to the rows of its experts: rows[place[t, k]] = w[t, k] x[t], (T K, D)",
    .arg = {{MLP_ARG_TENSOR, "input", "x (T, D)", NULL, NULL, false},
            PLACE,
            {MLP_ARG_MAYBE, "weight", "w (T, K), 1 when absent", "nil", NULL, false}},
    .n_out = 1,
    .save_in = 7,
    .infer = dispatch_infer,
    .check = place_check,
    .run = dispatch_run,
    .vjp = dispatch_vjp,
    .tiling = mlp_tiling_whole,
};

/* ---- combine --------------------------------------------------------------------------------- */

static mlp_status combine_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(want_place(c, AT, e));
  sizes s = sizes_of(c->in[FIRST], c->in[AT]);
  MLP_TRY(want_shape(c, FIRST, s.T * s.K, s.D, e));
  MLP_TRY(want_shape(c, WEIGHT, s.T, s.K, e));
  mlp_shape shape = {.ndim = 2, .dim = {s.T, s.D}};
  return mlp_out(c, c->in[FIRST]->dtype, &shape, e);
}

static void combine_run(mlp_call *c) {
  const mlp_tensor *rows = c->in[FIRST];
  sizes s = sizes_of(rows, c->in[AT]);
  mlp_kernel()->rows.combine[rows->dtype](mlp_result(c, 0), mlp_tensor_data(rows), mlp_in(c, AT),
                                          data_or_null(c->in[WEIGHT]), s.T, s.K, s.D);
}

static void combine_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *place = mlp_input(v, AT);
  if (mlp_wanted(v, FIRST))
    mlp_give_grad(v, FIRST, emit(v, &mlp_row_dispatch, g, place, mlp_input(v, WEIGHT)));
  if (mlp_wanted(v, WEIGHT))
    mlp_give_grad(v, WEIGHT, emit(v, &mlp_row_combine_dot, g, mlp_input(v, FIRST), place));
}

const mlp_row mlp_row_combine = {
    .name = "combine",
    .doc = "What a token's experts say, summed: y[t] = sum_k w[t, k] rows[place[t, k]], (T, D)",
    .arg = {ROWS, PLACE, {MLP_ARG_MAYBE, "weight", "w (T, K), 1 when absent", "nil", NULL, false}},
    .n_out = 1,
    .save_in = 7,
    .infer = combine_infer,
    .check = place_check,
    .run = combine_run,
    .vjp = combine_vjp,
    .tiling = mlp_tiling_whole,
};

/* ---- combine_dot ----------------------------------------------------------------------------- */

enum { DOT_X, DOT_ROWS, DOT_PLACE };

static mlp_status dot_infer(mlp_call *c, mlp_error *e) {
  return mlp_out(c, c->in[DOT_X]->dtype, &c->in[DOT_PLACE]->shape, e);
}

static void dot_run(mlp_call *c) {
  const mlp_tensor *x = c->in[DOT_X];
  sizes s = sizes_of(x, c->in[DOT_PLACE]);
  mlp_kernel()->rows.combine_dot[x->dtype](mlp_result(c, 0), mlp_tensor_data(x),
                                           mlp_in(c, DOT_ROWS), mlp_in(c, DOT_PLACE), s.T, s.K,
                                           s.D);
}

static void dot_vjp(mlp_vjp *v) {
  mlp_tensor *u = mlp_grad_out(v, 0), *place = mlp_input(v, DOT_PLACE);
  if (!u) return;
  if (mlp_wanted(v, DOT_X))
    mlp_give_grad(v, DOT_X, emit(v, &mlp_row_combine, mlp_input(v, DOT_ROWS), place, u));
  if (mlp_wanted(v, DOT_ROWS))
    mlp_give_grad(v, DOT_ROWS, emit(v, &mlp_row_dispatch, mlp_input(v, DOT_X), place, u));
}

const mlp_row mlp_row_combine_dot = {
    .name = "combine_dot",
    .doc = "<x[t], rows[place[t, k]]>, (T, K)",
    .arg = {{MLP_ARG_TENSOR, "x", "(T, D)", NULL, NULL, false}, ROWS, PLACE},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 7,
    .infer = dot_infer,
    .run = dot_run,
    .vjp = dot_vjp,
    .tiling = mlp_tiling_whole,
};
