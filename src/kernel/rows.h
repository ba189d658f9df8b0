/*
** Loops that need a whole row of a (rows, n) array at once: softmax, cross entropy, normalisation,
** and their derivatives. Tables are indexed by dtype: float32, float64. Sums of a row run in a
** fixed number of lanes, whatever the instruction set. A row that holds a NaN gives NaN.
*/
#ifndef MLP_KERNEL_ROWS_H
#define MLP_KERNEL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
** What the rows of a cross entropy are held against: -sum_c q_c log p_c, where
** q_c = weight_c ((1 - smoothing) target_c + smoothing / n).
*/
typedef struct {
  const int64_t *classes;  /* (rows) from 1, or NULL: */
  const void *probability; /* (rows, n) */
  const void *weight;      /* (n), or NULL: 1 */
  const uint8_t *mask;     /* (rows), 0: the row counts for nothing and is not read; or NULL */
  double smoothing;
  bool only_log_sum; /* of the derivative: the part of log p that all classes share */
} mlp_targets;

/* One row x, y = (x - mean) rstd weight + bias; for the root mean square mean is 0 throughout. */
typedef struct {
  const void *weight, *bias; /* (n), or NULL */
  double epsilon;
  bool centred; /* false: mean is neither taken nor read */
} mlp_norm;

typedef struct {
  /* y = softmax x, log softmax x, over each row; y may be x */
  void (*softmax[2])(void *y, const void *x, int64_t rows, int64_t n);
  void (*log_softmax[2])(void *y, const void *x, int64_t rows, int64_t n);

  /* dx = y (g - sum g y) of y = softmax x; dx = g - e^y sum g of y = log softmax x */
  void (*softmax_back[2])(void *dx, const void *g, const void *y, int64_t rows, int64_t n);
  void (*log_softmax_back[2])(void *dx, const void *g, const void *y, int64_t rows, int64_t n);

  /* loss (rows); log p_c = x_c - top - log_sum, with top and log_sum (rows) or NULL */
  void (*cross_entropy[2])(void *loss, void *top, void *log_sum, const void *x,
                           const mlp_targets *t, int64_t rows, int64_t n);
  /* dx = scale g (p sum q - q); g steps by g_step from row to row: 0 or 1 */
  void (*cross_entropy_back[2])(void *dx, const void *g, int64_t g_step, const void *x,
                                const void *top, const void *log_sum, const mlp_targets *t,
                                double scale, int64_t rows, int64_t n);

  /* loss = -weight x at the class, x being log probabilities; dx = -scale g weight there, else 0 */
  void (*nll[2])(void *loss, const void *x, const mlp_targets *t, int64_t rows, int64_t n);
  void (*nll_back[2])(void *dx, const void *g, int64_t g_step, const mlp_targets *t, double scale,
                      int64_t rows, int64_t n);

  /* mean and rstd (rows), or NULL */
  void (*norm[2])(void *y, void *mean, void *rstd, const void *x, const mlp_norm *k, int64_t rows,
                  int64_t n);
  /* dx (rows, n); dweight, dbias (n) or NULL; work has room for 2 n */
  void (*norm_back[2])(void *dx, void *dweight, void *dbias, void *work, const void *g,
                       const void *x, const void *mean, const void *rstd, const mlp_norm *k,
                       int64_t rows, int64_t n);

  /* y[place[i] - 1] += x[i], whole rows, in the order of i; y (any rows, n), x (rows, n) */
  void (*add_rows[2])(void *y, const void *x, const int64_t *place, int64_t rows, int64_t n);

  /* pairs of numbers of each row turned by the angle of their place: (a, b) becomes
  ** (a cos - b sin, a sin + b cos). cos, sin (n / 2); a pair lies side by side, or, in halves, half
  ** a row apart. y may be x */
  void (*rotate[2])(void *y, const void *x, const void *cos, const void *sin, bool halves,
                    int64_t rows, int64_t n);

  /* rows of a mixture of experts: T tokens of D numbers stand at place (T, K), from 1, with weight
  ** w (T, K) or NULL: 1. y (T K, D) = w x; y (T, D) = sum_k w rows; w (T, K) = <x, rows> */
  void (*dispatch[2])(void *y, const void *x, const int64_t *place, const void *w, int64_t T,
                      int64_t K, int64_t D);
  void (*combine[2])(void *y, const void *rows, const int64_t *place, const void *w, int64_t T,
                     int64_t K, int64_t D);
  void (*combine_dot[2])(void *w, const void *x, const void *rows, const int64_t *place, int64_t T,
                         int64_t K, int64_t D);
} mlp_rows_kernels;

#endif
