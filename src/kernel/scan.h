/*
** Loops along an axis whose results keep its length: running sums, and products of all elements but
** one. A block is (n, width), contiguous; the axis is the first. Tables are indexed by dtype.
*/
#ifndef MLP_KERNEL_SCAN_H
#define MLP_KERNEL_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/* y[i, j] = sum of x[0 .. i, j], or of x[i .. n-1, j] when reversed. float32 is summed in float64,
** each running sum rounded once; integers are summed as int64 and wrap. */
typedef void mlp_running_sum(void *y, const void *x, int64_t n, int64_t width, bool reverse);

/* y[i, j] = product of all x[k, j] with k other than i: exact also where elements are 0. */
typedef void mlp_others(void *y, const void *x, int64_t n, int64_t width);

/* Its derivative in the direction h: y[i, j] = sum over k of h[k, j] times the product of all
** x[l, j] with l other than i and k. `work` has room for n elements. */
typedef void mlp_others_slope(void *y, const void *x, const void *h, void *work, int64_t n,
                              int64_t width);

typedef struct {
  mlp_running_sum *sum[4];
  mlp_others *others[2];
  mlp_others_slope *others_slope[2];
} mlp_scan_kernels;

#endif
