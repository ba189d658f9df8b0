/*
** Factorisations of matrices: singular values, eigenvalues of symmetric matrices, QR, Cholesky.
**
** Where a factor is not unique its gradient is that of one choice. A loss that depends on the
** choice (on the sign of a singular vector, on a basis of a space that several equal eigenvalues
** share) has no gradient; with equal or vanishing values the formulas below then divide by 0, and
** say so with infinities. A loss of the values alone never does.
**
** Derivatives: Giles, "Collected matrix derivative results" (2008), for eigh and svd; Walter and
** Lehmann, "Algorithmic differentiation of linear algebra functions" (2010), for qr; Murray,
** "Differentiation of the Cholesky decomposition" (2016).
*/
#include <math.h>
#include <string.h>

#include "op/linalg.h"

extern const mlp_row mlp_row_linalg_svd, mlp_row_linalg_eigh, mlp_row_linalg_qr,
    mlp_row_linalg_cholesky;
extern const mlp_row mlp_row_slice, mlp_row_cat;

#define ARG_A(shape) \
  { MLP_ARG_TENSOR, "a", shape, NULL, NULL, false }

/* A gradient goes through the thin factors only: what completes a basis is arbitrary. */
static mlp_status refuse_traced(const mlp_call *c, const char *instead, mlp_error *e) {
  if (!c->traced) return MLP_OK;
  return mlp_refuse(e, "%s: the vectors that complete a basis have no derivative; %s", c->row->name,
                    instead);
}

/* ---- singular values ------------------------------------------------------------------------- */

enum { SVD_U, SVD_S, SVD_V };

typedef struct {
  size_t a, integers, lapack;
} svd_work;

static svd_work lay_out_svd(const mlp_matrices *s, size_t *used) {
  svd_work w;
  w.a = mlp_piece(used, (size_t)s->m * (size_t)s->n * s->bytes);
  w.integers = mlp_piece(used, 8 * (size_t)s->k * sizeof(int));
  w.lapack = *used;
  return w;
}

static bool is_full(const mlp_call *c) { return c->value[0].integer; }

/* Rows of A are columns to LAPACK: A' = V S U', so that its u is our V and its vt our U, each again
** with rows for columns: what lies in memory is V' and U. */
static int run_lapack_svd(const mlp_matrices *s, bool full, void *a, void *values, void *u,
                          void *vh, void *work, int lwork, int *iwork) {
  int ldu = full ? s->m : s->k;
  return s->lapack->svd(full ? 'A' : 'S', s->n, s->m, a, values, vh, s->n, u, ldu, work, lwork,
                        iwork);
}

static mlp_status svd_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_matrices(c, 0, is_full(c), e));
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  if (is_full(c) && s.m != s.n) MLP_TRY(refuse_traced(c, "pass {full_matrices = false}", e));
  mlp_shape u = mlp_batch_and(c->in[0], 2, s.m, is_full(c) ? s.m : s.k);
  mlp_shape values = mlp_batch_and(c->in[0], 1, s.k, 0);
  mlp_shape vh = mlp_batch_and(c->in[0], 2, is_full(c) ? s.n : s.k, s.n);
  MLP_TRY(mlp_out(c, c->in[0]->dtype, &u, e));
  MLP_TRY(mlp_out(c, c->in[0]->dtype, &values, e));
  MLP_TRY(mlp_out(c, c->in[0]->dtype, &vh, e));
  if (s.k == 0) return MLP_OK;
  double wish;
  size_t used = 0;
  lay_out_svd(&s, &used);
  run_lapack_svd(&s, is_full(c), NULL, NULL, NULL, NULL, &wish, -1, NULL);
  c->work_bytes = used + (size_t)s.lapack->wish(&wish) * s.bytes;
  return MLP_OK;
}

static void settle_signs(const mlp_call *c, const mlp_matrices *s, void *u, void *vh) {
  mlp_dtype dtype = c->in[0]->dtype;
  int64_t width = is_full(c) ? s->m : s->k;
  for (int64_t i = 0; i < s->k; i++) {
    void *column = (char *)u + (size_t)i * s->bytes;
    if (!mlp_points_down(dtype, column, s->m, width)) continue;
    mlp_turn_over(dtype, column, s->m, width);
    mlp_turn_over(dtype, (char *)vh + (size_t)(i * s->n) * s->bytes, s->n, 1);
  }
}

static void svd_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  size_t used = 0;
  svd_work w = lay_out_svd(&s, &used);
  int64_t left = is_full(c) ? s.m : s.k, right = is_full(c) ? s.n : s.k;
  for (int64_t i = 0; i < s.count; i++) {
    void *u = mlp_matrix_at(&s, mlp_result(c, SVD_U), i, s.m * left);
    void *vh = mlp_matrix_at(&s, mlp_result(c, SVD_V), i, right * s.n);
    if (s.k == 0) { /* nothing to decompose: whole bases are the axes */
      mlp_identity(c->in[0]->dtype, u, left);
      mlp_identity(c->in[0]->dtype, vh, right);
      continue;
    }
    int64_t each = (int64_t)s.m * s.n;
    memcpy(mlp_work(c, w.a), mlp_matrix_at(&s, mlp_in(c, 0), i, each), (size_t)each * s.bytes);
    if (run_lapack_svd(&s, is_full(c), mlp_work(c, w.a),
                       mlp_matrix_at(&s, mlp_result(c, SVD_S), i, s.k), u, vh,
                       mlp_work(c, w.lapack), mlp_work_length(c, w.lapack, s.bytes),
                       mlp_work(c, w.integers)) != 0)
      c->failure = "the iteration did not converge";
    settle_signs(c, &s, u, vh);
  }
}

/* x_j - x_i off the diagonal and infinity on it, so that dividing by it leaves 0 there. */
static mlp_tensor *differences(mlp_vjp *v, mlp_tensor *x) {
  mlp_tensor *d = mlp_sub(v, mlp_row_of(v, x), mlp_column_of(v, x));
  return mlp_add(v, d, mlp_diagonal_matrix(v, mlp_full_like(v, x, HUGE_VAL)));
}

static mlp_tensor *skew(mlp_vjp *v, mlp_tensor *x) { return mlp_sub(v, x, mlp_swap(v, x)); }

/* With E_ij = s_j^2 - s_i^2 and skew(X) = X - X':
** dA = U ((skew(U'dU) / E) S + S (skew(V'dV) / E) + diag(ds)) V'
**      + (I - U U') dU S^-1 V' + U S^-1 dV' (I - V V'), the last two where U or V is not square. */
static void svd_vjp(mlp_vjp *v) {
  mlp_tensor *gu = mlp_grad_out(v, SVD_U), *gs = mlp_grad_out(v, SVD_S);
  mlp_tensor *gv = mlp_grad_out(v, SVD_V); /* of V' */
  mlp_tensor *u = mlp_output(v, SVD_U), *s = mlp_output(v, SVD_S), *vh = mlp_output(v, SVD_V);
  mlp_matrices x = mlp_matrices_of(mlp_input(v, 0));
  mlp_tensor *utgu = NULL, *vhgv = NULL;
  if (!gu && !gv) {
    mlp_tensor *scaled = gs ? mlp_mul(v, u, mlp_row_of(v, gs)) : NULL;
    mlp_give_grad(v, 0, mlp_matmul(v, scaled, vh));
    return;
  }
  mlp_tensor *core = mlp_diagonal_matrix(v, gs), *e = differences(v, mlp_mul(v, s, s));
  if (gu) {
    utgu = mlp_matmul(v, mlp_swap(v, u), gu);
    core = mlp_add(v, core, mlp_mul(v, mlp_div(v, skew(v, utgu), e), mlp_row_of(v, s)));
  }
  if (gv) {
    vhgv = mlp_matmul(v, vh, mlp_swap(v, gv));
    core = mlp_add(v, core, mlp_mul(v, mlp_column_of(v, s), mlp_div(v, skew(v, vhgv), e)));
  }
  mlp_give_grad(v, 0, mlp_matmul(v, mlp_matmul(v, u, core), vh));
  if (gu && x.m > x.k) {
    mlp_tensor *rest = mlp_sub(v, gu, mlp_matmul(v, u, utgu));
    mlp_give_grad(v, 0, mlp_matmul(v, mlp_div(v, rest, mlp_row_of(v, s)), vh));
  }
  if (gv && x.n > x.k) {
    mlp_tensor *rest = mlp_sub(v, gv, mlp_matmul(v, mlp_swap(v, vhgv), vh));
    mlp_give_grad(v, 0, mlp_matmul(v, u, mlp_div(v, rest, mlp_column_of(v, s))));
  }
}

const mlp_row mlp_row_linalg_svd = {
    .name = "linalg.svd",
    .doc =
        "U (..., m, k), s (..., k) and V' (..., k, n) with A = U diag(s) V', s descending, k = "
        "min(m, n).\n"
        "The largest element of every left vector is positive. The gradient of U and V' assumes "
        "that no two singular values are equal, and, where A is not square, that none is 0; that "
        "of s alone always exists. Thin unless asked otherwise, unlike PyTorch's.",
    .arg = {ARG_A("(..., m, n)"),
            {MLP_ARG_FLAG, "full_matrices", "U (..., m, m) and V' (..., n, n); no gradient then",
             "false", NULL, true}},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 3,
    .save_out = 7,
    .infer = svd_infer,
    .check = mlp_check_finite,
    .run = svd_run,
    .vjp = svd_vjp,
    .tiling = mlp_tiling_matrices,
};

/* ---- eigenvalues ----------------------------------------------------------------------------- */

static int eigh_integers(int n) { return 3 + 5 * n; }

static mlp_status eigh_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_square(c, 0, e));
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  mlp_shape values = mlp_batch_and(c->in[0], 1, s.n, 0);
  MLP_TRY(mlp_out(c, c->in[0]->dtype, &values, e));
  MLP_TRY(mlp_out_like(c, c->in[0], e));
  if (s.n == 0) return MLP_OK;
  double wish;
  int integers;
  size_t used = 0;
  s.lapack->eigh(s.n, NULL, NULL, &wish, -1, &integers, -1);
  mlp_piece(&used, (size_t)s.n * (size_t)s.n * s.bytes);
  mlp_piece(&used, (size_t)eigh_integers(s.n) * sizeof(int));
  c->work_bytes = used + (size_t)s.lapack->wish(&wish) * s.bytes;
  return MLP_OK;
}

static void eigh_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  mlp_dtype dtype = c->in[0]->dtype;
  int64_t each = (int64_t)s.n * s.n;
  size_t used = 0, a = mlp_piece(&used, (size_t)each * s.bytes);
  size_t integers = mlp_piece(&used, (size_t)eigh_integers(s.n) * sizeof(int));
  for (int64_t i = 0; i < s.count && s.n > 0; i++) {
    void *vectors = mlp_matrix_at(&s, mlp_result(c, 1), i, each);
    mlp_symmetrise(dtype, mlp_work(c, a), mlp_matrix_at(&s, mlp_in(c, 0), i, each), s.n);
    if (s.lapack->eigh(s.n, mlp_work(c, a), mlp_matrix_at(&s, mlp_result(c, 0), i, s.n),
                       mlp_work(c, used), mlp_work_length(c, used, s.bytes), mlp_work(c, integers),
                       eigh_integers(s.n)) != 0)
      c->failure = "the iteration did not converge";
    for (int64_t j = 0; j < s.n; j++) {
      void *vector = mlp_matrix_at(&s, mlp_work(c, a), j, s.n);
      if (mlp_points_down(dtype, vector, s.n, 1)) mlp_turn_over(dtype, vector, s.n, 1);
    }
    mlp_transpose_into(vectors, mlp_work(c, a), s.n, s.n, s.bytes);
  }
}

/* dA = V (diag(dw) + (V'dV) / E) V' with E_ij = w_j - w_i, made symmetric as the argument was. */
static void eigh_vjp(mlp_vjp *v) {
  mlp_tensor *gw = mlp_grad_out(v, 0), *gv = mlp_grad_out(v, 1);
  mlp_tensor *w = mlp_output(v, 0), *x = mlp_output(v, 1), *core = mlp_diagonal_matrix(v, gw);
  if (gv) core = mlp_add(v, core, mlp_div(v, mlp_matmul(v, mlp_swap(v, x), gv), differences(v, w)));
  mlp_tensor *g = mlp_matmul(v, mlp_matmul(v, x, core), mlp_swap(v, x));
  mlp_give_grad(v, 0, mlp_halve_sum(v, g));
}

const mlp_row mlp_row_linalg_eigh = {
    .name = "linalg.eigh",
    .doc =
        "w (..., n), ascending, and V (..., n, n) with A = V diag(w) V' for a symmetric A; of "
        "another matrix (A + A') / 2 is taken.\n"
        "The largest element of every column of V is positive. The gradient of V assumes that no "
        "two eigenvalues are equal; that of w alone always exists.",
    .arg = {ARG_A("(..., n, n)")},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 2,
    .save_out = 3,
    .infer = eigh_infer,
    .check = mlp_check_finite,
    .run = eigh_run,
    .vjp = eigh_vjp,
    .tiling = mlp_tiling_matrices,
};

/* ---- QR -------------------------------------------------------------------------------------- */

static const char *const qr_modes[] = {"reduced", "complete", NULL};

/* Columns of Q: k, or m when its basis is completed. */
static int qr_width(const mlp_call *c, const mlp_matrices *s) {
  return c->value[0].integer ? s->m : s->k;
}

typedef struct {
  size_t a, tau, lapack;
} qr_work;

static qr_work lay_out_qr(const mlp_matrices *s, size_t *used) {
  qr_work w;
  w.a = mlp_piece(used, (size_t)s->m * (size_t)s->n * s->bytes);
  w.tau = mlp_piece(used, (size_t)s->k * s->bytes);
  w.lapack = *used;
  return w;
}

static mlp_status qr_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_matrices(c, 0, c->value[0].integer, e));
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  int width = qr_width(c, &s);
  if (width > s.k) MLP_TRY(refuse_traced(c, "pass {mode = \"reduced\"}", e));
  mlp_shape q = mlp_batch_and(c->in[0], 2, s.m, width), r = mlp_batch_and(c->in[0], 2, width, s.n);
  MLP_TRY(mlp_out(c, c->in[0]->dtype, &q, e));
  MLP_TRY(mlp_out(c, c->in[0]->dtype, &r, e));
  if (s.k == 0) return MLP_OK;
  double first, second;
  size_t used = 0;
  lay_out_qr(&s, &used);
  s.lapack->lq(s.n, s.m, NULL, s.n, NULL, &first, -1);
  s.lapack->lq_rows(width, s.m, s.k, NULL, width, NULL, &second, -1);
  int64_t a = s.lapack->wish(&first), b = s.lapack->wish(&second);
  c->work_bytes = used + (size_t)(a > b ? a : b) * s.bytes;
  return MLP_OK;
}

/* To LAPACK A' = L Q, so that A = Q' L': in memory its Q is ours and its L, column by column, is R.
** The first k columns of Q and rows of R turn over where the diagonal of R is negative. */
static void qr_one(mlp_call *c, const mlp_matrices *s, qr_work w, char *q, char *r) {
  int width = qr_width(c, s), lwork = mlp_work_length(c, w.lapack, s->bytes);
  size_t line = (size_t)s->n * s->bytes;
  char *a = mlp_work(c, w.a);
  mlp_dtype dtype = c->in[0]->dtype;
  s->lapack->lq(s->n, s->m, a, s->n, mlp_work(c, w.tau), mlp_work(c, w.lapack), lwork);
  for (int i = 0; i < s->m; i++)
    memcpy(q + (size_t)i * (size_t)width * s->bytes, a + (size_t)i * line, (size_t)s->k * s->bytes);
  memset(r, 0, (size_t)width * line);
  for (int i = 0; i < s->k; i++) {
    size_t before = (size_t)i * s->bytes;
    memcpy(r + (size_t)i * line + before, a + (size_t)i * line + before, line - before);
  }
  s->lapack->lq_rows(width, s->m, s->k, q, width, mlp_work(c, w.tau), mlp_work(c, w.lapack), lwork);
  for (int i = 0; i < s->k; i++) {
    if (!(mlp_number_at(dtype, r, (int64_t)i * s->n + i) < 0)) continue;
    mlp_turn_over(dtype, r + (size_t)i * line, s->n, 1);
    mlp_turn_over(dtype, q + (size_t)i * s->bytes, s->m, width);
  }
}

static void qr_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  size_t used = 0;
  qr_work w = lay_out_qr(&s, &used);
  int64_t each = (int64_t)s.m * s.n, width = qr_width(c, &s);
  for (int64_t i = 0; i < s.count; i++) {
    char *q = mlp_matrix_at(&s, mlp_result(c, 0), i, s.m * width);
    char *r = mlp_matrix_at(&s, mlp_result(c, 1), i, width * s.n);
    if (s.k == 0) {
      mlp_identity(c->in[0]->dtype, q, width);
      continue;
    }
    memcpy(mlp_work(c, w.a), mlp_matrix_at(&s, mlp_in(c, 0), i, each), (size_t)each * s.bytes);
    qr_one(c, &s, w, q, r);
  }
}

static mlp_tensor *columns(mlp_vjp *v, mlp_tensor *x, int64_t first, int64_t last) {
  return mlp_emit(
      v, &mlp_row_slice, MLP_IN(x),
      MLP_VALUES({.integer = -1}, {.integer = first}, {.integer = last}, {.integer = 1}));
}

/* A = Q R of rank k, R (k, k): dA = (dQ + Q copyltu(M)) R'^-1, M = R dR' - dQ' Q; copyltu copies
** the lower triangle over the upper. */
static mlp_tensor *qr_back(mlp_vjp *v, mlp_tensor *q, mlp_tensor *r, mlp_tensor *gq,
                           mlp_tensor *gr) {
  mlp_tensor *m = NULL;
  if (gr) m = mlp_matmul(v, r, mlp_swap(v, mlp_triu(v, gr, 0)));
  if (gq) m = mlp_add(v, m, mlp_neg(v, mlp_matmul(v, mlp_swap(v, gq), q)));
  m = mlp_add(v, mlp_tril(v, m, 0), mlp_swap(v, mlp_tril(v, m, -1)));
  mlp_tensor *sum = mlp_add(v, gq, mlp_matmul(v, q, m));
  return mlp_swap(v, mlp_solve(v, r, mlp_swap(v, sum))); /* X R'^-1 = (R^-1 X')' */
}

/* A wide A = (X Y) is Q (U W): X = Q U as above, W = Q' Y. */
static void qr_vjp(mlp_vjp *v) {
  mlp_tensor *gq = mlp_grad_out(v, 0), *gr = mlp_grad_out(v, 1), *gu = gr;
  mlp_tensor *q = mlp_output(v, 0), *r = mlp_output(v, 1), *u = r, *gy = NULL;
  mlp_matrices s = mlp_matrices_of(mlp_input(v, 0));
  if (s.k == 0 || v->status != MLP_OK) return;
  if (s.n > s.k) {
    u = columns(v, r, 1, s.k);
    if (!gr) gr = mlp_full_like(v, r, 0);
    gu = columns(v, gr, 1, s.k);
    mlp_tensor *gw = columns(v, gr, s.k + 1, s.n);
    mlp_tensor *y = mlp_matmul(v, q, columns(v, r, s.k + 1, s.n));
    gq = mlp_add(v, gq, mlp_matmul(v, y, mlp_swap(v, gw)));
    gy = mlp_matmul(v, q, gw);
  }
  mlp_tensor *gx = qr_back(v, q, u, gq, gu);
  if (gy)
    gx = mlp_emit(v, &mlp_row_cat, MLP_IN(gx, gy), MLP_VALUES({.integer = 2}, {.integer = -1}));
  mlp_give_grad(v, 0, gx);
}

const mlp_row mlp_row_linalg_qr = {
    .name = "linalg.qr",
    .doc =
        "Q (..., m, k) with orthonormal columns and the upper triangular R (..., k, n) with A = Q "
        "R, k = min(m, n).\n"
        "The diagonal of R is not negative, which makes the factors of a matrix of full rank "
        "unique. The gradient assumes that the first k columns of A are independent.",
    .arg = {ARG_A("(..., m, n)"),
            {MLP_ARG_CHOICE, "mode", "complete: Q (..., m, m) and R (..., m, n)", "reduced",
             qr_modes, true}},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 2,
    .save_out = 3,
    .infer = qr_infer,
    .check = mlp_check_finite,
    .run = qr_run,
    .vjp = qr_vjp,
    .tiling = mlp_tiling_matrices,
};

/* ---- Cholesky -------------------------------------------------------------------------------- */

static mlp_status cholesky_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_square(c, 0, e));
  return mlp_out_like(c, c->in[0], e);
}

/* A = U' U with LAPACK's upper U is A = L L' with our lower L in the same places. */
static void cholesky_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  int64_t each = (int64_t)s.n * s.n;
  for (int64_t i = 0; i < s.count && s.n > 0; i++) {
    char *l = mlp_matrix_at(&s, mlp_result(c, 0), i, each);
    mlp_symmetrise(c->in[0]->dtype, l, mlp_matrix_at(&s, mlp_in(c, 0), i, each), s.n);
    if (s.lapack->cholesky(s.n, l) != 0) c->failure = "the matrix is not positive definite";
    for (int64_t row = 0; row < s.n; row++)
      memset(l + (size_t)(row * s.n + row + 1) * s.bytes, 0, (size_t)(s.n - row - 1) * s.bytes);
  }
}

/* dA = L'^-1 P L^-1 made symmetric, P the lower triangle of L' dL with half its diagonal. */
static void cholesky_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *l = mlp_output(v, 0);
  if (!g || !l) return;
  mlp_tensor *lt = mlp_swap(v, l), *x = mlp_matmul(v, lt, mlp_tril(v, g, 0));
  mlp_tensor *p = mlp_scale(v, mlp_add(v, mlp_tril(v, x, 0), mlp_tril(v, x, -1)), 0.5);
  mlp_tensor *half = mlp_solve(v, lt, p);
  mlp_give_grad(v, 0, mlp_halve_sum(v, mlp_solve(v, lt, mlp_swap(v, half))));
}

const mlp_row mlp_row_linalg_cholesky = {
    .name = "linalg.cholesky",
    .doc =
        "The lower triangular L (..., n, n) with A = L L' for a symmetric, positive definite A; of "
        "another matrix (A + A') / 2 is taken.",
    .arg = {ARG_A("(..., n, n)")},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 1,
    .save_out = 1,
    .infer = cholesky_infer,
    .check = mlp_check_finite,
    .run = cholesky_run,
    .vjp = cholesky_vjp,
    .tiling = mlp_tiling_matrices,
};
