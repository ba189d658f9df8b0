#include "kernel/lapack.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>

#include "kernel/blas.h"

/* The workspace of svd and eigh grows as some 7 k^2, whose count must stay below 2^31. */
enum { MOST = 16384 };

bool mlp_lapack_fits(int64_t m, int64_t n, bool square) {
  int64_t longer = m > n ? m : n, shorter = m > n ? n : m;
  return square ? longer <= MOST : shorter <= MOST && longer <= INT_MAX / 64;
}

/* Fortran's calling convention: everything by address; the lengths of the strings come last. */
#define DECLARE(T, p)                                                                              \
  void p##gesdd_(const char *, const int *, const int *, T *, const int *, T *, T *, const int *,  \
                 T *, const int *, T *, const int *, int *, int *, size_t);                        \
  void p##syevd_(const char *, const char *, const int *, T *, const int *, T *, T *, const int *, \
                 int *, const int *, int *, size_t, size_t);                                       \
  void p##gelqf_(const int *, const int *, T *, const int *, T *, T *, const int *, int *);        \
  void p##orglq_(const int *, const int *, const int *, T *, const int *, const T *, T *,          \
                 const int *, int *);                                                              \
  void p##getrf_(const int *, const int *, T *, const int *, int *, int *);                        \
  void p##getrs_(const char *, const int *, const int *, const T *, const int *, const int *, T *, \
                 const int *, int *, size_t);                                                      \
  void p##getri_(const int *, T *, const int *, const int *, T *, const int *, int *);             \
  void p##potrf_(const char *, const int *, T *, const int *, int *, size_t);                      \
  void p##gelsd_(const int *, const int *, const int *, T *, const int *, T *, const int *, T *,   \
                 const T *, int *, T *, const int *, int *, int *);

DECLARE(float, s)
DECLARE(double, d)

#define DEFINE(T, p)                                                                            \
  static int p##_svd(char job, int m, int n, void *a, void *s, void *u, int ldu, void *vt,      \
                     int ldvt, void *work, int lwork, int *iwork) {                             \
    int info = 0;                                                                               \
    mlp_blas_settle();                                                                          \
    p##gesdd_(&job, &m, &n, a, &m, s, u, &ldu, vt, &ldvt, work, &lwork, iwork, &info, 1);       \
    return info;                                                                                \
  }                                                                                             \
  static int p##_eigh(int n, void *a, void *w, void *work, int lwork, int *iwork, int liwork) { \
    int info = 0;                                                                               \
    mlp_blas_settle();                                                                          \
    p##syevd_("V", "L", &n, a, &n, w, work, &lwork, iwork, &liwork, &info, 1, 1);               \
    return info;                                                                                \
  }                                                                                             \
  static int p##_lq(int m, int n, void *a, int ld, void *tau, void *work, int lwork) {          \
    int info = 0;                                                                               \
    mlp_blas_settle();                                                                          \
    p##gelqf_(&m, &n, a, &ld, tau, work, &lwork, &info);                                        \
    return info;                                                                                \
  }                                                                                             \
  static int p##_lq_rows(int rows, int n, int k, void *a, int ld, const void *tau, void *work,  \
                         int lwork) {                                                           \
    int info = 0;                                                                               \
    p##orglq_(&rows, &n, &k, a, &ld, tau, work, &lwork, &info);                                 \
    return info;                                                                                \
  }                                                                                             \
  static int p##_lu(int n, void *a, int *pivot) {                                               \
    int info = 0;                                                                               \
    mlp_blas_settle();                                                                          \
    p##getrf_(&n, &n, a, &n, pivot, &info);                                                     \
    return info;                                                                                \
  }                                                                                             \
  static int p##_lu_solve(bool transposed, int n, int k, const void *a, const int *pivot,       \
                          void *b) {                                                            \
    int info = 0;                                                                               \
    p##getrs_(transposed ? "T" : "N", &n, &k, a, &n, pivot, b, &n, &info, 1);                   \
    return info;                                                                                \
  }                                                                                             \
  static int p##_lu_inverse(int n, void *a, const int *pivot, void *work, int lwork) {          \
    int info = 0;                                                                               \
    p##getri_(&n, a, &n, pivot, work, &lwork, &info);                                           \
    return info;                                                                                \
  }                                                                                             \
  static int p##_cholesky(int n, void *a) {                                                     \
    int info = 0;                                                                               \
    mlp_blas_settle();                                                                          \
    p##potrf_("U", &n, a, &n, &info, 1);                                                        \
    return info;                                                                                \
  }                                                                                             \
  static int p##_least_squares(int m, int n, int k, void *a, void *b, int ldb, void *s,         \
                               double rcond, int *rank, void *work, int lwork, int *iwork) {    \
    int info = 0;                                                                               \
    T smallest = (T)rcond;                                                                      \
    mlp_blas_settle();                                                                          \
    p##gelsd_(&m, &n, &k, a, &m, b, &ldb, s, &smallest, rank, work, &lwork, iwork, &info);      \
    return info;                                                                                \
  }                                                                                             \
  /* A float cannot hold every length: one part in a million more is asked for. */              \
  static int64_t p##_wish(const void *work) {                                                   \
    return (int64_t)ceil((double)*(const T *)work * 1.000001);                                  \
  }

DEFINE(float, s)
DEFINE(double, d)

#define TABLE(p)                                                                                \
  {                                                                                             \
    p##_svd, p##_eigh, p##_lq, p##_lq_rows, p##_lu, p##_lu_solve, p##_lu_inverse, p##_cholesky, \
        p##_least_squares, p##_wish                                                             \
  }

const mlp_lapack mlp_lapacks[2] = {TABLE(s), TABLE(d)};
