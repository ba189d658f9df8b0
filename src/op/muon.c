/*
** Muon: momentum of a matrix, made nearly orthogonal before the step, so that it moves all
** directions by as much (Jordan et al. 2024; Bernstein and Newhouse 2024). Five steps of a
** polynomial of Newton and Schulz's kind bring every singular value of the scaled momentum near 1:
**
**     A = X X';  X = a X + (b A + c A A) X     (a, b, c) = (3.4445, -4.7750, 2.0315)
**
** which for a singular value s is a s + b s^3 + c s^5. The shorter side is multiplied by itself. Of
** parameters with more axes than two, each matrix of the last two is made orthogonal by itself.
*/
#include <math.h>
#include <string.h>

#include "kernel/blas.h"
#include "op/step.h"

enum { LISTS = 3 };
enum { LR, MOMENTUM, DECAY, NESTEROV, ITERATIONS, MATCH_RMS, COUNT, SCALE, SLOTS };

static const double newton[3] = {3.4445, -4.7750, 2.0315};

/* ---- shapes ---------------------------------------------------------------------------------- */

/* A parameter as `count` matrices (rows, columns). */
typedef struct {
  int64_t count, rows, columns;
} matrices;

static matrices matrices_of(const mlp_tensor *p) {
  int n = p->shape.ndim;
  matrices m = {.rows = p->shape.dim[n - 2], .columns = p->shape.dim[n - 1]};
  m.count = m.rows * m.columns > 0 ? mlp_tensor_count(p) / (m.rows * m.columns) : 0;
  return m;
}

/* The whole parameter's update and momentum; for one matrix Y like X, A and B of the short side. */
static size_t elements_wanted(matrices m) {
  int64_t one = m.rows * m.columns, side = m.rows < m.columns ? m.rows : m.columns;
  return (size_t)(2 * m.count * one + one + 2 * side * side);
}

static mlp_status muon_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_lists(c, LISTS, LISTS, e));
  for (int i = 0; i < c->value[0].integer; i++) {
    MLP_TRY(mlp_want_ndim(c, i, 2, MLP_MAX_DIMS, e));
    for (int list = 1; list < LISTS; list++)
      MLP_TRY(mlp_want_like_parameter(c, list, i, &c->in[i]->shape, e));
    size_t bytes = elements_wanted(matrices_of(c->in[i])) * mlp_dtype_bytes(c->in[i]->dtype);
    if (bytes > c->work_bytes) c->work_bytes = bytes;
  }
  return mlp_want_hyper(c, LISTS, SLOTS, e);
}

/* ---- orthogonal ------------------------------------------------------------------------------ */

/* C (m, n) = alpha op(A) op(B) + beta C; A and B lie in rows of `stride`. */
static void product(mlp_dtype dtype, void *c, mlp_factor a, mlp_factor b, double alpha, double beta,
                    int64_t m, int64_t n, int64_t k) {
  if (dtype == MLP_F32)
    mlp_gemm_f32(c, n, a, b, (float)alpha, (float)beta, m, n, k);
  else
    mlp_gemm_f64(c, n, a, b, alpha, beta, m, n, k);
}

/* What the iteration works in: matrices x and y (rows, columns), a and b of the short side. */
typedef struct {
  mlp_dtype dtype;
  int64_t rows, columns, side;
  void *x, *y, *a, *b;
} bench;

static mlp_factor plain(const void *data, int64_t stride) {
  return (mlp_factor){data, stride, false};
}

static mlp_factor turned(const void *data, int64_t stride) {
  return (mlp_factor){data, stride, true};
}

/* A = X X' or, where X is tall, X' X; B = b A + c A A. */
static void mix(const bench *w) {
  bool tall = w->rows > w->columns;
  size_t bytes = (size_t)(w->side * w->side) * mlp_dtype_bytes(w->dtype);
  mlp_factor x = plain(w->x, w->columns), xt = turned(w->x, w->columns);
  mlp_factor a = plain(w->a, w->side);
  product(w->dtype, w->a, tall ? xt : x, tall ? x : xt, 1, 0, w->side, w->side,
          tall ? w->rows : w->columns);
  memcpy(w->b, w->a, bytes);
  product(w->dtype, w->b, a, a, newton[2], newton[1], w->side, w->side, w->side);
}

/* X = a X + B X, tall a X + X B; through Y. */
static void iterate(bench *w) {
  bool tall = w->rows > w->columns;
  size_t bytes = (size_t)(w->rows * w->columns) * mlp_dtype_bytes(w->dtype);
  mlp_factor x = plain(w->x, w->columns), b = plain(w->b, w->side);
  mix(w);
  memcpy(w->y, w->x, bytes);
  product(w->dtype, w->y, tall ? x : b, tall ? b : x, 1, newton[0], w->rows, w->columns, w->side);
  memcpy(w->x, w->y, bytes);
}

/* dst = factor src */
static void scaled(mlp_dtype dtype, void *dst, void *src, double factor, int64_t n) {
  mlp_step_constants k = {.sgd = {.lr = -1, .scale = factor}};
  memset(dst, 0, (size_t)n * mlp_dtype_bytes(dtype));
  mlp_kernel()->update.step[MLP_STEP_SGD][dtype]((void *[MLP_STEP_LISTS]){dst, src}, &k, n);
}

static void orthogonalise(bench *w, int64_t iterations) {
  int64_t n = w->rows * w->columns;
  double norm = sqrt(mlp_kernel()->update.sum_squares[w->dtype](w->x, n));
  memcpy(w->y, w->x, (size_t)n * mlp_dtype_bytes(w->dtype));
  scaled(w->dtype, w->x, w->y, 1 / (norm + 1e-7), n);
  for (int64_t i = 0; i < iterations; i++) iterate(w);
}

/* ---- the step -------------------------------------------------------------------------------- */

/* m = momentum m + scale g; the update is m, with nesterov scale g + momentum m: a step of descent
** from 0 with lr = -1. */
static void gather(const mlp_call *c, int i, const double *h, void *update, void *room) {
  const mlp_tensor *g = mlp_listed(c, 1, i), *m = mlp_listed(c, 2, i);
  void *momentum = mlp_packed(m, room);
  mlp_step_constants k = {.sgd = {.lr = -1,
                                  .momentum = h[MOMENTUM],
                                  .keep = h[MOMENTUM],
                                  .share = 1,
                                  .scale = h[SCALE],
                                  .nesterov = h[NESTEROV] != 0}};
  void *data[MLP_STEP_LISTS] = {update, mlp_tensor_data(g), momentum};
  memset(update, 0, (size_t)mlp_tensor_count(g) * mlp_dtype_bytes(g->dtype));
  mlp_kernel()->update.step[MLP_STEP_SGD][g->dtype](data, &k, mlp_tensor_count(g));
  mlp_unpack(m, momentum);
}

/* How long the step is for a matrix of this shape: Jordan's sqrt(max(1, rows / columns)), or so
** that its root mean square is 0.2, as AdamW's is (Liu et al. 2025). */
static double length_of(const double *h, matrices m) {
  double rows = (double)m.rows, columns = (double)m.columns;
  return h[MATCH_RMS] != 0 ? 0.2 * sqrt(fmax(rows, columns)) : sqrt(fmax(1, rows / columns));
}

static void step_matrices(const mlp_call *c, int i, const double *h) {
  mlp_tensor *p = c->in[i];
  matrices m = matrices_of(p);
  int64_t one = m.rows * m.columns, side = m.rows < m.columns ? m.rows : m.columns;
  int64_t bytes = (int64_t)mlp_dtype_bytes(p->dtype);
  char *update = c->work, *y = update + m.count * one * bytes;
  char *a = y + one * bytes, *b = a + side * side * bytes;
  gather(c, i, h, update, b + side * side * bytes);
  for (int64_t k = 0; k < m.count; k++) {
    bench w = {.dtype = p->dtype,
               .rows = m.rows,
               .columns = m.columns,
               .side = side,
               .x = update + k * one * bytes,
               .y = y,
               .a = a,
               .b = b};
    orthogonalise(&w, (int64_t)h[ITERATIONS]);
  }
  mlp_step_constants k = {.sgd = {.lr = h[LR], .scale = length_of(h, m), .decay = h[DECAY]}};
  mlp_step_parameter(c, i, 2, (int[]){0, 1}, MLP_STEP_SGD, update, &k);
}

static void muon_run(mlp_call *c) {
  double h[MLP_STEP_SLOTS];
  mlp_read_hyper(c, LISTS, SLOTS, h);
  for (int i = 0; i < c->value[0].integer; i++) {
    if (mlp_tensor_count(c->in[i]) > 0) step_matrices(c, i, h);
  }
  *mlp_hyper_slot(c, LISTS, COUNT) += 1;
}

extern const mlp_row mlp_row_muon_step;
const mlp_row mlp_row_muon_step = {
    .name = "muon_step",
    .doc =
        "one step of Muon on matrices, in place\n"
        "m = momentum m + scale g; u = m, with nesterov scale g + momentum m; o = u made nearly "
        "orthogonal by `iterations` steps x = 3.4445 x - 4.7750 (x x') x + 2.0315 (x x')^2 x from "
        "u "
        "/ |u|; p = p (1 - lr weight_decay) - lr l o, l = sqrt(max(1, rows / columns)), with "
        "match_rms 0.2 sqrt(max(rows, columns)). Jordan et al. 2024; Liu et al. 2025.",
    .arg = {MLP_PARAMETERS, MLP_GRADIENTS, MLP_MOMENT("momenta", "m, one per parameter"),
            MLP_HYPER("lr, momentum, weight_decay, nesterov (0 or 1), iterations, match_rms (0 or "
                      "1), steps taken, scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3,
    .infer = muon_infer,
    .run = muon_run,
    .tiling = mlp_tiling_whole,
};
