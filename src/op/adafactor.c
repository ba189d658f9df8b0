/*
** Adafactor: Adam's division by the average of squares, of which a matrix keeps the means of its
** rows and columns alone (Shazeer and Stern 2018, algorithms 4 and 5). Parameters of fewer than two
** axes keep the whole; of those with more, each matrix of the last two axes is one by itself.
**
** The list `rows` holds (..., rows) for matrices and the whole squares for others, `columns` holds
** (..., columns) and for others tensors without elements.
*/
#include <math.h>
#include <string.h>

#include "op/step.h"

enum { P, G, ROWS, COLUMNS, MEANS, LISTS };
enum {
  LR,
  BETA2_DECAY,
  EPS_SQUARE,
  EPS_SCALE,
  CLIP,
  BETA1,
  DECAY,
  RELATIVE,
  SCALE_PARAMETER,
  COUNT,
  SCALE,
  SLOTS
};
_Static_assert((int)SLOTS <= (int)MLP_STEP_SLOTS, "adafactor's slots fit");

/* ---- shapes ---------------------------------------------------------------------------------- */

static bool is_matrix(const mlp_tensor *p) { return p->shape.ndim >= 2; }

/* The shape of p without one of its last two axes. */
static mlp_shape without(const mlp_tensor *p, int axis) {
  mlp_shape s = p->shape;
  for (int k = axis; k < s.ndim - 1; k++) s.dim[k] = s.dim[k + 1];
  s.ndim--;
  return s;
}

static mlp_status want_squares(const mlp_call *c, int i, mlp_error *e) {
  const mlp_tensor *p = c->in[i];
  int n = p->shape.ndim;
  mlp_shape rows = is_matrix(p) ? without(p, n - 1) : p->shape, none = {.ndim = 1, .dim = {0}};
  mlp_shape columns = is_matrix(p) ? without(p, n - 2) : none;
  MLP_TRY(mlp_want_like_parameter(c, ROWS, i, &rows, e));
  return mlp_want_like_parameter(c, COLUMNS, i, &columns, e);
}

static int64_t sums_of(const mlp_tensor *p) {
  return is_matrix(p) ? p->shape.dim[p->shape.ndim - 2] + p->shape.dim[p->shape.ndim - 1] : 0;
}

/* Sums of rows and columns in double; the update, p, and averages where these are views. */
static size_t bytes_wanted(const mlp_call *c, int i) {
  const mlp_tensor *p = c->in[i];
  size_t numbers = 2 * (size_t)mlp_tensor_count(p) +
                   (size_t)mlp_tensor_count(mlp_listed(c, ROWS, i)) +
                   (size_t)mlp_tensor_count(mlp_listed(c, COLUMNS, i));
  return (size_t)sums_of(p) * sizeof(double) + numbers * mlp_dtype_bytes(p->dtype);
}

static mlp_status adafactor_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_lists(c, LISTS, MEANS, e));
  for (int i = 0; i < c->value[P].integer; i++) {
    MLP_TRY(mlp_want_like_parameter(c, G, i, &c->in[i]->shape, e));
    MLP_TRY(want_squares(c, i, e));
    if (c->value[MEANS].integer > 0)
      MLP_TRY(mlp_want_like_parameter(c, MEANS, i, &c->in[i]->shape, e));
    size_t bytes = bytes_wanted(c, i);
    if (bytes > c->work_bytes) c->work_bytes = bytes;
  }
  return mlp_want_hyper(c, LISTS, SLOTS, e);
}

/* ---- the divided gradient -------------------------------------------------------------------- */

/* Where one parameter's step works. */
typedef struct {
  mlp_dtype dtype;
  double keep;  /* of the averages */
  double *sums; /* of rows, then of columns */
  char *u;      /* the update */
  char *rows;   /* the averages, in blocks */
  char *columns;
  char *packed; /* room for p */
} bench;

static double get(const bench *w, const char *block, int64_t k) {
  return w->dtype == MLP_F32 ? (double)((const float *)(const void *)block)[k]
                             : ((const double *)(const void *)block)[k];
}

static void set(const bench *w, char *block, int64_t k, double x) {
  if (w->dtype == MLP_F32)
    ((float *)(void *)block)[k] = (float)x;
  else
    ((double *)(void *)block)[k] = x;
}

/* Takes n sums of `each` squares, epsilon added to every square, into averages block[at ..]; leaves
** the averages in sum and gives their mean. */
static double average(const bench *w, char *block, int64_t at, double *sum, int64_t n, int64_t each,
                      double epsilon) {
  double total = 0;
  for (int64_t k = 0; k < n; k++) {
    double mean = sum[k] / (double)each + epsilon;
    set(w, block, at + k, w->keep * get(w, block, at + k) + (1 - w->keep) * mean);
    sum[k] = get(w, block, at + k);
    total += sum[k];
  }
  return total / (double)n;
}

/* u = scale g / sqrt(r c' / mean r) for matrix number `index` of the gradient. */
static void divide_matrix(const bench *w, const mlp_tensor *g, int64_t index, const double *h) {
  int64_t rows = g->shape.dim[g->shape.ndim - 2], columns = g->shape.dim[g->shape.ndim - 1];
  int64_t skip = index * rows * columns * (int64_t)mlp_dtype_bytes(g->dtype);
  const char *data = (const char *)mlp_tensor_data(g) + skip;
  double *row = w->sums, *column = w->sums + rows;
  memset(w->sums, 0, (size_t)(rows + columns) * sizeof *w->sums);
  mlp_kernel()->update.add_squares[g->dtype](data, h[SCALE], row, column, rows, columns);
  double mean = average(w, w->rows, index * rows, row, rows, columns, h[EPS_SQUARE]);
  average(w, w->columns, index * columns, column, columns, rows, h[EPS_SQUARE]);
  for (int64_t k = 0; k < rows; k++) row[k] = h[SCALE] / sqrt(row[k] / mean);
  for (int64_t k = 0; k < columns; k++) column[k] = 1 / sqrt(column[k]);
  mlp_kernel()->update.scale_matrix[g->dtype](w->u + skip, data, row, column, rows, columns);
}

static void divide(const bench *w, const mlp_tensor *g, const double *h) {
  int n = g->shape.ndim;
  int64_t count = mlp_tensor_count(g);
  if (!is_matrix(g)) {
    mlp_kernel()->update.scale_numbers[g->dtype](w->u, mlp_tensor_data(g), w->rows, h[SCALE],
                                                 w->keep, h[EPS_SQUARE], count);
    return;
  }
  int64_t matrices = count / (g->shape.dim[n - 2] * g->shape.dim[n - 1]);
  for (int64_t k = 0; k < matrices; k++) divide_matrix(w, g, k, h);
}

/* ---- the step -------------------------------------------------------------------------------- */

static double root_mean_square(mlp_dtype dtype, const void *x, int64_t n) {
  return sqrt(mlp_kernel()->update.sum_squares[dtype](x, n) / (double)n);
}

/* How far the parameter moves: alpha over what cuts the update to a root mean square of `clip`. */
static double length_of(const mlp_tensor *p, const double *h, const bench *w) {
  int64_t n = mlp_tensor_count(p);
  double rho = h[LR], alpha = 1;
  if (h[RELATIVE] != 0) rho = fmin(rho, 1 / sqrt(h[COUNT] + 1));
  if (h[SCALE_PARAMETER] != 0)
    alpha = fmax(h[EPS_SCALE], root_mean_square(p->dtype, mlp_packed(p, w->packed), n));
  return alpha * rho / fmax(1, root_mean_square(p->dtype, w->u, n) / h[CLIP]);
}

/* p = p (1 - lr weight_decay), then p = p - length u, or that by way of its average m. */
static void move(const mlp_call *c, int i, const double *h, const bench *w) {
  mlp_step_constants k = {
      .sgd = {
          .lr = 1, .keep = h[BETA1], .share = 1 - h[BETA1], .scale = length_of(c->in[i], h, w)}};
  mlp_step_constants fade = {.sgd = {.lr = 1, .decay = h[LR] * h[DECAY]}};
  if (h[DECAY] != 0) mlp_step_parameter(c, i, 2, (int[]){P, G}, MLP_STEP_SGD, w->u, &fade);
  mlp_step_parameter(c, i, 3, (int[]){P, G, MEANS}, MLP_STEP_SGD, w->u, &k);
}

static void step_parameter(const mlp_call *c, int i, const double *h) {
  const mlp_tensor *p = c->in[i], *rows = mlp_listed(c, ROWS, i),
                   *columns = mlp_listed(c, COLUMNS, i);
  size_t bytes = mlp_dtype_bytes(p->dtype), size = (size_t)mlp_tensor_count(p) * bytes;
  bench w = {.dtype = p->dtype, .keep = 1 - pow(h[COUNT] + 1, -h[BETA2_DECAY]), .sums = c->work};
  w.u = (char *)(w.sums + sums_of(p));
  w.packed = w.u + size;
  char *room = w.packed + size;
  w.rows = mlp_packed(rows, room);
  w.columns = mlp_packed(columns, room + (size_t)mlp_tensor_count(rows) * bytes);
  divide(&w, mlp_listed(c, G, i), h);
  mlp_unpack(rows, w.rows);
  mlp_unpack(columns, w.columns);
  move(c, i, h, &w);
}

static void adafactor_run(mlp_call *c) {
  double h[MLP_STEP_SLOTS];
  mlp_read_hyper(c, LISTS, SLOTS, h);
  for (int i = 0; i < c->value[P].integer; i++) {
    if (mlp_tensor_count(c->in[i]) > 0) step_parameter(c, i, h);
  }
  *mlp_hyper_slot(c, LISTS, COUNT) += 1;
}

extern const mlp_row mlp_row_adafactor_step;
const mlp_row mlp_row_adafactor_step = {
    .name = "adafactor_step",
    .doc =
        "one step of Adafactor, in place\n"
        "d = scale g; b = 1 - t^-beta2_decay; r, c: averages, with rate 1 - b, of the means of d^2 "
        "+ eps_square over rows and columns; u = d / sqrt(r c' / mean r), of vectors d / sqrt(v) "
        "with v the average itself; u = u / max(1, rms(u) / clip); a = min(lr, 1 / sqrt(t)) if "
        "relative, else lr; if scale_parameter, a = a max(eps_scale, rms(p)); p = p (1 - lr "
        "weight_decay) - a u, with means p - m, m = beta1 m + (1 - beta1) a u. Shazeer and Stern "
        "2018.",
    .arg = {MLP_PARAMETERS, MLP_GRADIENTS, MLP_MOMENT("rows", "r (..., rows), of vectors v"),
            MLP_MOMENT("columns", "c (..., columns), of vectors empty"),
            MLP_MOMENT("means", "m, one per parameter; {} without"),
            MLP_HYPER("lr, beta2_decay, eps_square, eps_scale, clip, beta1, weight_decay, relative "
                      "(0 or 1), scale_parameter (0 or 1), steps taken, scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5,
    .infer = adafactor_infer,
    .run = adafactor_run,
    .tiling = mlp_tiling_whole,
};
