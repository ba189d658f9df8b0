#include "op/linalg.h"

#include <math.h>
#include <string.h>

#include "op/strided.h"

extern const mlp_row mlp_row_tril, mlp_row_triu, mlp_row_diagonal_back, mlp_row_linalg_solve;

/* ---- shapes ---------------------------------------------------------------------------------- */

mlp_matrices mlp_matrices_of(const mlp_tensor *t) {
  const mlp_shape *s = &t->shape;
  mlp_matrices x = {.count = 1,
                    .m = (int)s->dim[s->ndim - 2],
                    .n = (int)s->dim[s->ndim - 1],
                    .bytes = mlp_dtype_bytes(t->dtype),
                    .lapack = &mlp_lapacks[t->dtype == MLP_F64]};
  for (int i = 0; i < s->ndim - 2; i++) x.count *= s->dim[i];
  x.k = x.m < x.n ? x.m : x.n;
  return x;
}

mlp_status mlp_want_matrices(const mlp_call *c, int i, bool square_work, mlp_error *e) {
  const mlp_shape *s = &c->in[i]->shape;
  char text[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_float(c, i, e));
  MLP_TRY(mlp_want_ndim(c, i, 2, MLP_MAX_DIMS, e));
  if (mlp_lapack_fits(s->dim[s->ndim - 2], s->dim[s->ndim - 1], square_work)) return MLP_OK;
  return mlp_refuse(e, "%s: %s is %s, which is larger than LAPACK's 32-bit lengths hold",
                    c->row->name, mlp_in_name(c, i), mlp_shape_text(text, s));
}

mlp_status mlp_want_square(const mlp_call *c, int i, mlp_error *e) {
  const mlp_shape *s = &c->in[i]->shape;
  char text[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_matrices(c, i, true, e));
  if (s->dim[s->ndim - 2] == s->dim[s->ndim - 1]) return MLP_OK;
  return mlp_refuse(e, "%s: %s is %s but square matrices are wanted", c->row->name,
                    mlp_in_name(c, i), mlp_shape_text(text, s));
}

mlp_shape mlp_batch_and(const mlp_tensor *t, int more, int64_t rows, int64_t columns) {
  mlp_shape s = t->shape;
  s.ndim -= 2;
  if (more > 0) s.dim[s.ndim++] = rows;
  if (more > 1) s.dim[s.ndim++] = columns;
  return s;
}

/* ---- numbers --------------------------------------------------------------------------------- */

#define DEFINE(T, suffix)                                                                          \
  static int64_t first_not_finite_##suffix(const T *x, int64_t n) {                                \
    int64_t i = 0;                                                                                 \
    while (i < n && isfinite(x[i])) i++;                                                           \
    return i;                                                                                      \
  }                                                                                                \
  static void symmetrise_##suffix(T *y, const T *a, int64_t n) {                                   \
    for (int64_t i = 0; i < n; i++)                                                                \
      for (int64_t j = 0; j < n; j++) y[i * n + j] = a[i * n + j] / 2 + a[j * n + i] / 2;          \
  }                                                                                                \
  /* Of elements within a hundredth of the largest the first decides: rounding shall not. */       \
  static bool points_down_##suffix(const T *x, int64_t n, int64_t stride) {                        \
    T most = 0;                                                                                    \
    int64_t i = 0;                                                                                 \
    for (int64_t j = 0; j < n; j++)                                                                \
      most = x[j * stride] > most ? x[j * stride] : -x[j * stride] > most ? -x[j * stride] : most; \
    while (i < n - 1 && x[i * stride] < most * (T)0.99 && -x[i * stride] < most * (T)0.99) i++;    \
    return n > 0 && x[i * stride] < 0;                                                             \
  }                                                                                                \
  static void turn_over_##suffix(T *x, int64_t n, int64_t stride) {                                \
    for (int64_t i = 0; i < n; i++) x[i * stride] = -x[i * stride];                                \
  }

DEFINE(float, f32)
DEFINE(double, f64)

mlp_status mlp_check_finite_input(const mlp_call *c, int i, mlp_error *e) {
  int64_t n = mlp_tensor_count(c->in[i]);
  const void *x = mlp_in(c, i);
  int64_t bad =
      c->in[i]->dtype == MLP_F32 ? first_not_finite_f32(x, n) : first_not_finite_f64(x, n);
  if (bad == n) return MLP_OK;
  return mlp_refuse(e, "%s: %s holds %g, but finite numbers are wanted", c->row->name,
                    mlp_in_name(c, i), mlp_number_at(c->in[i]->dtype, x, bad));
}

mlp_status mlp_check_finite(const mlp_call *c, mlp_error *e) {
  return mlp_check_finite_input(c, 0, e);
}

void mlp_symmetrise(mlp_dtype dtype, void *y, const void *a, int64_t n) {
  if (dtype == MLP_F32)
    symmetrise_f32(y, a, n);
  else
    symmetrise_f64(y, a, n);
}

bool mlp_points_down(mlp_dtype dtype, const void *x, int64_t n, int64_t stride) {
  return dtype == MLP_F32 ? points_down_f32(x, n, stride) : points_down_f64(x, n, stride);
}

void mlp_turn_over(mlp_dtype dtype, void *x, int64_t n, int64_t stride) {
  if (dtype == MLP_F32)
    turn_over_f32(x, n, stride);
  else
    turn_over_f64(x, n, stride);
}

double mlp_number_at(mlp_dtype dtype, const void *x, int64_t i) {
  return dtype == MLP_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

void mlp_put_number(mlp_dtype dtype, void *x, int64_t i, double number) {
  if (dtype == MLP_F32)
    ((float *)x)[i] = (float)number;
  else
    ((double *)x)[i] = number;
}

void mlp_identity(mlp_dtype dtype, void *y, int64_t n) {
  if (n > 0) memset(y, 0, (size_t)(n * n) * mlp_dtype_bytes(dtype));
  for (int64_t i = 0; i < n; i++) mlp_put_number(dtype, y, i * n + i, 1);
}

void mlp_transpose_into(void *y, const void *x, int64_t rows, int64_t columns, size_t bytes) {
  mlp_shape shape = {.ndim = 2, .dim = {rows, columns}};
  int64_t to[] = {1, rows}, from[] = {columns, 1};
  mlp_copy_strided(y, to, x, from, &shape, bytes);
}

/* ---- tiling ---------------------------------------------------------------------------------- */

/* Does input i allow tiles of the batch axis that lies `place` axes from the end? */
static bool tiles_along(const mlp_call *c, const mlp_tile *in, int i, int place, int64_t multiple) {
  const mlp_shape *s = &c->in[i]->shape;
  if (in[i].spread == MLP_SHARED) return s->ndim < place || s->dim[s->ndim - place] == 1;
  return in[i].spread == MLP_ROWS && s->ndim - in[i].axis == place && in[i].multiple == multiple;
}

void mlp_tiling_matrices(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  int first = 0, ndim = 0, place = 0;
  while (first < c->n_in - 1 && in[first].spread == MLP_SHARED) first++;
  for (int i = 0; i < c->n_in; i++)
    if (c->in[i]->shape.ndim > ndim) ndim = c->in[i]->shape.ndim;
  if (in[first].spread == MLP_ROWS) place = c->in[first]->shape.ndim - in[first].axis;
  bool apart = place > 2;
  for (int i = 0; i < c->n_in && apart; i++)
    apart = tiles_along(c, in, i, place, in[first].multiple);
  if (!apart) {
    mlp_tiling_whole(c, in, out);
    return;
  }
  for (int i = 0; i < c->n_out; i++)
    out[i] = (mlp_tile){MLP_ROWS, ndim - place, in[first].multiple};
}

/* ---- for derivatives ------------------------------------------------------------------------- */

mlp_tensor *mlp_tril(mlp_vjp *v, mlp_tensor *a, int64_t offset) {
  return mlp_emit(v, &mlp_row_tril, MLP_IN(a), MLP_VALUES({.integer = offset}));
}

mlp_tensor *mlp_triu(mlp_vjp *v, mlp_tensor *a, int64_t offset) {
  return mlp_emit(v, &mlp_row_triu, MLP_IN(a), MLP_VALUES({.integer = offset}));
}

mlp_tensor *mlp_diagonal_matrix(mlp_vjp *v, mlp_tensor *d) {
  if (!d) return NULL;
  int n = d->shape.ndim;
  mlp_value shape = {.list = {.n = n + 1}};
  memcpy(shape.list.item, d->shape.dim, sizeof d->shape.dim);
  shape.list.item[n] = d->shape.dim[n - 1];
  return mlp_emit(v, &mlp_row_diagonal_back, MLP_IN(d),
                  MLP_VALUES({.integer = 0}, {.integer = n - 1}, {.integer = n}, shape));
}

static mlp_tensor *with_one(mlp_vjp *v, mlp_tensor *x, bool behind) {
  if (!x) return NULL;
  mlp_shape s = x->shape;
  int64_t n = s.dim[s.ndim - 1];
  s.dim[s.ndim - 1] = behind ? n : 1;
  s.dim[s.ndim++] = behind ? 1 : n;
  return mlp_reshape(v, x, &s);
}

mlp_tensor *mlp_row_of(mlp_vjp *v, mlp_tensor *x) { return with_one(v, x, false); }
mlp_tensor *mlp_column_of(mlp_vjp *v, mlp_tensor *x) { return with_one(v, x, true); }

mlp_tensor *mlp_solve(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b) {
  return a && b ? mlp_emit(v, &mlp_row_linalg_solve, MLP_IN(a, b), MLP_NO_VALUES) : NULL;
}

mlp_tensor *mlp_halve_sum(mlp_vjp *v, mlp_tensor *a) {
  return a ? mlp_scale(v, mlp_add(v, a, mlp_swap(v, a)), 0.5) : NULL;
}
