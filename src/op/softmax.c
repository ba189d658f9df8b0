/*
** softmax and log_softmax along an axis, written over the output, so the input need not be kept.
** Their derivatives are rows of the gradient and the output. The kernels want whole rows: along any
** axis but the last, a few lines at a time are laid side by side in the workspace.
*/
#include <string.h>

#include "kernel/kernel.h"
#include "op/build.h"

extern const mlp_row mlp_row_softmax, mlp_row_log_softmax;
extern const mlp_row mlp_row_softmax_back, mlp_row_log_softmax_back;
extern const mlp_row mlp_row_exp;

enum { LINES = 16 }; /* that are gathered at once */

/* ---- lines along an axis --------------------------------------------------------------------- */

/* A tensor as (outer, n, inner) around the axis in value[0]. */
typedef struct {
  int64_t outer, n, inner;
} lines;

static lines lines_of(const mlp_call *c) {
  const mlp_shape *s = &c->in[0]->shape;
  int axis = (int)c->value[0].integer;
  lines l = {1, 1, 1};
  for (int i = 0; i < s->ndim; i++)
    *(i < axis ? &l.outer : i == axis ? &l.n : &l.inner) *= s->dim[i];
  return l;
}

/* A row kernel of one input or of two. */
typedef struct {
  void (*one)(void *y, const void *x, int64_t rows, int64_t n);
  void (*two)(void *y, const void *a, const void *b, int64_t rows, int64_t n);
} row_kernel;

static void call_kernel(row_kernel k, void *y, const void *a, const void *b, int64_t rows,
                        int64_t n) {
  if (k.one)
    k.one(y, a, rows, n);
  else
    k.two(y, a, b, rows, n);
}

/* Copies `count` neighbouring lines: spread, `inner` elements between steps, or packed, (count,
** n). */
static void move_lines(char *to, const char *from, int64_t count, const lines *l, size_t bytes,
                       bool pack) {
  for (int64_t i = 0; i < l->n; i++) {
    for (int64_t j = 0; j < count; j++) {
      size_t spread = (size_t)(i * l->inner + j) * bytes, packed = (size_t)(j * l->n + i) * bytes;
      memcpy(to + (pack ? packed : spread), from + (pack ? spread : packed), bytes);
    }
  }
}

static void run_lines(mlp_call *c, row_kernel k) {
  lines l = lines_of(c);
  size_t bytes = mlp_dtype_bytes(c->in[0]->dtype);
  const char *a = mlp_in(c, 0), *b = c->n_in > 1 ? mlp_in(c, 1) : NULL;
  char *y = mlp_result(c, 0), *work = c->work;
  if (l.inner == 1) {
    call_kernel(k, y, a, b, l.outer, l.n);
    return;
  }
  char *work_b = b ? work + LINES * (size_t)l.n * bytes : NULL;
  for (int64_t o = 0; o < l.outer; o++) {
    for (int64_t first = 0; first < l.inner; first += LINES) {
      int64_t count = l.inner - first < LINES ? l.inner - first : LINES;
      size_t start = (size_t)(o * l.n * l.inner + first) * bytes;
      move_lines(work, a + start, count, &l, bytes, true);
      if (b) move_lines(work_b, b + start, count, &l, bytes, true);
      call_kernel(k, work, work, work_b, count, l.n);
      move_lines(y + start, work, count, &l, bytes, false);
    }
  }
}

static mlp_status lines_infer(mlp_call *c, mlp_error *e) {
  for (int i = 0; i < c->n_in; i++) MLP_TRY(mlp_want_float(c, i, e));
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  lines l = lines_of(c);
  if (l.inner > 1)
    c->work_bytes = LINES * (size_t)(c->n_in * l.n) * mlp_dtype_bytes(c->in[0]->dtype);
  return mlp_out_like(c, c->in[0], e);
}

/* Rows stay rows unless the axis of the call runs over them. */
static void lines_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  for (int i = 0; i < c->n_in; i++) {
    bool along = in[i].spread == MLP_ROWS && in[i].axis == (int)c->value[0].integer;
    if (along || in[i].spread != in[0].spread || in[i].axis != in[0].axis ||
        in[i].multiple != in[0].multiple) {
      mlp_tiling_whole(c, in, out);
      return;
    }
  }
  out[0] = in[0];
}

/* ---- softmax --------------------------------------------------------------------------------- */

static void softmax_run(mlp_call *c) {
  run_lines(c, (row_kernel){.one = mlp_kernel()->rows.softmax[c->in[0]->dtype]});
}

static mlp_tensor *emit_back(mlp_vjp *v, const mlp_row *row, mlp_tensor *g, mlp_tensor *y) {
  return mlp_emit(v, row, MLP_IN(g, y), 1, mlp_value_of(v, 0));
}

static void softmax_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  if (g) mlp_give_grad(v, 0, emit_back(v, &mlp_row_softmax_back, g, mlp_output(v, 0)));
}

static void softmax_back_run(mlp_call *c) {
  run_lines(c, (row_kernel){.two = mlp_kernel()->rows.softmax_back[c->in[0]->dtype]});
}

/* dx = y (g - s), s = sum g y. It is symmetric in the direction: by g it is itself. */
static void softmax_back_vjp(mlp_vjp *v) {
  mlp_tensor *u = mlp_grad_out(v, 0), *g = mlp_input(v, 0), *y = mlp_input(v, 1);
  int axis = (int)mlp_value_of(v, 0)->integer;
  if (mlp_wanted(v, 0)) mlp_give_grad(v, 0, emit_back(v, &mlp_row_softmax_back, u, y));
  if (!mlp_wanted(v, 1)) return;
  mlp_tensor *s = mlp_sum(v, mlp_mul(v, g, y), axis, true);
  mlp_tensor *t = mlp_sum(v, mlp_mul(v, u, y), axis, true);
  mlp_give_grad(v, 1, mlp_sub(v, mlp_mul(v, u, mlp_sub(v, g, s)), mlp_mul(v, g, t)));
}

/* ---- log_softmax ----------------------------------------------------------------------------- */

static void log_softmax_run(mlp_call *c) {
  run_lines(c, (row_kernel){.one = mlp_kernel()->rows.log_softmax[c->in[0]->dtype]});
}

static void log_softmax_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  if (g) mlp_give_grad(v, 0, emit_back(v, &mlp_row_log_softmax_back, g, mlp_output(v, 0)));
}

static void log_softmax_back_run(mlp_call *c) {
  run_lines(c, (row_kernel){.two = mlp_kernel()->rows.log_softmax_back[c->in[0]->dtype]});
}

/* dx = g - p sum g, p = e^y. */
static void log_softmax_back_vjp(mlp_vjp *v) {
  mlp_tensor *u = mlp_grad_out(v, 0), *g = mlp_input(v, 0), *y = mlp_input(v, 1);
  int axis = (int)mlp_value_of(v, 0)->integer;
  mlp_tensor *up = mlp_mul(v, u, mlp_emit(v, &mlp_row_exp, MLP_IN(y), MLP_NO_VALUES));
  if (mlp_wanted(v, 0)) mlp_give_grad(v, 0, mlp_sub(v, u, mlp_sum(v, up, axis, true)));
  if (mlp_wanted(v, 1)) mlp_give_grad(v, 1, mlp_neg(v, mlp_mul(v, up, mlp_sum(v, g, axis, true))));
}

/* ---- the rows -------------------------------------------------------------------------------- */

#define AXIS \
  { MLP_ARG_AXIS, "axis", "the axis that sums to 1", "-1", NULL, false }

const mlp_row mlp_row_softmax = {
    .name = "softmax",
    .doc = "e^x / sum e^x along an axis",
    .arg = {{MLP_ARG_TENSOR, "input", "any shape", NULL, NULL, false}, AXIS},
    .flags = MLP_IN_PLACE,
    .n_out = 1,
    .save_out = 1,
    .infer = lines_infer,
    .run = softmax_run,
    .vjp = softmax_vjp,
    .tiling = lines_tiling,
};

const mlp_row mlp_row_log_softmax = {
    .name = "log_softmax",
    .doc = "x - log sum e^x along an axis: the logarithm of softmax, without its underflow",
    .arg = {{MLP_ARG_TENSOR, "input", "any shape", NULL, NULL, false}, AXIS},
    .flags = MLP_IN_PLACE,
    .n_out = 1,
    .save_out = 1,
    .infer = lines_infer,
    .run = log_softmax_run,
    .vjp = log_softmax_vjp,
    .tiling = lines_tiling,
};

#define GRADIENT \
  { MLP_ARG_TENSOR, "gradient", "of the output", NULL, NULL, false }
#define OUTPUT \
  { MLP_ARG_TENSOR, "output", "of the operation", NULL, NULL, false }

const mlp_row mlp_row_softmax_back = {
    .name = "softmax_back",
    .doc = "y (g - sum g y): the derivative of y = softmax x",
    .arg = {GRADIENT, OUTPUT, AXIS},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 3,
    .infer = lines_infer,
    .run = softmax_back_run,
    .vjp = softmax_back_vjp,
    .tiling = lines_tiling,
};

const mlp_row mlp_row_log_softmax_back = {
    .name = "log_softmax_back",
    .doc = "g - e^y sum g: the derivative of y = log softmax x",
    .arg = {GRADIENT, OUTPUT, AXIS},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 3,
    .infer = lines_infer,
    .run = log_softmax_back_run,
    .vjp = log_softmax_back_vjp,
    .tiling = lines_tiling,
};
