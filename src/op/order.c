/*
** Order along one axis: sort, argsort, topk. Positions count from 1. Equal elements keep their
** order; a NaN counts as larger than everything.
*/
#include "kernel/order.h"

#include <string.h>

#include "op/build.h"
#include "op/line.h"

extern const mlp_row mlp_row_gather_back;

enum { SORT_AXIS, DESCENDING };
enum { K, TOP_AXIS, LARGEST, SORTED };
enum {
  SELECT_MOST = 64, /* beyond, insertion loses to sorting everything */
  SELECT_BLOCK = 512
};

/* ---- lines ----------------------------------------------------------------------------------- */

/* The values and the positions of the first k of every line, in order. */
typedef struct {
  int axis_value; /* which value of the call is the axis */
  bool descending;
  int64_t k; /* -1: the whole line */
  void *value;
  int64_t *position;
} wish;

static mlp_lines lines_of(const mlp_call *c, int axis_value) {
  const mlp_shape *s = &c->in[0]->shape;
  return s->ndim ? mlp_lines_along(s, c->value[axis_value].integer) : (mlp_lines){1, 1, 1};
}

static mlp_status infer_order(mlp_call *c, int axis_value, mlp_error *e) {
  if (c->in[0]->shape.ndim > 0) MLP_TRY(mlp_call_axis(c, axis_value, 0, e));
  c->work_bytes = 2 * (size_t)lines_of(c, axis_value).n * sizeof(mlp_ordered);
  return MLP_OK;
}

/* Element i of the line that is written stands at i * inner from `to`. */
static void write_line(const mlp_call *c, const wish *w, const mlp_ordered *item, const char *line,
                       int64_t to, int64_t inner, int64_t k) {
  size_t bytes = mlp_dtype_bytes(c->in[0]->dtype);
  for (int64_t i = 0; i < k; i++) {
    w->position[to + i * inner] = item[i].place + 1;
    if (w->value)
      memcpy((char *)w->value + (size_t)(to + i * inner) * bytes,
             line + (size_t)(item[i].place * inner) * bytes, bytes);
  }
}

/* A line in order, or its first k: somewhere in the workspace. */
static const mlp_ordered *order_line(const mlp_call *c, const wish *w, const char *line,
                                     mlp_lines l, int64_t k) {
  mlp_order_keys *keys = mlp_order_keys_of[c->in[0]->dtype];
  mlp_ordered *item = c->work;
  if (k > SELECT_MOST || k == l.n) {
    keys(item, line, 0, l.n, l.inner, w->descending);
    return mlp_order_sort(item, item + l.n, l.n);
  }
  mlp_ordered block[SELECT_BLOCK];
  for (int64_t from = 0, held = 0; from < l.n; from += SELECT_BLOCK) {
    int64_t n = l.n - from < SELECT_BLOCK ? l.n - from : SELECT_BLOCK;
    keys(block, line, from, n, l.inner, w->descending);
    held = mlp_order_select(item, held, k, block, n);
  }
  return item;
}

static void run_order(mlp_call *c, const wish *w) {
  mlp_lines l = lines_of(c, w->axis_value);
  int64_t k = w->k < 0 ? l.n : w->k;
  size_t bytes = mlp_dtype_bytes(c->in[0]->dtype);
  for (int64_t i = 0; i < l.outer * l.inner; i++) {
    int64_t outer = i / l.inner, inner = i % l.inner;
    const char *line = (char *)mlp_in(c, 0) + (size_t)(outer * l.n * l.inner + inner) * bytes;
    write_line(c, w, order_line(c, w, line, l, k), line, outer * k * l.inner + inner, l.inner, k);
  }
}

/* Every value came from one place; its gradient goes back there. */
static void give_back(mlp_vjp *v, int axis_value) {
  const mlp_shape *x = &mlp_input(v, 0)->shape;
  mlp_tensor *g = mlp_grad_out(v, 0);
  mlp_value shape = {.list = {.n = x->ndim}};
  memcpy(shape.list.item, x->dim, sizeof x->dim);
  if (x->ndim == 0)
    mlp_give_grad(v, 0, mlp_reshape(v, g, x));
  else
    mlp_give_grad(v, 0,
                  mlp_emit(v, &mlp_row_gather_back, MLP_IN(g, mlp_output(v, 1)),
                           MLP_VALUES(*mlp_value_of(v, axis_value), shape)));
}

static void tile_lines(const mlp_call *c, const mlp_tile *in, mlp_tile *out, int axis_value) {
  bool apart = in[0].spread == MLP_ROWS && in[0].axis != c->value[axis_value].integer;
  if (!apart) {
    mlp_tiling_whole(c, in, out);
    return;
  }
  for (int i = 0; i < c->n_out; i++) out[i] = in[0];
}

#define ARG_X \
  { MLP_ARG_TENSOR, "x", "of any shape", NULL, NULL, false }
#define ARG_AXIS \
  { MLP_ARG_AXIS, "axis", "along which", "-1", NULL, false }

/* ---- sort and argsort ------------------------------------------------------------------------ */

static mlp_status sort_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(infer_order(c, SORT_AXIS, e));
  MLP_TRY(mlp_out_like(c, c->in[0], e));
  return mlp_out(c, MLP_I64, &c->in[0]->shape, e);
}

static void sort_run(mlp_call *c) {
  wish w = {SORT_AXIS, c->value[DESCENDING].integer, -1, mlp_result(c, 0), mlp_result(c, 1)};
  run_order(c, &w);
}

static void sort_vjp(mlp_vjp *v) { give_back(v, SORT_AXIS); }

static void sort_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  tile_lines(c, in, out, SORT_AXIS);
}

#define ARG_DESCENDING \
  { MLP_ARG_FLAG, "descending", "the largest first", "false", NULL, true }

extern const mlp_row mlp_row_sort, mlp_row_argsort, mlp_row_topk;

const mlp_row mlp_row_sort = {
    .name = "sort",
    .doc =
        "The elements in order along an axis, and the positions they came from, counted from 1. "
        "Equal elements keep their order; NaN counts as largest.",
    .arg = {ARG_X, ARG_AXIS, ARG_DESCENDING},
    .n_out = 2,
    .save_out = 2,
    .infer = sort_infer,
    .run = sort_run,
    .vjp = sort_vjp,
    .tiling = sort_tiling,
};

static mlp_status argsort_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(infer_order(c, SORT_AXIS, e));
  return mlp_out(c, MLP_I64, &c->in[0]->shape, e);
}

static void argsort_run(mlp_call *c) {
  wish w = {SORT_AXIS, c->value[DESCENDING].integer, -1, NULL, mlp_result(c, 0)};
  run_order(c, &w);
}

const mlp_row mlp_row_argsort = {
    .name = "argsort",
    .doc =
        "The positions that put the elements in order along an axis, counted from 1. Equal "
        "elements keep their order; NaN counts as largest.",
    .arg = {ARG_X, ARG_AXIS, ARG_DESCENDING},
    .flags = MLP_NO_GRADIENT,
    .n_out = 1,
    .infer = argsort_infer,
    .run = argsort_run,
    .tiling = sort_tiling,
};

/* ---- topk ------------------------------------------------------------------------------------ */

static mlp_status topk_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(infer_order(c, TOP_AXIS, e));
  mlp_shape shape = c->in[0]->shape;
  int64_t n = lines_of(c, TOP_AXIS).n, k = c->value[K].integer;
  if (shape.ndim == 0 && k != 1)
    return mlp_refuse(e, "topk: k is %lld but x is a single number", (long long)k);
  if (k < 0 || k > n)
    return mlp_refuse(e, "topk: k is %lld but axis %lld of x has %lld elements", (long long)k,
                      (long long)c->value[TOP_AXIS].integer + 1, (long long)n);
  if (shape.ndim > 0) shape.dim[c->value[TOP_AXIS].integer] = k;
  if (k <= SELECT_MOST && k < n) c->work_bytes = (size_t)(k + 1) * sizeof(mlp_ordered);
  MLP_TRY(mlp_out(c, c->in[0]->dtype, &shape, e));
  return mlp_out(c, MLP_I64, &shape, e);
}

static void topk_run(mlp_call *c) {
  wish w = {TOP_AXIS, c->value[LARGEST].integer, c->value[K].integer, mlp_result(c, 0),
            mlp_result(c, 1)};
  run_order(c, &w);
}

static void topk_vjp(mlp_vjp *v) { give_back(v, TOP_AXIS); }

static void topk_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  tile_lines(c, in, out, TOP_AXIS);
}

const mlp_row mlp_row_topk = {
    .name = "topk",
    .doc =
        "The k largest (or smallest) elements along an axis, the best first, and their positions, "
        "counted from 1. Of equal elements the first is taken; NaN counts as largest.",
    .arg = {ARG_X,
            {MLP_ARG_INTEGER, "k", "how many", NULL, NULL, false},
            ARG_AXIS,
            {MLP_ARG_FLAG, "largest", "false: the smallest", "true", NULL, true},
            {MLP_ARG_FLAG, "sorted", "the result is in order in any case", "true", NULL, true}},
    .n_out = 2,
    .save_out = 2,
    .infer = topk_infer,
    .run = topk_run,
    .vjp = topk_vjp,
    .tiling = topk_tiling,
};
