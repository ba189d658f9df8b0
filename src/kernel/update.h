/*
** One step of an optimizer over one block of numbers, in one pass, and what is asked of gradients
** before it. Tables are indexed by dtype: float32, float64. Numbers of the step are doubles
** until the loop, whose arithmetic is the dtype's.
*/
#ifndef MLP_KERNEL_UPDATE_H
#define MLP_KERNEL_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

/* d = scale g + decay p; v = keep v + share d; p -= lr v, with nesterov lr (d + momentum v). */
typedef struct {
  double lr, momentum, keep, share, decay, scale;
  bool nesterov;
} mlp_sgd;

/* p = keep p; d = scale g + decay p; m, v: averages of d, d^2 with rates 1 - beta;
** p -= rate m / (sqrt(v) root + epsilon) */
typedef struct {
  double rate, beta1, beta2, epsilon, decay, keep, root, scale;
} mlp_adam;

/* d = scale g + decay p; q, a: averages of d^2, d; u = d / (sqrt(q - a^2) + epsilon);
** b = momentum b + u; p -= lr b */
typedef struct {
  double lr, alpha, epsilon, decay, momentum, scale;
} mlp_rmsprop;

typedef struct {
  /* moments may be NULL where the method knows a form without them */
  void (*sgd[2])(void *p, const void *g, void *v, const mlp_sgd *k, int64_t n);
  void (*adam[2])(void *p, const void *g, void *m, void *v, const mlp_adam *k, int64_t n);
  void (*rmsprop[2])(void *p, const void *g, void *q, void *a, void *b, const mlp_rmsprop *k,
                     int64_t n);
  double (*sum_squares[2])(const void *x, int64_t n);
  bool (*finite[2])(const void *x, int64_t n);
} mlp_update_kernels;

#endif
