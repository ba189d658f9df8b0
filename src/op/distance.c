/*
** Distances between all pairs of points of two sets. Of many coordinates |a - b|^2 = |a|^2 +
** |b|^2 - 2 a b is one matrix product; it loses digits where a and b are close to each other
** for their lengths, and such pairs are measured again, coordinate by coordinate.
*/
#include <math.h>

#include "kernel/kernel.h"
#include "op/factor.h"
#include "op/linalg.h"
#include "op/reduce.h"

extern const mlp_row mlp_row_cdist, mlp_row_sign, mlp_row_abs, mlp_row_pow, mlp_row_share_of_max;

enum { A, B };

/* From so many coordinates on a product is worth its second look at close pairs. */
enum { MANY = 24 };

/* A pair is close when |a - b|^2 is below this share of |a|^2 + |b|^2: above it, the product's
** rounding is at most some ten times that of the sum of squares. */
static const double CLOSE = 0.125;

typedef struct {
  mlp_shape batch;
  int64_t p, r, m; /* points of A, points of B, coordinates */
  mlp_dtype dtype;
  size_t bytes;
} points;

static mlp_status read_points(points *s, const mlp_call *c, mlp_error *e) {
  const mlp_tensor *a = c->in[A], *b = c->in[B];
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  mlp_shape left = mlp_batch_of(a), right = mlp_batch_of(b);
  s->p = a->shape.dim[a->shape.ndim - 2], s->m = a->shape.dim[a->shape.ndim - 1];
  s->r = b->shape.dim[b->shape.ndim - 2];
  s->dtype = a->dtype, s->bytes = mlp_dtype_bytes(a->dtype);
  if (b->shape.dim[b->shape.ndim - 1] != s->m)
    return mlp_refuse(e,
                      "cdist: x is %s but y is %s; points of equally many coordinates are wanted",
                      mlp_shape_text(ta, &a->shape), mlp_shape_text(tb, &b->shape));
  return mlp_shape_broadcast(&s->batch, &left, &right, "cdist", e);
}

static bool by_product(const mlp_call *c, const points *s) {
  return c->value[0].number == 2 && s->m >= MANY;
}

static mlp_status cdist_infer(mlp_call *c, mlp_error *e) {
  points s;
  for (int i = A; i <= B; i++) {
    MLP_TRY(mlp_want_float(c, i, e));
    MLP_TRY(mlp_want_ndim(c, i, 2, MLP_MAX_DIMS, e));
  }
  MLP_TRY(mlp_want_same_dtype(c, A, B, e));
  MLP_TRY(read_points(&s, c, e));
  if (!(c->value[0].number >= 1))
    return mlp_refuse(e, "cdist: p is %g but a number from 1 to math.huge is wanted",
                      c->value[0].number);
  mlp_shape shape = s.batch;
  shape.dim[shape.ndim++] = s.p;
  shape.dim[shape.ndim++] = s.r;
  if (by_product(c, &s)) c->work_bytes = (size_t)(s.p + s.r + s.m) * s.bytes;
  return mlp_out(c, s.dtype, &shape, e);
}

static void *point_at(const points *s, const void *x, int64_t i) {
  return (char *)(uintptr_t)x + (size_t)(i * s->m) * s->bytes;
}

static mlp_distance fold_of(double p) {
  return p == 2 ? MLP_SQUARES : p == 1 ? MLP_MAGNITUDES : p == HUGE_VAL ? MLP_LARGEST : MLP_POWERS;
}

/* y (p, r) = |a_i|^2 + |b_j|^2 - 2 a_i b_j, close pairs once more. */
static void squares_by_product(mlp_call *c, const points *s, void *y, const void *a,
                               const void *b) {
  mlp_distance_kernel *squares = mlp_kernel()->pair.distance[s->dtype][MLP_SQUARES];
  char *la = c->work, *lb = la + (size_t)s->p * s->bytes, *origin = lb + (size_t)s->r * s->bytes;
  for (int64_t k = 0; k < s->m; k++) mlp_put_number(s->dtype, origin, k, 0);
  squares(la, origin, a, s->p, s->m, 2);
  squares(lb, origin, b, s->r, s->m, 2);
  mlp_factor left = {a, s->m, false}, right = {b, s->m, true};
  mlp_multiply(s->dtype, y, left, right, NULL, 0, s->p, s->r, s->m);
  for (int64_t i = 0; i < s->p; i++) {
    for (int64_t j = 0; j < s->r; j++) {
      double sum = mlp_number_at(s->dtype, la, i) + mlp_number_at(s->dtype, lb, j);
      double square = sum - 2 * mlp_number_at(s->dtype, y, i * s->r + j);
      mlp_put_number(s->dtype, y, i * s->r + j, square);
      if (!(square >= CLOSE * sum))
        squares((char *)y + (size_t)(i * s->r + j) * s->bytes, point_at(s, a, i), point_at(s, b, j),
                1, s->m, 2);
    }
  }
}

/* The root that belongs to the fold. */
static void take_roots(mlp_dtype dtype, void *y, int64_t n, double p) {
  for (int64_t i = 0; i < n && p != 1 && p != HUGE_VAL; i++) {
    double x = mlp_number_at(dtype, y, i);
    mlp_put_number(dtype, y, i, p == 2 ? sqrt(x) : pow(x, 1 / p));
  }
}

static void cdist_run(mlp_call *c) {
  points s;
  mlp_error none;
  double p = c->value[0].number;
  read_points(&s, c, &none); /* infer has seen that they fit */
  int64_t count = mlp_shape_count(&s.batch);
  mlp_distance_kernel *fold = mlp_kernel()->pair.distance[s.dtype][fold_of(p)];
  for (int64_t i = 0; i < count; i++) {
    const void *a = point_at(&s, mlp_in(c, A), mlp_matrix_of(c->in[A], &s.batch, i) * s.p);
    const void *b = point_at(&s, mlp_in(c, B), mlp_matrix_of(c->in[B], &s.batch, i) * s.r);
    char *y = (char *)mlp_result(c, 0) + (size_t)(i * s.p * s.r) * s.bytes;
    if (by_product(c, &s))
      squares_by_product(c, &s, y, a, b);
    else
      for (int64_t j = 0; j < s.p; j++)
        fold(y + (size_t)(j * s.r) * s.bytes, point_at(&s, a, j), b, s.r, s.m, p);
  }
  take_roots(s.dtype, mlp_result(c, 0), count * s.p * s.r, p);
}

/* ---- the derivative -------------------------------------------------------------------------- */

/* With W = dY / Y, 0 where two points are one: dA = diag(W 1) A - W B, dB = diag(W' 1) B - W' A. */
static void euclidean_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *a = mlp_input(v, A), *b = mlp_input(v, B);
  if (!g) return;
  mlp_tensor *w = mlp_mul(v, g, mlp_reduce_inverse(v, mlp_output(v, 0)));
  mlp_tensor *ga = mlp_sub(v, mlp_mul(v, mlp_sum(v, w, -1, true), a), mlp_matmul(v, w, b));
  mlp_give_grad(v, A, mlp_sum_like(v, ga, A));
  mlp_tensor *wt = mlp_swap(v, w);
  mlp_tensor *gb = mlp_sub(v, mlp_mul(v, mlp_sum(v, wt, -1, true), b), mlp_matmul(v, wt, a));
  mlp_give_grad(v, B, mlp_sum_like(v, gb, B));
}

/* How a distance follows a coordinate, but for its sign: (|x| / d)^(p - 1); for p = infinity the
** largest coordinates share evenly. */
static mlp_tensor *share_of_coordinate(mlp_vjp *v, mlp_tensor *magnitude, double p) {
  mlp_tensor *y = mlp_output(v, 0);
  if (p == HUGE_VAL) {
    mlp_tensor *tie = mlp_emit(v, &mlp_row_share_of_max, MLP_IN(magnitude, mlp_with_axis(v, y, 0)),
                               MLP_NO_VALUES);
    return mlp_div(v, tie, mlp_sum(v, tie, -1, true));
  }
  mlp_tensor *ratio = mlp_mul(v, magnitude, mlp_with_axis(v, mlp_reduce_inverse(v, y), 0));
  return ratio
             ? mlp_emit(v, &mlp_row_pow, MLP_IN(ratio, mlp_scalar(v, ratio, p - 1)), MLP_NO_VALUES)
             : NULL;
}

/* All differences at once: (..., P, R, M). */
static void other_vjp(mlp_vjp *v, double p) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  if (!g || v->status != MLP_OK) return;
  mlp_tensor *x =
      mlp_sub(v, mlp_with_axis(v, mlp_input(v, A), 1), mlp_with_axis(v, mlp_input(v, B), 2));
  mlp_tensor *sign = mlp_emit(v, &mlp_row_sign, MLP_IN(x), MLP_NO_VALUES);
  mlp_tensor *slope = mlp_mul(v, mlp_with_axis(v, g, 0), sign);
  if (p != 1) {
    mlp_tensor *magnitude = mlp_emit(v, &mlp_row_abs, MLP_IN(x), MLP_NO_VALUES);
    slope = mlp_mul(v, slope, share_of_coordinate(v, magnitude, p));
  }
  mlp_give_grad(v, A, mlp_sum_like(v, mlp_sum(v, slope, -2, false), A));
  mlp_give_grad(v, B, mlp_neg(v, mlp_sum_like(v, mlp_sum(v, slope, -3, false), B)));
}

static void cdist_vjp(mlp_vjp *v) {
  double p = mlp_value_of(v, 0)->number;
  if (p == 2)
    euclidean_vjp(v);
  else
    other_vjp(v, p);
}

/* Points of either set may come a tile at a time. */
static void cdist_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  for (int i = A; i <= B; i++) {
    bool alone = in[i].spread == MLP_ROWS && in[1 - i].spread == MLP_SHARED;
    if (!alone || in[i].axis != c->in[i]->shape.ndim - 2) continue;
    out[0] = (mlp_tile){MLP_ROWS, c->spec[0].shape.ndim - (i == A ? 2 : 1), in[i].multiple};
    return;
  }
  mlp_tiling_matrices(c, in, out);
}

const mlp_row mlp_row_cdist = {
    .name = "cdist",
    .doc =
        "The distances (..., P, R) of all points of x to all points of y: (sum |x - y|^p)^(1/p) "
        "over the coordinates.\n"
        "The gradient between two equal points is 0. For p other than 2 it makes a tensor (..., P, "
        "R, M).",
    .arg = {{MLP_ARG_TENSOR, "x", "(..., P, M): P points of M coordinates", NULL, NULL, false},
            {MLP_ARG_TENSOR, "y", "(..., R, M)", NULL, NULL, false},
            {MLP_ARG_NUMBER, "p", "from 1 to math.huge, the largest difference", "2", NULL, true}},
    .n_out = 1,
    .save_in = 3,
    .save_out = 1,
    .infer = cdist_infer,
    .run = cdist_run,
    .vjp = cdist_vjp,
    .tiling = cdist_tiling,
};
