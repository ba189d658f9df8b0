/*
** Reductions: many numbers into fewer. A fold joins terms in an order that depends on sizes alone;
** the law of that order and the error bound stand in fold.inc.
** Tables are indexed by dtype: float32, float64, int64, uint8; NULL where a fold has no meaning.
*/
#ifndef MLP_KERNEL_REDUCE_H
#define MLP_KERNEL_REDUCE_H

#include <stdint.h>

enum { MLP_FOLD_DTYPES = 4, MLP_FOLD_FLOATS = 2 };

/* y[i] = fold of x[i * stride .. + n), for i in 0 .. rows. */
typedef void mlp_fold_along(void *y, const void *x, int64_t rows, int64_t n, int64_t stride);

/* y[j] = fold over i in 0 .. n of x[i * stride + j], for j in 0 .. width. */
typedef void mlp_fold_across(void *y, const void *x, int64_t n, int64_t width, int64_t stride);

typedef struct {
  mlp_fold_along *along[MLP_FOLD_DTYPES];
  mlp_fold_across *across[MLP_FOLD_DTYPES];
} mlp_fold;

/* The same with a number per result, shift[i] or shift[j], that every term of it reads. */
typedef void mlp_shifted_along(void *y, const void *x, int64_t rows, int64_t n, int64_t stride,
                               const void *shift);
typedef void mlp_shifted_across(void *y, const void *x, int64_t n, int64_t width, int64_t stride,
                                const void *shift);

typedef struct {
  mlp_shifted_along *along[MLP_FOLD_FLOATS];
  mlp_shifted_across *across[MLP_FOLD_FLOATS];
} mlp_shifted_fold;

/* place[i], place[j] = where, from 1, the first element equal to best[i], best[j] stands in its row
** or column; the first NaN when that is NaN. It must be there. */
typedef void mlp_find_along(int64_t *place, const void *best, const void *x, int64_t rows,
                            int64_t n);
typedef void mlp_find_across(int64_t *place, const void *best, const void *x, int64_t n,
                             int64_t width);

typedef struct {
  mlp_fold sum, prod;                     /* integers as int64, wrapping */
  mlp_fold max, min;                      /* of the type read; a NaN wins */
  mlp_fold count;                         /* int64: how many are not 0; NaN is not */
  mlp_fold sum_squares, sum_abs, max_abs; /* floats */
  mlp_shifted_fold excess;                /* sum of x - shift */
  mlp_shifted_fold deviations;            /* sum of (x - shift)^2 */
  mlp_shifted_fold exponentials;          /* sum of exp(x - shift) */
  mlp_find_along *find_along[MLP_FOLD_DTYPES];
  mlp_find_across *find_across[MLP_FOLD_DTYPES];
  void (*finite[MLP_FOLD_FLOATS])(void *y, const void *x, int64_t n); /* x, or 0 where not finite */
} mlp_reduce_kernels;

#endif
