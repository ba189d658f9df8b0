/*
** Reductions: many numbers into fewer. A fold joins terms in an order that depends on sizes alone;
** the law of that order and the error bound stand in fold.inc.
** Tables are indexed by dtype: float32, float64, int64, uint8; NULL where a fold has no meaning.
*/
#ifndef MLP_KERNEL_REDUCE_H
#define MLP_KERNEL_REDUCE_H

#include <stdint.h>

enum { MLP_FOLD_DTYPES = 4 };

/* y[i] = fold of x[i * stride .. + n), for i in 0 .. rows. */
typedef void mlp_fold_along(void *y, const void *x, int64_t rows, int64_t n, int64_t stride);

/* y[j] = fold over i in 0 .. n of x[i * stride + j], for j in 0 .. width. */
typedef void mlp_fold_across(void *y, const void *x, int64_t n, int64_t width, int64_t stride);

typedef struct {
  mlp_fold_along *along[MLP_FOLD_DTYPES];
  mlp_fold_across *across[MLP_FOLD_DTYPES];
} mlp_fold;

typedef struct {
  mlp_fold sum; /* integers are summed as int64 and wrap */
} mlp_reduce_kernels;

#endif
