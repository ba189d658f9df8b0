/*
** One step of an optimizer over one block of numbers, in one pass, and what is asked of gradients
** before it. A step takes its blocks in the order of the row's lists (parameter p, gradient g, then
** moments; NULL where the method knows a form without one) and the constants of the step, which are
** doubles until the loop, whose arithmetic is the dtype's. Tables are indexed by dtype: float32,
** float64.
*/
#ifndef MLP_KERNEL_UPDATE_H
#define MLP_KERNEL_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

/* p g v. d = scale g + decay p; v = keep v + share d; p -= lr v, with nesterov lr (d + momentum v).
** Without v: p -= lr d */
typedef struct {
  double lr, momentum, keep, share, decay, scale;
  bool nesterov;
} mlp_sgd;

/* p g m v. p = keep p; d = scale g + decay p; m, v: averages of d, d^2 with rates 1 - beta;
** p -= rate m / (sqrt(v) root + epsilon) */
typedef struct {
  double rate, beta1, beta2, epsilon, decay, keep, root, scale;
} mlp_adam;

/* p g m u. d = scale g + decay p; m: average of d; u = max(beta2 u, |d| + epsilon);
** p -= rate m / u */
typedef struct {
  double rate, beta1, beta2, epsilon, decay, scale;
} mlp_adamax;

/* p g q a b. d = scale g + decay p; q, a: averages of d^2, d; u = d / (sqrt(q - a^2) + epsilon);
** b = momentum b + u; p -= lr b */
typedef struct {
  double lr, alpha, epsilon, decay, momentum, scale;
} mlp_rmsprop;

/* p g s. d = scale g + decay p; s += d^2; p -= rate d / (sqrt(s) + epsilon) */
typedef struct {
  double rate, epsilon, decay, scale;
} mlp_adagrad;

/* p g m. d = scale g; p = keep p - lr sign(beta1 m + (1 - beta1) d); m = beta2 m + (1 - beta2) d */
typedef struct {
  double lr, beta1, beta2, keep, scale;
} mlp_lion;

/* a p. a += share (p - a) */
typedef struct {
  double share;
} mlp_average;

/* p s. s += share (p - s); p = s */
typedef struct {
  double share;
} mlp_lookahead;

typedef union {
  mlp_sgd sgd;
  mlp_adam adam;
  mlp_adamax adamax;
  mlp_rmsprop rmsprop;
  mlp_adagrad adagrad;
  mlp_lion lion;
  mlp_average average;
  mlp_lookahead lookahead;
} mlp_step_constants;

typedef enum {
  MLP_STEP_SGD,
  MLP_STEP_ADAM,
  MLP_STEP_ADAMAX,
  MLP_STEP_RMSPROP,
  MLP_STEP_ADAGRAD,
  MLP_STEP_LION,
  MLP_STEP_AVERAGE,
  MLP_STEP_LOOKAHEAD,
  MLP_STEPS
} mlp_step_id;

typedef void mlp_step_loop(void *const *data, const mlp_step_constants *constants, int64_t n);

typedef struct {
  mlp_step_loop *step[MLP_STEPS][2];
  /* row[i] = sum of (scale g)^2 over row i of a matrix; added to column[j] for every row */
  void (*add_squares[2])(const void *g, double scale, double *row, double *column, int64_t rows,
                         int64_t columns);
  /* u = row[i] column[j] g */
  void (*scale_matrix[2])(void *u, const void *g, const double *row, const double *column,
                          int64_t rows, int64_t columns);
  /* d = scale g; v = keep v + (1 - keep) (d^2 + epsilon); u = d / sqrt(v) */
  void (*scale_numbers[2])(void *u, const void *g, void *v, double scale, double keep,
                           double epsilon, int64_t n);
  double (*sum_squares[2])(const void *x, int64_t n);
  bool (*finite[2])(const void *x, int64_t n);
} mlp_update_kernels;

#endif
