/*
** Two arrays against each other: lerp goes from one to the other, distance measures between two
** points. Tables by dtype: float32, float64.
*/
#ifndef MLP_KERNEL_PAIR_H
#define MLP_KERNEL_PAIR_H

#include <stdint.h>

/* y = a + w (b - a), exactly b for w = 1; y may lie over a. w holds one number when single. */
typedef void mlp_lerp_kernel(void *y, const void *a, const void *b, const void *w, int single,
                             int64_t n);

/* y[j] = the fold over m coordinates of a[.] - b[j][.], for n points b. */
typedef void mlp_distance_kernel(void *y, const void *a, const void *b, int64_t n, int64_t m,
                                 double p);

/* Sum of squares, sum of |x|, largest |x|, sum of |x|^p. */
typedef enum { MLP_SQUARES, MLP_MAGNITUDES, MLP_LARGEST, MLP_POWERS, MLP_DISTANCES } mlp_distance;

typedef struct {
  mlp_lerp_kernel *lerp[2];
  mlp_distance_kernel *distance[2][MLP_DISTANCES];
} mlp_pair_kernels;

#endif
