/*
** Loops along an axis whose results keep its length: running sums and products. A block is
** (n, width), contiguous; the axis is the first. Tables are indexed by dtype.
*/
#ifndef MLP_KERNEL_SCAN_H
#define MLP_KERNEL_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/* y[i, j] = sum of x[0 .. i, j], or of x[i .. n-1, j] when reversed. float32 is summed in float64,
** each running sum rounded once; integers are summed as int64 and wrap. */
typedef void mlp_running_sum(void *y, const void *x, int64_t n, int64_t width, bool reverse);

/* Running products, and their derivatives, exact also where elements are 0; x, g, h and y are
** (n, width), `work` has room for 2 n elements. */
typedef struct {
  /* y[i] = x[0] ... x[i] */
  void (*product)(void *y, const void *x, int64_t n, int64_t width);
  /* y = how the running products change along h */
  void (*slope)(void *y, const void *x, const void *h, int64_t n, int64_t width);
  /* y[k] = sum over i of g[i] d product[i] / dx[k] */
  void (*back)(void *y, const void *x, const void *g, void *work, int64_t n, int64_t width);
  /* y = how `back` changes when x moves along h */
  void (*curve)(void *y, const void *x, const void *g, const void *h, void *work, int64_t n,
                int64_t width);
} mlp_running_product;

typedef struct {
  mlp_running_sum *sum[4];
  mlp_running_product product[2];
  void (*product_i64)(void *y, const void *x, int64_t n, int64_t width); /* wraps */
} mlp_scan_kernels;

#endif
