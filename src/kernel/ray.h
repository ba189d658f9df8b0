/*
** Loops along rays: n samples each, of optical thickness a = density times length. What reaches
** sample i is T_i = e^-(a_1 + ... + a_{i-1}); it counts with the weight w_i = T_i (1 - e^-a_i).
** Tables are indexed by dtype: float32, float64.
*/
#ifndef MLP_KERNEL_RAY_H
#define MLP_KERNEL_RAY_H

#include <stdint.h>

typedef struct {
  /* the place of the first number below 0, or -1 */
  int64_t (*first_negative[2])(const void *x, int64_t n);
  /* w (rays, n) of a = density delta */
  void (*weights[2])(void *w, const void *density, const void *delta, int64_t rays, int64_t n);
  /* total (rays) = sum w;  mean (rays, c) = sum w x of x (rays, n, c) */
  void (*total[2])(void *total, const void *w, int64_t rays, int64_t n);
  void (*mean[2])(void *mean, const void *w, const void *x, int64_t rays, int64_t n, int64_t c);
  /* seen (rays, c) += (1 - total) behind; behind steps by c from ray to ray, or by 0 */
  void (*behind[2])(void *seen, const void *total, const void *behind, int64_t step, int64_t rays,
                    int64_t c);
  /* da of sum q w: q_i T_{i+1} - sum over k > i of q_k w_k; work has room for n */
  void (*back[2])(void *da, const void *q, const void *a, void *work, int64_t rays, int64_t n);
  /* w differentiated along u: u_i T_{i+1} - w_i (u_1 + ... + u_{i-1}) */
  void (*along[2])(void *dw, const void *u, const void *a, int64_t rays, int64_t n);
  /* da of sum q along(u, a); work has room for n */
  void (*curve[2])(void *da, const void *q, const void *u, const void *a, void *work, int64_t rays,
                   int64_t n);
} mlp_ray_kernels;

#endif
