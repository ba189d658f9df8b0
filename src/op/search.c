/*
** Where numbers belong in a sorted line. The order is that of sort: a NaN stands after everything.
*/
#include "kernel/order.h"
#include "op/op.h"

enum { SORTED, VALUES };

static int64_t line_length(const mlp_call *c) {
  return c->in[SORTED]->shape.dim[c->in[SORTED]->shape.ndim - 1];
}

static bool one_line(const mlp_call *c) { return c->in[SORTED]->shape.ndim == 1; }

static mlp_status searchsorted_infer(mlp_call *c, mlp_error *e) {
  const mlp_shape *s = &c->in[SORTED]->shape, *x = &c->in[VALUES]->shape;
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_same_dtype(c, SORTED, VALUES, e));
  MLP_TRY(mlp_want_ndim(c, SORTED, 1, MLP_MAX_DIMS, e));
  bool fits = one_line(c) || s->ndim == x->ndim;
  for (int i = 0; fits && i < s->ndim - 1; i++) fits = s->dim[i] == x->dim[i];
  if (!fits)
    return mlp_refuse(e,
                      "searchsorted: sorted is %s but values are %s; one line, or lines for the "
                      "same axes before the last, are wanted",
                      mlp_shape_text(ta, s), mlp_shape_text(tb, x));
  c->work_bytes = (size_t)line_length(c) * sizeof(mlp_ordered);
  return mlp_out(c, MLP_I64, x, e);
}

/* How many of the n items stand before the key; with `right` also those equal to it. */
static int64_t count_before(const mlp_ordered *item, int64_t n, uint64_t key, bool right) {
  int64_t low = 0;
  while (n > 0) {
    int64_t half = n / 2;
    uint64_t middle = item[low + half].key;
    if (middle < key || (right && middle == key)) {
      low += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  return low;
}

static void searchsorted_run(mlp_call *c) {
  mlp_dtype dtype = c->in[SORTED]->dtype;
  mlp_order_keys *keys_of = mlp_order_keys_of[dtype];
  mlp_ordered *item = c->work, wanted;
  int64_t n = line_length(c), count = mlp_tensor_count(c->in[VALUES]), *y = mlp_result(c, 0);
  int64_t lines = 1, each = count;
  if (!one_line(c)) {
    each = c->in[VALUES]->shape.dim[c->in[VALUES]->shape.ndim - 1];
    lines = each > 0 ? count / each : 0;
  }
  for (int64_t line = 0; line < lines; line++) {
    const char *sorted = (char *)mlp_in(c, SORTED) + (size_t)(line * n) * mlp_dtype_bytes(dtype);
    keys_of(item, sorted, 0, n, 1, false);
    for (int64_t i = line * each; i < (line + 1) * each; i++) {
      keys_of(&wanted, mlp_in(c, VALUES), i, 1, 1, false);
      y[i] = count_before(item, n, wanted.key, c->value[0].integer) + 1;
    }
  }
}

/* Values are looked up one by one; a line of their own must be there whole. */
static void searchsorted_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool shared = in[SORTED].spread == MLP_SHARED, rows = in[VALUES].spread == MLP_ROWS;
  bool beside = mlp_rows_alike(&in[SORTED], &in[VALUES]) && !one_line(c) &&
                in[SORTED].axis < c->in[SORTED]->shape.ndim - 1;
  if ((shared && one_line(c) && rows) || beside)
    out[0] = in[VALUES];
  else
    mlp_tiling_whole(c, in, out);
}

extern const mlp_row mlp_row_searchsorted;
const mlp_row mlp_row_searchsorted = {
    .name = "searchsorted",
    .doc =
        "The position, from 1 to n + 1, at which each value can be put into a sorted line of n so "
        "that it stays sorted: before equal elements, or behind them. NaN counts as largest.",
    .arg = {{MLP_ARG_TENSOR, "sorted", "(n), or (..., n): ascending along the last axis", NULL,
             NULL, false},
            {MLP_ARG_OPERAND, "values", "of any shape; for (..., n) of the same axes but the last",
             NULL, NULL, false},
            {MLP_ARG_FLAG, "right", "behind equal elements", "false", NULL, true}},
    .flags = MLP_NO_GRADIENT,
    .n_out = 1,
    .infer = searchsorted_infer,
    .run = searchsorted_run,
    .tiling = searchsorted_tiling,
};
