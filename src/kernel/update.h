/*
** Optimizer steps over one block of n parameters: one pass that reads the gradient and the moments,
** writes parameters and moments, and touches nothing twice. Tables are indexed by dtype: float32, float64;
** constants are computed by the caller in double.
*/
#ifndef MLP_KERNEL_UPDATE_H
#define MLP_KERNEL_UPDATE_H

#include <stdint.h>

typedef struct {
  double lr, momentum, dampening, weight_decay, scale; /* scale multiplies the gradient */
  int nesterov;
} mlp_sgd;

typedef struct {
  double beta1, beta2, eps;
  double step;   /* lr / (1 - beta1^t) */
  double root;   /* 1 / sqrt(1 - beta2^t) */
  double shrink; /* what decoupled decay leaves of a parameter */
  double weight_decay, scale;
} mlp_adam;

typedef struct {
  double lr, alpha, eps, weight_decay, momentum, scale;
} mlp_rmsprop;

typedef struct {
  /* velocity may be NULL: no momentum; fresh: it is the gradient itself at the first step */
  void (*sgd[2])(void *p, const void *g, void *velocity, int fresh, const mlp_sgd *k, int64_t n);
  void (*adam[2])(void *p, const void *g, void *m, void *v, const mlp_adam *k, int64_t n);
  /* mean: of the gradient, NULL unless centered; velocity: NULL without momentum */
  void (*rmsprop[2])(void *p, const void *g, void *square, void *mean, void *velocity,
                     const mlp_rmsprop *k, int64_t n);
  /* the sum of x^2, in double */
  double (*square_sum[2])(const void *x, int64_t n);
} mlp_update_kernels;

#endif
