/*
** Systems of equations and what belongs to them: solve, inv, det, slogdet through an LU
** factorisation; pinv, lstsq, matrix_rank through singular values; cofactor, the derivative of det,
** through singular values too, because it exists where the inverse does not.
**
** An LU factorisation of A' serves A as well: determinants are equal, the inverse of A' is the
** transpose of the inverse, and A X = B is the transposed system.
**
** Derivatives: Giles, "Collected matrix derivative results" (2008); of pinv and lstsq: Golub and
** Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
** variables separate" (1973), for changes that keep the rank.
*/
#include <float.h>
#include <math.h>
#include <string.h>

#include "op/factor.h"
#include "op/linalg.h"
#include "op/strided.h"

extern const mlp_row mlp_row_linalg_solve, mlp_row_linalg_inv, mlp_row_linalg_det,
    mlp_row_linalg_slogdet, mlp_row_linalg_cofactor, mlp_row_linalg_pinv, mlp_row_linalg_lstsq,
    mlp_row_linalg_matrix_rank;

static const char singular[] = "the matrix is singular";

#define ARG_A(shape) \
  { MLP_ARG_TENSOR, "a", shape, NULL, NULL, false }

static int64_t elements(const mlp_matrices *s) { return (int64_t)s->m * s->n; }

/* ---- solve ----------------------------------------------------------------------------------- */

enum { A, B };

/* The right side as matrices: a vector is one column. */
typedef struct {
  mlp_shape batch;
  int64_t columns;
  bool vector;
} right_side;

static mlp_status read_right_side(right_side *r, const mlp_call *c, mlp_error *e) {
  const mlp_shape *b = &c->in[B]->shape, left = mlp_batch_of(c->in[A]),
                  right = mlp_batch_of(c->in[B]);
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  r->vector = b->ndim == 1;
  r->columns = r->vector ? 1 : b->dim[b->ndim - 1];
  int64_t rows = b->dim[r->vector ? 0 : b->ndim - 2];
  int64_t wanted = c->in[A]->shape.dim[c->in[A]->shape.ndim - 2];
  if (rows != wanted)
    return mlp_refuse(e, "%s: a is %s but b %s has %lld rows", c->row->name,
                      mlp_shape_text(ta, &c->in[A]->shape), mlp_shape_text(tb, b), (long long)rows);
  if (r->columns > INT32_MAX / 64)
    return mlp_refuse(e, "%s: b is %s, which is larger than LAPACK's 32-bit lengths hold",
                      c->row->name, mlp_shape_text(tb, b));
  return mlp_shape_broadcast(&r->batch, &left, &right, c->row->name, e);
}

/* (batch, rows, columns), or (batch, rows) for a vector. */
static mlp_shape solution_shape(const right_side *r, int64_t rows) {
  mlp_shape s = r->batch;
  s.dim[s.ndim++] = rows;
  if (!r->vector) s.dim[s.ndim++] = r->columns;
  return s;
}

static mlp_status solve_infer(mlp_call *c, mlp_error *e) {
  right_side r;
  MLP_TRY(mlp_want_square(c, A, e));
  MLP_TRY(mlp_want_same_dtype(c, A, B, e));
  MLP_TRY(mlp_want_ndim(c, B, 1, MLP_MAX_DIMS, e));
  MLP_TRY(read_right_side(&r, c, e));
  mlp_matrices s = mlp_matrices_of(c->in[A]);
  mlp_shape x = solution_shape(&r, s.n);
  mlp_piece(&c->work_bytes, (size_t)elements(&s) * s.bytes);
  mlp_piece(&c->work_bytes, (size_t)(s.n * r.columns) * s.bytes);
  mlp_piece(&c->work_bytes, (size_t)s.n * sizeof(int));
  return mlp_out(c, c->in[A]->dtype, &x, e);
}

static void solve_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[A]);
  right_side r;
  mlp_error none;
  read_right_side(&r, c, &none); /* infer has seen that it fits */
  int64_t each = s.n * r.columns, count = mlp_shape_count(&r.batch), before = -1;
  size_t used = 0, a = mlp_piece(&used, (size_t)elements(&s) * s.bytes);
  size_t b = mlp_piece(&used, (size_t)each * s.bytes);
  int *pivot = mlp_work(c, used);
  for (int64_t i = 0; i < count && each > 0; i++) {
    int64_t ia = mlp_matrix_of(c->in[A], &r.batch, i), ib = mlp_matrix_of(c->in[B], &r.batch, i);
    if (ia != before) { /* one matrix against many right sides is factorised once */
      memcpy(mlp_work(c, a), mlp_matrix_at(&s, mlp_in(c, A), ia, elements(&s)),
             (size_t)elements(&s) * s.bytes);
      if (s.lapack->lu(s.n, mlp_work(c, a), pivot) != 0) {
        c->failure = singular;
        return;
      }
      before = ia;
    }
    mlp_transpose_into(mlp_work(c, b), mlp_matrix_at(&s, mlp_in(c, B), ib, each), s.n, r.columns,
                       s.bytes);
    s.lapack->lu_solve(true, s.n, (int)r.columns, mlp_work(c, a), pivot, mlp_work(c, b));
    mlp_transpose_into(mlp_matrix_at(&s, mlp_result(c, 0), i, each), mlp_work(c, b), r.columns, s.n,
                       s.bytes);
  }
}

/* A vector as a column, so that a derivative knows matrices only. */
static mlp_tensor *as_columns(mlp_vjp *v, mlp_tensor *t, bool vector) {
  return vector ? mlp_column_of(v, t) : t;
}

/* A gradient with every axis of the broadcast batch, given back in the shape of input i. */
static void give_in_shape(mlp_vjp *v, int i, mlp_tensor *g) {
  mlp_shape full = mlp_input(v, i)->shape;
  if (full.ndim == 1) full.dim[full.ndim++] = 1;
  g = mlp_sum_to(v, g, &full);
  mlp_give_grad(v, i, g ? mlp_reshape(v, g, &mlp_input(v, i)->shape) : NULL);
}

/* dB = A'^-1 dX, dA = -dB X' */
static void solve_vjp(mlp_vjp *v) {
  bool vector = mlp_input(v, B)->shape.ndim == 1;
  mlp_tensor *g = as_columns(v, mlp_grad_out(v, 0), vector);
  mlp_tensor *gb = mlp_solve(v, mlp_swap(v, mlp_input(v, A)), g);
  give_in_shape(v, B, gb);
  if (!mlp_wanted(v, A)) return;
  mlp_tensor *x = as_columns(v, mlp_output(v, 0), vector);
  give_in_shape(v, A, mlp_neg(v, mlp_matmul(v, gb, mlp_swap(v, x))));
}

const mlp_row mlp_row_linalg_solve = {
    .name = "linalg.solve",
    .doc =
        "X with A X = B, by LU with pivoting. A b of one axis is one column, as matmul has it; "
        "batches broadcast. A singular A is an error.",
    .arg = {ARG_A("(..., n, n)"), {MLP_ARG_TENSOR, "b", "(..., n, k) or (n)", NULL, NULL, false}},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 1,
    .save_in = 1,
    .save_out = 1,
    .infer = solve_infer,
    .check = mlp_check_finite,
    .run = solve_run,
    .vjp = solve_vjp,
    .tiling = mlp_tiling_matrices,
};

/* ---- inv ------------------------------------------------------------------------------------- */

static mlp_status inv_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_square(c, 0, e));
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  MLP_TRY(mlp_out_like(c, c->in[0], e));
  if (s.n == 0) return MLP_OK;
  double wish;
  s.lapack->lu_inverse(s.n, NULL, NULL, &wish, -1);
  mlp_piece(&c->work_bytes, (size_t)s.n * sizeof(int));
  c->work_bytes += (size_t)s.lapack->wish(&wish) * s.bytes;
  return MLP_OK;
}

static void inv_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  size_t used = 0;
  mlp_piece(&used, (size_t)s.n * sizeof(int));
  int *pivot = c->work, lwork = mlp_work_length(c, s.n ? used : c->work_bytes, s.bytes);
  if (s.n == 0 || s.count == 0) return;
  memcpy(mlp_result(c, 0), mlp_in(c, 0), (size_t)(s.count * elements(&s)) * s.bytes);
  for (int64_t i = 0; i < s.count; i++) {
    void *y = mlp_matrix_at(&s, mlp_result(c, 0), i, elements(&s));
    if (s.lapack->lu(s.n, y, pivot) != 0 ||
        s.lapack->lu_inverse(s.n, y, pivot, mlp_work(c, used), lwork) != 0) {
      c->failure = singular;
      return;
    }
  }
}

static mlp_tensor *inverse(mlp_vjp *v, mlp_tensor *a) {
  return mlp_emit(v, &mlp_row_linalg_inv, MLP_IN(a), MLP_NO_VALUES);
}

/* dA = -Y' dY Y' */
static void inv_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  if (!g) return;
  mlp_tensor *yt = mlp_swap(v, mlp_output(v, 0));
  mlp_give_grad(v, 0, mlp_neg(v, mlp_matmul(v, mlp_matmul(v, yt, g), yt)));
}

const mlp_row mlp_row_linalg_inv = {
    .name = "linalg.inv",
    .doc =
        "The inverse of A. linalg.solve(A, B) is faster and more exact than linalg.inv(A) times B. "
        "A singular A is an error.",
    .arg = {ARG_A("(..., n, n)")},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 1,
    .save_out = 1,
    .infer = inv_infer,
    .check = mlp_check_finite,
    .run = inv_run,
    .vjp = inv_vjp,
    .tiling = mlp_tiling_matrices,
};

/* ---- det, slogdet ---------------------------------------------------------------------------- */

static mlp_status det_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_square(c, 0, e));
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  mlp_shape numbers = mlp_batch_and(c->in[0], 0, 0, 0);
  for (int i = 0; i < c->row->n_out; i++) MLP_TRY(mlp_out(c, c->in[0]->dtype, &numbers, e));
  mlp_piece(&c->work_bytes, (size_t)elements(&s) * s.bytes);
  mlp_piece(&c->work_bytes, (size_t)s.n * sizeof(int));
  return MLP_OK;
}

/* Overwrites a by its LU factors; the sign of the exchanged rows. */
static double factorise(const mlp_matrices *s, void *a, int *pivot) {
  double sign = 1;
  s->lapack->lu(s->n, a, pivot); /* a zero on the diagonal is an answer here */
  for (int i = 0; i < s->n; i++)
    if (pivot[i] != i + 1) sign = -sign;
  return sign;
}

/* Sign and logarithm of |det A|, from factors in double: the product may leave the range. */
static double log_abs_det(const mlp_call *c, const mlp_matrices *s, int64_t i, double *sign) {
  size_t used = 0, a = mlp_piece(&used, (size_t)elements(s) * s->bytes);
  double sum = 0;
  *sign = 1;
  if (s->n == 0) return sum;
  memcpy(mlp_work(c, a), mlp_matrix_at(s, mlp_in(c, 0), i, elements(s)),
         (size_t)elements(s) * s->bytes);
  *sign = factorise(s, mlp_work(c, a), mlp_work(c, used));
  for (int64_t j = 0; j < s->n; j++) {
    double pivot = mlp_number_at(c->in[0]->dtype, mlp_work(c, a), j * s->n + j);
    *sign *= pivot > 0 ? 1 : pivot < 0 ? -1 : 0;
    sum += log(fabs(pivot));
  }
  return sum;
}

/* Multiplied out; what overflows on the way goes through logarithms. */
static double det_of(const mlp_call *c, const mlp_matrices *s, int64_t i) {
  double sign, sum = log_abs_det(c, s, i, &sign), product = 1;
  for (int64_t j = 0; j < s->n; j++)
    product *= fabs(mlp_number_at(c->in[0]->dtype, c->work, j * s->n + j));
  return sign * (product > DBL_MIN && product <= DBL_MAX ? product : exp(sum));
}

static void det_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  for (int64_t i = 0; i < s.count; i++)
    mlp_put_number(c->in[0]->dtype, mlp_result(c, 0), i, det_of(c, &s, i));
}

/* (...) to (..., 1, 1) */
static mlp_tensor *over_matrices(mlp_vjp *v, mlp_tensor *x) {
  if (!x) return NULL;
  mlp_shape s = x->shape;
  s.dim[s.ndim++] = 1;
  s.dim[s.ndim++] = 1;
  return mlp_reshape(v, x, &s);
}

static void det_vjp(mlp_vjp *v) {
  mlp_tensor *g = over_matrices(v, mlp_grad_out(v, 0));
  mlp_tensor *cofactor =
      mlp_emit(v, &mlp_row_linalg_cofactor, MLP_IN(mlp_input(v, 0)), MLP_NO_VALUES);
  mlp_give_grad(v, 0, mlp_mul(v, g, cofactor));
}

const mlp_row mlp_row_linalg_det = {
    .name = "linalg.det",
    .doc = "The determinant of A. That of a large matrix leaves the range of floats: slogdet.",
    .arg = {ARG_A("(..., n, n)")},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 1,
    .save_in = 1,
    .infer = det_infer,
    .check = mlp_check_finite,
    .run = det_run,
    .vjp = det_vjp,
    .tiling = mlp_tiling_matrices,
};

static void slogdet_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  for (int64_t i = 0; i < s.count; i++) {
    double sign, sum = log_abs_det(c, &s, i, &sign);
    mlp_put_number(c->in[0]->dtype, mlp_result(c, 0), i, sign);
    mlp_put_number(c->in[0]->dtype, mlp_result(c, 1), i, sum);
  }
}

/* d log|det A| = A'^-1; the sign is constant. */
static void slogdet_vjp(mlp_vjp *v) {
  mlp_tensor *g = over_matrices(v, mlp_grad_out(v, 1));
  if (g) mlp_give_grad(v, 0, mlp_mul(v, g, mlp_swap(v, inverse(v, mlp_input(v, 0)))));
}

const mlp_row mlp_row_linalg_slogdet = {
    .name = "linalg.slogdet",
    .doc =
        "The sign of the determinant of A (1, -1, or 0 of a singular matrix) and the logarithm of "
        "its absolute value, which may be -infinity.",
    .arg = {ARG_A("(..., n, n)")},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 2,
    .save_in = 1,
    .infer = det_infer,
    .check = mlp_check_finite,
    .run = slogdet_run,
    .vjp = slogdet_vjp,
    .tiling = mlp_tiling_matrices,
};

/* ---- what goes through singular values ------------------------------------------------------- */

typedef struct {
  size_t a, u, s, vh, integers, lapack;
} svd_pieces;

static svd_pieces lay_out(const mlp_matrices *s, size_t *used) {
  size_t k = (size_t)s->k;
  svd_pieces p;
  p.a = mlp_piece(used, (size_t)elements(s) * s->bytes);
  p.u = mlp_piece(used, (size_t)s->m * k * s->bytes);
  p.s = mlp_piece(used, k * s->bytes);
  p.vh = mlp_piece(used, (size_t)s->n * k * s->bytes);
  p.integers = mlp_piece(used, 8 * k * sizeof(int) + sizeof(int));
  p.lapack = *used;
  return p;
}

static void want_svd(mlp_call *c, const mlp_matrices *s) {
  double wish;
  size_t used = 0;
  if (s->k == 0) return;
  lay_out(s, &used);
  s->lapack->svd('S', s->n, s->m, NULL, NULL, NULL, s->n, NULL, s->k, &wish, -1, NULL);
  c->work_bytes = used + (size_t)s->lapack->wish(&wish) * s->bytes;
}

/* Matrix i of in[0] as U (m, k), s, V' (k, n) in the workspace; see svd for the exchanged sides. */
static void decompose(mlp_call *c, const mlp_matrices *s, svd_pieces p, int64_t i) {
  memcpy(mlp_work(c, p.a), mlp_matrix_at(s, mlp_in(c, 0), i, elements(s)),
         (size_t)elements(s) * s->bytes);
  if (s->lapack->svd('S', s->n, s->m, mlp_work(c, p.a), mlp_work(c, p.s), mlp_work(c, p.vh), s->n,
                     mlp_work(c, p.u), s->k, mlp_work(c, p.lapack),
                     mlp_work_length(c, p.lapack, s->bytes), mlp_work(c, p.integers)) != 0)
    c->failure = "the iteration did not converge";
}

static double value_at(const mlp_call *c, svd_pieces p, int64_t i) {
  return mlp_number_at(c->in[0]->dtype, mlp_work(c, p.s), i);
}

/* Singular values below this count as 0: rtol of the largest. A negative rtol is the default, as in
** PyTorch: the rounding of a matrix of this size. */
static double least_value(const mlp_call *c, const mlp_matrices *s, svd_pieces p) {
  double rtol = c->value[0].number;
  double rounding = c->in[0]->dtype == MLP_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
  return (rtol < 0 ? (s->m > s->n ? s->m : s->n) * rounding : rtol) * value_at(c, p, 0);
}

#define ARG_RTOL                                                                                  \
  {                                                                                               \
    MLP_ARG_NUMBER, "rtol",                                                                       \
        "singular values below rtol times the largest count as 0; negative: max(m, n) times the " \
        "distance from 1 to the next float",                                                      \
        "-1", NULL, true                                                                          \
  }

/* Y (n, m) = V diag(factor) U'; factors overwrite the singular values. */
static void compose(const mlp_call *c, const mlp_matrices *s, svd_pieces p, void *y) {
  mlp_dtype dtype = c->in[0]->dtype;
  for (int64_t i = 0; i < s->k; i++) {
    for (int64_t j = 0; j < s->n; j++) {
      double x = mlp_number_at(dtype, mlp_work(c, p.vh), i * s->n + j);
      mlp_put_number(dtype, mlp_work(c, p.vh), i * s->n + j, x * value_at(c, p, i));
    }
  }
  mlp_factor v = {mlp_work(c, p.vh), s->n, true}, u = {mlp_work(c, p.u), s->k, true};
  mlp_multiply(dtype, y, v, u, NULL, 0, s->n, s->m, s->k);
}

/* ---- cofactor -------------------------------------------------------------------------------- */

static mlp_status cofactor_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_square(c, 0, e));
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  want_svd(c, &s);
  return mlp_out_like(c, c->in[0], e);
}

/* det of an orthogonal matrix, which is overwritten: 1 or -1. */
static double orientation(const mlp_call *c, const mlp_matrices *s, svd_pieces p, size_t at) {
  double sign = factorise(s, mlp_work(c, at), mlp_work(c, p.integers));
  for (int64_t i = 0; i < s->n; i++)
    if (mlp_number_at(c->in[0]->dtype, mlp_work(c, at), i * s->n + i) < 0) sign = -sign;
  return sign;
}

/* With A = U S V' the cofactors are det(U) det(V) U diag(prod_(j != i) s_j) V'. */
static void cofactor_one(mlp_call *c, const mlp_matrices *s, svd_pieces p, int64_t i) {
  mlp_dtype dtype = c->in[0]->dtype;
  char *y = mlp_matrix_at(s, mlp_result(c, 0), i, elements(s));
  decompose(c, s, p, i);
  memcpy(y, mlp_work(c, p.u), (size_t)elements(s) * s->bytes);
  double sign = orientation(c, s, p, p.u);
  memcpy(mlp_work(c, p.u), y, (size_t)elements(s) * s->bytes);
  memcpy(y, mlp_work(c, p.vh), (size_t)elements(s) * s->bytes);
  sign *= orientation(c, s, p, p.vh);
  memcpy(mlp_work(c, p.vh), y, (size_t)elements(s) * s->bytes);
  for (int64_t j = 0; j < s->n; j++) { /* the input's copy is free to hold the products */
    double product = sign;
    for (int64_t k = 0; k < s->n; k++) product *= k == j ? 1 : value_at(c, p, k);
    mlp_put_number(dtype, mlp_work(c, p.a), j, product);
  }
  memcpy(mlp_work(c, p.s), mlp_work(c, p.a), (size_t)s->n * s->bytes);
  compose(c, s, p, mlp_work(c, p.a));
  mlp_transpose_into(y, mlp_work(c, p.a), s->n, s->n, s->bytes);
}

static void cofactor_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  size_t used = 0;
  svd_pieces p = lay_out(&s, &used);
  for (int64_t i = 0; i < s.count && s.n > 0; i++) cofactor_one(c, &s, p, i);
}

/* Of C = det(A) A'^-1: dA = <dC, C> A'^-1 - C dC' A'^-1, which asks for the inverse. */
static void cofactor_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *y = mlp_output(v, 0);
  if (!g || !y || mlp_tensor_count(y) == 0) return;
  mlp_tensor *turned = mlp_swap(v, inverse(v, mlp_input(v, 0)));
  mlp_tensor *inner = mlp_sum(v, mlp_sum(v, mlp_mul(v, g, y), -1, true), -2, true);
  mlp_tensor *moved = mlp_matmul(v, mlp_matmul(v, y, mlp_swap(v, g)), turned);
  mlp_give_grad(v, 0, mlp_sub(v, mlp_mul(v, inner, turned), moved));
}

const mlp_row mlp_row_linalg_cofactor = {
    .name = "linalg.cofactor",
    .doc = "The cofactors of A, det(A) A'^-1 where A has an inverse: the derivative of det.",
    .arg = {ARG_A("(..., n, n)")},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 1,
    .save_out = 1,
    .infer = cofactor_infer,
    .check = mlp_check_finite,
    .run = cofactor_run,
    .vjp = cofactor_vjp,
    .tiling = mlp_tiling_matrices,
};

/* ---- pinv, matrix_rank ----------------------------------------------------------------------- */

static mlp_status pinv_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_matrices(c, 0, false, e));
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  mlp_shape y = mlp_batch_and(c->in[0], 2, s.n, s.m);
  want_svd(c, &s);
  return mlp_out(c, c->in[0]->dtype, &y, e);
}

static void pinv_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  size_t used = 0;
  svd_pieces p = lay_out(&s, &used);
  for (int64_t i = 0; i < s.count && s.k > 0; i++) {
    decompose(c, &s, p, i);
    double least = least_value(c, &s, p);
    for (int64_t j = 0; j < s.k; j++) {
      double x = value_at(c, p, j);
      mlp_put_number(c->in[0]->dtype, mlp_work(c, p.s), j, x > least ? 1 / x : 0);
    }
    compose(c, &s, p, mlp_matrix_at(&s, mlp_result(c, 0), i, elements(&s)));
  }
}

/* x - a b */
static mlp_tensor *less_product(mlp_vjp *v, mlp_tensor *x, mlp_tensor *a, mlp_tensor *b) {
  return mlp_sub(v, x, mlp_matmul(v, a, b));
}

/* dA = -P' G P' + (I - A P) G' P P' + P' P G' (I - P A), without writing I. */
static void pinv_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *a = mlp_input(v, 0), *p = mlp_output(v, 0);
  if (!g || !p) return;
  mlp_tensor *pt = mlp_swap(v, p), *gt = mlp_swap(v, g);
  mlp_tensor *across = mlp_matmul(v, gt, mlp_matmul(v, p, pt));
  mlp_tensor *along = mlp_matmul(v, mlp_matmul(v, pt, p), gt);
  mlp_give_grad(v, 0, mlp_neg(v, mlp_matmul(v, mlp_matmul(v, pt, g), pt)));
  mlp_give_grad(v, 0, less_product(v, across, a, mlp_matmul(v, p, across)));
  mlp_give_grad(v, 0, less_product(v, along, mlp_matmul(v, along, p), a));
}

const mlp_row mlp_row_linalg_pinv = {
    .name = "linalg.pinv",
    .doc =
        "The pseudo-inverse (Moore, Penrose) of A, by singular values: of a matrix of any shape "
        "and "
        "rank. The gradient is that of changes that keep the rank.",
    .arg = {ARG_A("(..., m, n)"), ARG_RTOL},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 1,
    .save_in = 1,
    .save_out = 1,
    .infer = pinv_infer,
    .check = mlp_check_finite,
    .run = pinv_run,
    .vjp = pinv_vjp,
    .tiling = mlp_tiling_matrices,
};

static mlp_status matrix_rank_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_matrices(c, 0, false, e));
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  mlp_shape numbers = mlp_batch_and(c->in[0], 0, 0, 0);
  want_svd(c, &s);
  return mlp_out(c, MLP_I64, &numbers, e);
}

static void matrix_rank_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[0]);
  size_t used = 0;
  svd_pieces p = lay_out(&s, &used);
  int64_t *rank = mlp_result(c, 0);
  for (int64_t i = 0; i < s.count; i++) {
    rank[i] = 0;
    if (s.k == 0) continue;
    decompose(c, &s, p, i);
    double least = least_value(c, &s, p);
    for (int64_t j = 0; j < s.k; j++) rank[i] += value_at(c, p, j) > least;
  }
}

const mlp_row mlp_row_linalg_matrix_rank = {
    .name = "linalg.matrix_rank",
    .doc = "The rank of A, int64: how many of its singular values are not 0 but for rounding.",
    .arg = {ARG_A("(..., m, n)"), ARG_RTOL},
    .flags = MLP_NOT_A_METHOD | MLP_NO_GRADIENT,
    .n_out = 1,
    .infer = matrix_rank_infer,
    .check = mlp_check_finite,
    .run = matrix_rank_run,
    .tiling = mlp_tiling_matrices,
};

/* ---- least squares --------------------------------------------------------------------------- */

typedef struct {
  int64_t columns, longer;
  size_t a, b, s, integers, lapack;
} lstsq_work;

static lstsq_work lay_out_lstsq(const mlp_matrices *s, const right_side *r, size_t *used) {
  lstsq_work w = {.columns = r->columns, .longer = s->m > s->n ? s->m : s->n};
  w.a = mlp_piece(used, (size_t)elements(s) * s->bytes);
  w.b = mlp_piece(used, (size_t)(w.longer * w.columns) * s->bytes);
  w.s = mlp_piece(used, (size_t)s->k * s->bytes);
  w.integers =
      mlp_piece(used, 64 * (size_t)s->k * sizeof(int)); /* 3 k levels + 11 k, levels < 17 */
  w.lapack = *used;
  return w;
}

static double lstsq_rcond(const mlp_call *c, const mlp_matrices *s) {
  double rounding = c->in[0]->dtype == MLP_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
  double rtol = c->value[0].number;
  return rtol < 0 ? rounding * (s->m > s->n ? s->m : s->n) : rtol;
}

static mlp_status lstsq_infer(mlp_call *c, mlp_error *e) {
  right_side r;
  MLP_TRY(mlp_want_matrices(c, A, false, e));
  MLP_TRY(mlp_want_same_dtype(c, A, B, e));
  MLP_TRY(mlp_want_ndim(c, B, 1, MLP_MAX_DIMS, e));
  MLP_TRY(read_right_side(&r, c, e));
  mlp_matrices s = mlp_matrices_of(c->in[A]);
  mlp_shape x = solution_shape(&r, s.n);
  MLP_TRY(mlp_out(c, c->in[A]->dtype, &x, e));
  if (s.k == 0 || r.columns == 0) return MLP_OK;
  double wish;
  int integers, rank;
  size_t used = 0;
  lstsq_work w = lay_out_lstsq(&s, &r, &used);
  s.lapack->least_squares(s.m, s.n, (int)r.columns, NULL, NULL, (int)w.longer, NULL, 0, &rank,
                          &wish, -1, &integers);
  c->work_bytes = used + (size_t)s.lapack->wish(&wish) * s.bytes;
  return MLP_OK;
}

static mlp_status lstsq_check(const mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_check_finite_input(c, A, e));
  return mlp_check_finite_input(c, B, e);
}

/* B, column by column, stands in front of longer columns, in which the solutions come back. */
static void lstsq_one(mlp_call *c, const mlp_matrices *s, lstsq_work w, const void *a,
                      const void *b, void *x) {
  char *columns = mlp_work(c, w.b);
  int rank;
  mlp_shape in = {.ndim = 2, .dim = {s->m, w.columns}}, out = {2, {s->n, w.columns}};
  int64_t packed[] = {w.columns, 1}, apart[] = {1, w.longer};
  mlp_transpose_into(mlp_work(c, w.a), a, s->m, s->n, s->bytes);
  mlp_copy_strided(columns, apart, b, packed, &in, s->bytes);
  if (s->lapack->least_squares(s->m, s->n, (int)w.columns, mlp_work(c, w.a), columns, (int)w.longer,
                               mlp_work(c, w.s), lstsq_rcond(c, s), &rank, mlp_work(c, w.lapack),
                               mlp_work_length(c, w.lapack, s->bytes),
                               mlp_work(c, w.integers)) != 0)
    c->failure = "the iteration did not converge";
  mlp_copy_strided(x, packed, columns, apart, &out, s->bytes);
}

static void lstsq_run(mlp_call *c) {
  mlp_matrices s = mlp_matrices_of(c->in[A]);
  right_side r;
  mlp_error none;
  read_right_side(&r, c, &none); /* infer has seen that it fits */
  size_t used = 0;
  lstsq_work w = lay_out_lstsq(&s, &r, &used);
  int64_t count = mlp_shape_count(&r.batch), each = s.n * r.columns;
  if (s.k == 0 && count * each > 0) memset(mlp_result(c, 0), 0, (size_t)(count * each) * s.bytes);
  for (int64_t i = 0; i < count && s.k > 0 && r.columns > 0; i++) {
    int64_t ia = mlp_matrix_of(c->in[A], &r.batch, i), ib = mlp_matrix_of(c->in[B], &r.batch, i);
    lstsq_one(c, &s, w, mlp_matrix_at(&s, mlp_in(c, A), ia, elements(&s)),
              mlp_matrix_at(&s, mlp_in(c, B), ib, s.m * r.columns),
              mlp_matrix_at(&s, mlp_result(c, 0), i, each));
  }
}

/* With P the pseudo-inverse: dB = P' G, dA = -dB X' + (B - A X) (P P' G)' + P' X (G - P A G)'. */
static void lstsq_vjp(mlp_vjp *v) {
  bool vector = mlp_input(v, B)->shape.ndim == 1;
  mlp_tensor *a = mlp_input(v, A), *b = as_columns(v, mlp_input(v, B), vector);
  mlp_tensor *g = as_columns(v, mlp_grad_out(v, 0), vector);
  mlp_tensor *p =
      g ? mlp_emit(v, &mlp_row_linalg_pinv, MLP_IN(a), MLP_VALUES(*mlp_value_of(v, 0))) : NULL;
  if (!p) return;
  mlp_tensor *pt = mlp_swap(v, p), *gb = mlp_matmul(v, pt, g);
  give_in_shape(v, B, gb);
  if (!mlp_wanted(v, A)) return;
  mlp_tensor *x = as_columns(v, mlp_output(v, 0), vector);
  mlp_tensor *rest = less_product(v, b, a, x), *within = less_product(v, g, p, mlp_matmul(v, a, g));
  give_in_shape(v, A, mlp_neg(v, mlp_matmul(v, gb, mlp_swap(v, x))));
  give_in_shape(v, A, mlp_matmul(v, rest, mlp_swap(v, mlp_matmul(v, p, gb))));
  give_in_shape(v, A, mlp_matmul(v, mlp_matmul(v, pt, x), mlp_swap(v, within)));
}

const mlp_row mlp_row_linalg_lstsq = {
    .name = "linalg.lstsq",
    .doc =
        "The X that makes the sum of squares of A X - B least; among several the shortest, so that "
        "A may have any shape and rank. A b of one axis is one column; batches broadcast. The "
        "gradient is that of changes that keep the rank.",
    .arg = {ARG_A("(..., m, n)"),
            {MLP_ARG_TENSOR, "b", "(..., m, k) or (m)", NULL, NULL, false},
            ARG_RTOL},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 1,
    .save_in = 3,
    .save_out = 1,
    .infer = lstsq_infer,
    .check = lstsq_check,
    .run = lstsq_run,
    .vjp = lstsq_vjp,
    .tiling = mlp_tiling_matrices,
};
