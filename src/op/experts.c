/*
** experts: a product for every group of rows. The rows of X (A, D) stand sorted by expert, count[e]
** of them for expert e, and Y_e = X_e W_e' + b_e with weights W (E, N, D); rows after the last
** group give 0. Turned, X is (A, N) and Y_e = X_e W_e. The product is linear in X and in W, and so
** is its transpose by W, experts_outer, O_e = G_e' X_e: each is the derivative of the other.
*/
#include <string.h>

#include "kernel/blas.h"
#include "op/build.h"

extern const mlp_row mlp_row_experts, mlp_row_experts_outer;

/* A rows, E experts, N outputs and D inputs of one. */
typedef struct {
  mlp_dtype dtype;
  int64_t A, E, N, D;
} sizes;

static void multiply(mlp_dtype dtype, void *c, int64_t ldc, mlp_factor a, mlp_factor b, bool add,
                     int64_t m, int64_t n, int64_t k) {
  if (dtype == MLP_F32)
    mlp_gemm_f32(c, ldc, a, b, 1, add, m, n, k);
  else
    mlp_gemm_f64(c, ldc, a, b, 1, add, m, n, k);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static mlp_status want_counts(const mlp_call *c, int i, int64_t E, mlp_error *e) {
  char text[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_dtype(c, i, MLP_I64, e));
  if (c->in[i]->shape.ndim == 1 && (E < 0 || c->in[i]->shape.dim[0] == E)) return MLP_OK;
  return mlp_refuse(e, "%s: count is %s but one number for each of %lld experts is wanted",
                    c->row->name, mlp_shape_text(text, &c->in[i]->shape), (long long)E);
}

static mlp_status check_counts(const mlp_call *c, int i, mlp_error *e) {
  const int64_t *count = mlp_in(c, i), A = c->in[0]->shape.dim[0];
  int64_t total = 0, E = mlp_tensor_count(c->in[i]);
  for (int64_t j = 0; j < E; j++) {
    if (count[j] < 0 || count[j] > A - total)
      return mlp_refuse(e, "%s: count[%lld] is %lld, but %lld of %lld rows are left", c->row->name,
                        (long long)j + 1, (long long)count[j], (long long)(A - total),
                        (long long)A);
    total += count[j];
  }
  return MLP_OK;
}

/* ---- experts --------------------------------------------------------------------------------- */

enum { X, WEIGHT, COUNT, BIAS };
enum { TURNED };

static sizes sizes_of(const mlp_call *c) {
  const mlp_tensor *x = c->in[X], *w = c->in[WEIGHT];
  return (sizes){x->dtype, x->shape.dim[0], w->shape.dim[0], w->shape.dim[1], w->shape.dim[2]};
}

static mlp_status experts_infer(mlp_call *c, mlp_error *e) {
  char x[MLP_SHAPE_TEXT], w[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_float(c, X, e));
  MLP_TRY(mlp_want_same_dtype(c, X, WEIGHT, e));
  MLP_TRY(mlp_want_same_dtype(c, X, BIAS, e));
  MLP_TRY(mlp_want_ndim(c, X, 2, 2, e));
  MLP_TRY(mlp_want_ndim(c, WEIGHT, 3, 3, e));
  sizes s = sizes_of(c);
  MLP_TRY(want_counts(c, COUNT, s.E, e));
  bool turned = c->value[TURNED].integer;
  int64_t wanted = turned ? s.N : s.D, width = turned ? s.D : s.N;
  if (c->in[X]->shape.dim[1] != wanted)
    return mlp_refuse(e, "experts: input is %s but weight %s wants %lld columns",
                      mlp_shape_text(x, &c->in[X]->shape), mlp_shape_text(w, &c->in[WEIGHT]->shape),
                      (long long)wanted);
  const mlp_tensor *b = c->in[BIAS];
  if (b && (b->shape.ndim != 2 || b->shape.dim[0] != s.E || b->shape.dim[1] != width))
    return mlp_refuse(e, "experts: bias is %s but weight %s wants (%lld, %lld)",
                      mlp_shape_text(x, &b->shape), mlp_shape_text(w, &c->in[WEIGHT]->shape),
                      (long long)s.E, (long long)width);
  mlp_shape shape = {.ndim = 2, .dim = {s.A, width}};
  return mlp_out(c, c->in[X]->dtype, &shape, e);
}

static mlp_status experts_check(const mlp_call *c, mlp_error *e) {
  return check_counts(c, COUNT, e);
}

static void fill_rows(char *y, const char *bias, int64_t rows, size_t bytes) {
  for (int64_t i = 0; i < rows; i++) memcpy(y + (size_t)i * bytes, bias, bytes);
}

static void experts_run(mlp_call *c) {
  sizes s = sizes_of(c);
  bool turned = c->value[TURNED].integer;
  const int64_t *count = mlp_in(c, COUNT);
  int64_t in = turned ? s.N : s.D, out = turned ? s.D : s.N, row = 0;
  size_t bytes = (size_t)out * mlp_dtype_bytes(s.dtype);
  for (int64_t i = 0; i < s.E; i++) {
    char *y = mlp_after(mlp_result(c, 0), row * out, s.dtype);
    mlp_factor a = {mlp_after(mlp_in(c, X), row * in, s.dtype), in, false};
    mlp_factor b = {mlp_after(mlp_in(c, WEIGHT), i * s.N * s.D, s.dtype), s.D, !turned};
    if (c->in[BIAS]) fill_rows(y, mlp_after(mlp_in(c, BIAS), i * out, s.dtype), count[i], bytes);
    multiply(s.dtype, y, out, a, b, c->in[BIAS] != NULL, count[i], out, in);
    row += count[i];
  }
  size_t rest = (size_t)(s.A - row) * bytes;
  if (rest) memset(mlp_after(mlp_result(c, 0), row * out, s.dtype), 0, rest);
}

static mlp_tensor *outer(mlp_vjp *v, mlp_tensor *g, mlp_tensor *x, mlp_tensor *count) {
  return g && x ? mlp_emit(v, &mlp_row_experts_outer, MLP_IN(g, x, count), MLP_NO_VALUES) : NULL;
}

static mlp_tensor *product(mlp_vjp *v, mlp_tensor *x, mlp_tensor *w, mlp_tensor *count,
                           bool turned) {
  return x && w ? mlp_emit(v, &mlp_row_experts, MLP_IN(x, w, count, NULL),
                           MLP_VALUES({.integer = turned}))
                : NULL;
}

static void experts_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *x = mlp_input(v, X), *count = mlp_input(v, COUNT);
  bool turned = mlp_value_of(v, TURNED)->integer;
  if (!g) return;
  if (mlp_wanted(v, X)) mlp_give_grad(v, X, product(v, g, mlp_input(v, WEIGHT), count, !turned));
  if (mlp_wanted(v, WEIGHT))
    mlp_give_grad(v, WEIGHT, turned ? outer(v, x, g, count) : outer(v, g, x, count));
  if (!v->call->in[BIAS] || !mlp_wanted(v, BIAS)) return;
  mlp_shape column = {.ndim = 2, .dim = {g->shape.dim[0], 1}};
  mlp_tensor *ones = mlp_expand(v, mlp_scalar(v, g, 1), &column);
  mlp_give_grad(v, BIAS, mlp_reshape(v, outer(v, g, ones, count), &mlp_input(v, BIAS)->shape));
}

const mlp_row mlp_row_experts = {
    .name = "experts",
    .doc =
        "x W' + b with a matrix for every group of rows: (A, N)\nThe products of a mixture of "
        "experts without padding (Gale et al. 2023). Rows after the last group give 0.",
    .arg = {{MLP_ARG_TENSOR, "input", "x (A, D), rows sorted by expert", NULL, NULL, false},
            {MLP_ARG_TENSOR, "weight", "W (E, N, D)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "count", "rows of each expert (E), int64", NULL, NULL, false},
            {MLP_ARG_MAYBE, "bias", "b (E, N), 0 when absent", "nil", NULL, false},
            {MLP_ARG_FLAG, "turned", "x W, with x (A, N)", "false", NULL, true}},
    .n_out = 1,
    .save_in = 7,
    .infer = experts_infer,
    .check = experts_check,
    .run = experts_run,
    .vjp = experts_vjp,
    .tiling = mlp_tiling_whole,
};

/* ---- experts_outer --------------------------------------------------------------------------- */

enum { OUTER_G, OUTER_X, OUTER_COUNT };

static mlp_status outer_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = {.ndim = 3,
                     .dim = {c->in[OUTER_COUNT]->shape.dim[0], c->in[OUTER_G]->shape.dim[1],
                             c->in[OUTER_X]->shape.dim[1]}};
  return mlp_out(c, c->in[OUTER_G]->dtype, &shape, e);
}

static void outer_run(mlp_call *c) {
  mlp_dtype dtype = c->in[OUTER_G]->dtype;
  int64_t N = c->in[OUTER_G]->shape.dim[1], D = c->in[OUTER_X]->shape.dim[1], row = 0;
  const int64_t *count = mlp_in(c, OUTER_COUNT), E = c->in[OUTER_COUNT]->shape.dim[0];
  for (int64_t i = 0; i < E; i++) {
    mlp_factor g = {mlp_after(mlp_in(c, OUTER_G), row * N, dtype), N, true};
    mlp_factor x = {mlp_after(mlp_in(c, OUTER_X), row * D, dtype), D, false};
    multiply(dtype, mlp_after(mlp_result(c, 0), i * N * D, dtype), D, g, x, false, N, D, count[i]);
    row += count[i];
  }
}

static void outer_vjp(mlp_vjp *v) {
  mlp_tensor *u = mlp_grad_out(v, 0), *count = mlp_input(v, OUTER_COUNT);
  if (mlp_wanted(v, OUTER_G))
    mlp_give_grad(v, OUTER_G, product(v, mlp_input(v, OUTER_X), u, count, false));
  if (mlp_wanted(v, OUTER_X))
    mlp_give_grad(v, OUTER_X, product(v, mlp_input(v, OUTER_G), u, count, true));
}

const mlp_row mlp_row_experts_outer = {
    .name = "experts_outer",
    .doc = "g' x for every group of rows: (E, N, D)",
    .arg = {{MLP_ARG_TENSOR, "g", "(A, N), rows sorted by expert", NULL, NULL, false},
            {MLP_ARG_TENSOR, "x", "(A, D)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "count", "rows of each expert (E), int64", NULL, NULL, false}},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 7,
    .infer = outer_infer,
    .run = outer_run,
    .vjp = outer_vjp,
    .tiling = mlp_tiling_whole,
};
