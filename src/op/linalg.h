/*
** What the rows of linear algebra share: the last two axes are a matrix, the axes before them a
** batch, walked one matrix after the other. LAPACK sees our rows as columns, so that a matrix A
** goes in as A'; each row says beside its call why the answer is right all the same.
**
** What arbitrary bases LAPACK chooses is settled here: of every eigenvector and left singular
** vector the largest element is positive. A derivative does not see a sign.
*/
#ifndef MLP_OP_LINALG_H
#define MLP_OP_LINALG_H

#include "kernel/lapack.h"
#include "op/build.h"

typedef struct {
  int64_t count; /* matrices in the batch */
  int m, n, k;   /* rows, columns, the smaller of both */
  size_t bytes;  /* of an element */
  const mlp_lapack *lapack;
} mlp_matrices;

/* Of an input that mlp_want_matrices has seen. */
mlp_matrices mlp_matrices_of(const mlp_tensor *t);

/* Refuses unless in[i] is float, has two axes or more, and LAPACK can hold it. */
mlp_status mlp_want_matrices(const mlp_call *c, int i, bool square_work, mlp_error *e);
mlp_status mlp_want_square(const mlp_call *c, int i, mlp_error *e);

/* check of rows that read matrices in in[0]: refuses NaN and infinity. */
mlp_status mlp_check_finite(const mlp_call *c, mlp_error *e);
mlp_status mlp_check_finite_input(const mlp_call *c, int i, mlp_error *e);

/* The shape of the batch of t with `more` axes of these lengths behind it. */
mlp_shape mlp_batch_and(const mlp_tensor *t, int more, int64_t rows, int64_t columns);

/* Matrix i of the batch of an array of `each` elements to a matrix. */
static inline void *mlp_matrix_at(const mlp_matrices *s, void *data, int64_t i, int64_t each) {
  return (char *)data + (size_t)(i * each) * s->bytes;
}

/* Adds a piece to the workspace and tells where it begins. */
static inline size_t mlp_piece(size_t *used, size_t bytes) {
  size_t at = *used;
  *used += mlp_whole_lines(bytes);
  return at;
}

/* What is behind `at` belongs to LAPACK: how many elements. */
static inline int mlp_work_length(const mlp_call *c, size_t at, size_t bytes) {
  return (int)((c->work_bytes - at) / bytes);
}

static inline void *mlp_work(const mlp_call *c, size_t at) { return (char *)c->work + at; }

/* Arithmetic on one matrix or vector of either float type. */
void mlp_symmetrise(mlp_dtype dtype, void *y, const void *a, int64_t n); /* y = (a + a') / 2 */
bool mlp_points_down(mlp_dtype dtype, const void *x, int64_t n, int64_t stride);
void mlp_turn_over(mlp_dtype dtype, void *x, int64_t n, int64_t stride); /* x = -x */
void mlp_identity(mlp_dtype dtype, void *y, int64_t n);
double mlp_number_at(mlp_dtype dtype, const void *x, int64_t i);
void mlp_put_number(mlp_dtype dtype, void *x, int64_t i, double number);
void mlp_transpose_into(void *y, const void *x, int64_t rows, int64_t columns, size_t bytes);

/* Matrices are independent of each other, their rows and columns are not. */
void mlp_tiling_matrices(const mlp_call *c, const mlp_tile *in, mlp_tile *out);

/* ---- for derivatives ------------------------------------------------------------------------- */

mlp_tensor *mlp_tril(mlp_vjp *v, mlp_tensor *a, int64_t offset);
mlp_tensor *mlp_triu(mlp_vjp *v, mlp_tensor *a, int64_t offset);
mlp_tensor *mlp_diagonal_matrix(mlp_vjp *v, mlp_tensor *d); /* (..., n) to (..., n, n) */
mlp_tensor *mlp_row_of(mlp_vjp *v, mlp_tensor *x);          /* (..., n) to (..., 1, n) */
mlp_tensor *mlp_column_of(mlp_vjp *v, mlp_tensor *x);       /* (..., n) to (..., n, 1) */
mlp_tensor *mlp_solve(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b);
mlp_tensor *mlp_halve_sum(mlp_vjp *v, mlp_tensor *a); /* (a + a') / 2 */

#endif
