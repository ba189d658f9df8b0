/*
** Losses of pairs of numbers, and their derivatives by the prediction. Tables are indexed by dtype:
** float32, float64.
*/
#ifndef MLP_KERNEL_LOSS_H
#define MLP_KERNEL_LOSS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
#define LOSS(name, reach, value, slope, curve, bend) MLP_LOSS_##name,
#include "kernel/loss.def"
#undef LOSS
  MLP_LOSS_COUNT
} mlp_loss_id;

enum { MLP_LOSS_SLOPE, MLP_LOSS_CURVE, MLP_LOSS_BEND, MLP_LOSS_ORDERS };

/* y = f(x, t; p) */
typedef void mlp_loss_value(void *y, const void *x, const void *t, int64_t n, double p);

/* y = scale g f'(x, t; p), f'' or f'''; g steps by g_step: 0 or 1 */
typedef void mlp_loss_chain(void *y, const void *g, int64_t g_step, const void *x, const void *t,
                            int64_t n, double p, double scale);

/* One row of binary cross entropies; a weight steps by 0 or 1, NULL is 1. */
typedef struct {
  const void *weight, *positive; /* of every term, of the terms of target 1 */
  int64_t weight_step, positive_step;
} mlp_bce_weights;

typedef struct {
  mlp_loss_value *const *value[2];
  mlp_loss_chain *const (*chain[2])[MLP_LOSS_ORDERS];

  /* y = t (log t - x), 0 where t is 0; p means nothing */
  mlp_loss_value *kl[2];

  /* y = weight ((1 - t) x + (1 + (positive - 1) t) log(1 + e^-x)), finite for any finite x */
  void (*bce[2])(void *y, const void *x, const void *t, const mlp_bce_weights *w, int64_t n);
  /* y = scale g times its slope */
  void (*bce_back[2])(void *y, const void *g, int64_t g_step, const void *x, const void *t,
                      const mlp_bce_weights *w, int64_t n, double scale);

  double (*sum[2])(const void *x, int64_t n);
} mlp_loss_kernels;

#endif
