/*
** Factorisations, by the LAPACK that OpenBLAS carries, one table of routines for each float type.
** Matrices are LAPACK's: column after column, `ld` elements apart. A row-major matrix is therefore
** seen transposed, and callers choose the routine that makes this right.
**
** Every routine answers LAPACK's info: 0, or a positive number where the numbers broke down.
** Callers promise sound sizes (ld at least 1 and the rows, nothing empty), because LAPACK prints
** about a negative one. With lwork = -1 a routine computes nothing and leaves in work[0] the length
** of work that it would like; `wish` reads it. Integers are 32 bits wide: mlp_lapack_fits.
*/
#ifndef MLP_KERNEL_LAPACK_H
#define MLP_KERNEL_LAPACK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  /* A (m, n) = U diag(s) V', divide and conquer; job 'N': s alone, 'S': k = min(m, n) columns of U
  ** and rows of V', 'A': all. iwork: 8 k. Overwrites a. */
  int (*svd)(char job, int m, int n, void *a, void *s, void *u, int ldu, void *vt, int ldvt,
             void *work, int lwork, int *iwork);
  /* The lower triangle of a (n, n) = V diag(w) V', w ascending; a becomes V. */
  int (*eigh)(int n, void *a, void *w, void *work, int lwork, int *iwork, int liwork);
  /* A (m, n) = L Q: L below and on the diagonal, reflectors above it, their factors in tau (k). */
  int (*lq)(int m, int n, void *a, int ld, void *tau, void *work, int lwork);
  /* The first `rows` rows of Q (rows, n) from k reflectors. */
  int (*lq_rows)(int rows, int n, int k, void *a, int ld, const void *tau, void *work, int lwork);
  /* A (n, n) = P L U; pivot[i], from 1, is the row that row i changed places with. */
  int (*lu)(int n, void *a, int *pivot);
  /* A X = B or A' X = B from lu's answer; b (n, k) becomes X. */
  int (*lu_solve)(bool transposed, int n, int k, const void *a, const int *pivot, void *b);
  int (*lu_inverse)(int n, void *a, const int *pivot, void *work, int lwork);
  /* A (n, n) = U' U, reads and writes the upper triangle. */
  int (*cholesky)(int n, void *a);
  /* The shortest X that makes |A X - B| least, A (m, n); singular values below rcond of the largest
  ** count as 0. b has ld max(m, n). */
  int (*least_squares)(int m, int n, int k, void *a, void *b, int ldb, void *s, double rcond,
                       int *rank, void *work, int lwork, int *iwork);
  int64_t (*wish)(const void *work);
} mlp_lapack;

/* [0] float, [1] double. */
extern const mlp_lapack mlp_lapacks[2];

/* Do LAPACK's 32 bits hold all that concerns a matrix (m, n), or, with `square`, the square
** matrices of its longer side? */
bool mlp_lapack_fits(int64_t m, int64_t n, bool square);

#endif
