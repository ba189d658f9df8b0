/*
** Losses of pairs: those of kernel/loss.def (mse, huber, hinge ...), bce_with_logits, kl_div. The
** target has the prediction's shape; it is never broadcast. The derivative of a loss of the table
** is one internal row, loss_chain, whose own derivative is itself, one order higher.
*/
#include "op/loss.h"

#include <string.h>

#include "kernel/kernel.h"
#include "op/build.h"
#include "op/position.h"

extern const mlp_row mlp_row_log, mlp_row_sigmoid, mlp_row_softplus;
extern const mlp_row mlp_row_loss_chain, mlp_row_bce_with_logits, mlp_row_bce_back, mlp_row_kl_div;

const char *const mlp_reductions[] = {"mean", "sum", "none", NULL};

/* ---- what losses share ----------------------------------------------------------------------- */

mlp_status mlp_loss_out(mlp_call *c, const mlp_shape *terms, int64_t count, mlp_error *e) {
  mlp_value *reduction = &c->value[MLP_REDUCTION], *divisor = &c->value[MLP_DIVISOR];
  char text[MLP_SHAPE_TEXT];
  bool mean = reduction->integer == MLP_MEAN || reduction->integer == MLP_BATCH_MEAN;
  if (mean && count == 0 && divisor->number == 0)
    return mlp_refuse(e, "%s: the batch is empty: %s is %s, and nothing has no mean", c->row->name,
                      mlp_in_name(c, 0), mlp_shape_text(text, &c->in[0]->shape));
  if (!mean)
    divisor->number = 1;
  else if (divisor->number == 0 && count != MLP_COUNT_UNKNOWN)
    divisor->number = (double)count;
  mlp_shape none = {0};
  return mlp_out(c, c->in[0]->dtype, mlp_keeps_terms(c) ? terms : &none, e);
}

enum { BLOCK = 512 };

void mlp_loss_reduce(mlp_call *c, int64_t count, mlp_loss_terms *terms, const void *context) {
  mlp_dtype dtype = c->in[0]->dtype;
  double block[BLOCK], total = 0;
  if (mlp_keeps_terms(c)) {
    terms(mlp_result(c, 0), c, 0, count, context);
    return;
  }
  for (int64_t first = 0; first < count; first += BLOCK) {
    int64_t n = count - first < BLOCK ? count - first : BLOCK;
    terms(block, c, first, n, context);
    total += mlp_kernel()->loss.sum[dtype](block, n);
  }
  total /= c->value[MLP_DIVISOR].number;
  if (dtype == MLP_F32)
    *(float *)mlp_result(c, 0) = (float)total;
  else
    *(double *)mlp_result(c, 0) = total;
}

void mlp_loss_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  mlp_tiling_elementwise(c, in, out);
  if (!mlp_keeps_terms(c) && out[0].spread == MLP_ROWS) out[0] = (mlp_tile){.spread = MLP_REDUCED};
}

mlp_status mlp_want_pair(const mlp_call *c, mlp_error *e) {
  char left[MLP_SHAPE_TEXT], right[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_float(c, 0, e));
  MLP_TRY(mlp_want_same_dtype(c, 0, 1, e));
  if (mlp_shape_equal(&c->in[0]->shape, &c->in[1]->shape)) return MLP_OK;
  return mlp_refuse(e, "%s: %s is %s but %s is %s; a loss does not broadcast, shapes must be equal",
                    c->row->name, mlp_in_name(c, 0), mlp_shape_text(left, &c->in[0]->shape),
                    mlp_in_name(c, 1), mlp_shape_text(right, &c->in[1]->shape));
}

mlp_status mlp_want_gradient(const mlp_call *c, const mlp_shape *terms, mlp_error *e) {
  char got[MLP_SHAPE_TEXT], want[MLP_SHAPE_TEXT];
  const mlp_shape *g = &c->in[0]->shape;
  if (g->ndim == 0 || mlp_shape_equal(g, terms)) return MLP_OK;
  return mlp_refuse(e, "%s: the gradient is %s but () or %s is wanted", c->row->name,
                    mlp_shape_text(got, g), mlp_shape_text(want, terms));
}

mlp_status mlp_want_constant(const mlp_call *c, int i, mlp_error *e) {
  if (!c->traced || !c->in[i] || !mlp_tensor_traced(c->in[i])) return MLP_OK;
  return mlp_refuse(e, "%s: no gradient flows to %s, but it requires one; %s:detach() gives it up",
                    c->row->name, mlp_in_name(c, i), mlp_in_name(c, i));
}

static int64_t step_of(const mlp_tensor *g) { return g->shape.ndim == 0 ? 0 : 1; }

static const void *at(const mlp_call *c, int i, int64_t element) {
  return (const char *)mlp_in(c, i) + element * (int64_t)mlp_dtype_bytes(c->in[i]->dtype);
}

/* ---- of the table: mse, l1, huber, log_cosh, hinge, squared_hinge ---------------------------- */

enum { PARAMETER = MLP_LOSS_VALUES }; /* of those that have one */

typedef struct {
  mlp_loss_value *value;
  double p;
} pair_loss;

static mlp_status pair_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_pair(c, e));
  return mlp_loss_out(c, &c->in[0]->shape, mlp_tensor_count(c->in[0]), e);
}

static mlp_status huber_infer(mlp_call *c, mlp_error *e) {
  if (!(c->value[PARAMETER].number > 0))
    return mlp_refuse(e, "huber: delta is %g but more than 0 is wanted",
                      c->value[PARAMETER].number);
  return pair_infer(c, e);
}

static void pair_terms(void *y, const mlp_call *c, int64_t first, int64_t n, const void *context) {
  const pair_loss *loss = context;
  loss->value(y, at(c, 0, first), at(c, 1, first), n, loss->p);
}

static void pair_run(mlp_call *c, mlp_loss_id id, double p) {
  pair_loss loss = {mlp_kernel()->loss.value[c->in[0]->dtype][id], p};
  mlp_loss_reduce(c, mlp_tensor_count(c->in[0]), pair_terms, &loss);
}

enum { CHAIN_ID, CHAIN_ORDER, CHAIN_P, CHAIN_DIVISOR, CHAIN_VALUES };

static mlp_tensor *emit_chain(mlp_vjp *v, mlp_tensor *g, mlp_tensor *x, mlp_tensor *t,
                              const mlp_value *values) {
  return mlp_emit(v, &mlp_row_loss_chain, MLP_IN(g, x, t), CHAIN_VALUES, values);
}

static void give_pair(mlp_vjp *v, int x, mlp_tensor *grad) {
  mlp_give_grad(v, x, grad);
  if (mlp_wanted(v, x + 1)) mlp_give_grad(v, x + 1, mlp_neg(v, grad));
}

static void pair_vjp(mlp_vjp *v, mlp_loss_id id, double p) {
  mlp_value chain[CHAIN_VALUES] = {
      {.integer = id}, {.integer = MLP_LOSS_SLOPE}, {.number = p}, mlp_value_of(v, 0)[MLP_DIVISOR]};
  give_pair(v, 0, emit_chain(v, mlp_grad_out(v, 0), mlp_input(v, 0), mlp_input(v, 1), chain));
}

static mlp_status chain_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_gradient(c, &c->in[1]->shape, e));
  return mlp_out_like(c, c->in[1], e);
}

static void chain_run(mlp_call *c) {
  const mlp_value *v = c->value;
  mlp_loss_chain *chain =
      mlp_kernel()->loss.chain[c->in[1]->dtype][v[CHAIN_ID].integer][v[CHAIN_ORDER].integer];
  chain(mlp_result(c, 0), mlp_in(c, 0), step_of(c->in[0]), mlp_in(c, 1), mlp_in(c, 2),
        mlp_tensor_count(c->in[1]), v[CHAIN_P].number, 1 / v[CHAIN_DIVISOR].number);
}

enum { FLAT, CURVED };

static const struct {
  const char *name;
  int curve;
} losses[] = {
#define LOSS(name, reach, value, slope, curve, bend) {#name, reach},
#include "kernel/loss.def"
#undef LOSS
};

/* Nothing flows beyond a flat curve. */
static void chain_vjp(mlp_vjp *v) {
  mlp_tensor *u = mlp_grad_out(v, 0), *g = mlp_input(v, 0);
  mlp_tensor *x = mlp_input(v, 1), *t = mlp_input(v, 2);
  mlp_value chain[CHAIN_VALUES];
  memcpy(chain, mlp_value_of(v, 0), sizeof chain);
  int64_t id = chain[CHAIN_ID].integer, order = chain[CHAIN_ORDER].integer;
  if (mlp_wanted(v, 0)) mlp_give_grad(v, 0, mlp_sum_like(v, emit_chain(v, u, x, t, chain), 0));
  if (!(mlp_wanted(v, 1) || mlp_wanted(v, 2)) || v->status != MLP_OK) return;
  if (order >= MLP_LOSS_CURVE && losses[id].curve == FLAT) return;
  chain[CHAIN_ORDER].integer = order + 1;
  if (order == MLP_LOSS_BEND)
    v->status = mlp_refuse(v->error, "%s: no derivative beyond the third", losses[id].name);
  else
    give_pair(v, 1, emit_chain(v, mlp_mul(v, u, g), x, t, chain));
}

const mlp_row mlp_row_loss_chain = {
    .name = "loss_chain",
    .doc = "g f'(x, t), g f'' or g f''' of one of the losses of the table",
    .arg = {{MLP_ARG_TENSOR, "g", "gradient", NULL, NULL, false},
            {MLP_ARG_TENSOR, "prediction", "x", NULL, NULL, false},
            {MLP_ARG_TENSOR, "target", "t", NULL, NULL, false},
            {MLP_ARG_INTEGER, "id", "which loss", NULL, NULL, false},
            {MLP_ARG_INTEGER, "order", "0, 1 or 2", NULL, NULL, false},
            {MLP_ARG_NUMBER, "p", "its parameter", NULL, NULL, false},
            {MLP_ARG_NUMBER, "divisor", "of a mean", NULL, NULL, false}},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 7,
    .infer = chain_infer,
    .run = chain_run,
    .vjp = chain_vjp,
    .tiling = mlp_tiling_elementwise,
};

#define PREDICTION \
  { MLP_ARG_TENSOR, "prediction", "x, any shape", NULL, NULL, false }
#define TARGET \
  { MLP_ARG_TENSOR, "target", "t, of the prediction's shape", NULL, NULL, false }

#define LOSS_OF_PAIR(NAME, P, INFER, CHECK, formula, ...)                           \
  static void NAME##_run(mlp_call *c) {                                             \
    const mlp_value *value = c->value;                                              \
    (void)value;                                                                    \
    pair_run(c, MLP_LOSS_##NAME, P);                                                \
  }                                                                                 \
  static void NAME##_vjp(mlp_vjp *v) {                                              \
    const mlp_value *value = mlp_value_of(v, 0);                                    \
    (void)value;                                                                    \
    pair_vjp(v, MLP_LOSS_##NAME, P);                                                \
  }                                                                                 \
  extern const mlp_row mlp_row_##NAME;                                              \
  const mlp_row mlp_row_##NAME = {                                                  \
      .name = #NAME,                                                                \
      .doc = formula,                                                               \
      .arg = {PREDICTION, TARGET, MLP_REDUCTION_ARG, MLP_DIVISOR_ARG, __VA_ARGS__}, \
      .n_out = 1,                                                                   \
      .save_in = 3,                                                                 \
      .infer = INFER,                                                               \
      .check = CHECK,                                                               \
      .run = NAME##_run,                                                            \
      .vjp = NAME##_vjp,                                                            \
      .tiling = mlp_loss_tiling,                                                    \
  };

LOSS_OF_PAIR(mse, 0, pair_infer, NULL, "(x - t)^2: squared error", {MLP_ARG_END})
LOSS_OF_PAIR(l1, 0, pair_infer, NULL, "|x - t|: absolute error; slope 0 at 0", {MLP_ARG_END})
LOSS_OF_PAIR(huber, value[PARAMETER].number, huber_infer, NULL,
             "d^2/2 where |d| <= delta, else delta (|d| - delta/2), with d = x - t\n"
             "Huber 1964: squared near 0, absolute far out.",
             {MLP_ARG_NUMBER, "delta", "where the square ends", "1", NULL, true})
LOSS_OF_PAIR(log_cosh, 0, pair_infer, NULL,
             "log cosh(x - t): half the square near 0, |x - t| - log 2 far out", {MLP_ARG_END})

/* ---- of sides: hinge, squared_hinge ---------------------------------------------------------- */

static mlp_status sides_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_constant(c, 1, e));
  return pair_infer(c, e);
}

static mlp_status sides_check(const mlp_call *c, mlp_error *e) {
  char text[MLP_POSITION_TEXT];
  const void *target = mlp_in(c, 1);
  int64_t n = mlp_tensor_count(c->in[1]);
  for (int64_t i = 0; i < n; i++) {
    double t = c->in[1]->dtype == MLP_F32 ? (double)((const float *)target)[i]
                                          : ((const double *)target)[i];
    if (t != 1 && t != -1)
      return mlp_refuse(e, "%s: %s is %g but -1 or 1 is wanted; of labels 0 and 1, 2 * label - 1",
                        c->row->name, mlp_position_text(text, c, 1, i), t);
  }
  return MLP_OK;
}

#define MARGIN \
  { MLP_ARG_NUMBER, "margin", "m, how far on its side a prediction should lie", "1", NULL, true }

LOSS_OF_PAIR(hinge, value[PARAMETER].number, sides_infer, sides_check,
             "max(0, m - t x), for a target t of -1 or 1\n"
             "The loss of support vector machines (Cortes and Vapnik 1995).",
             MARGIN)
LOSS_OF_PAIR(squared_hinge, value[PARAMETER].number, sides_infer, sides_check,
             "max(0, m - t x)^2, for a target t of -1 or 1", MARGIN)

/* ---- bce_with_logits ------------------------------------------------------------------------- */

enum { LOGITS, LABELS, WEIGHT, POSITIVE };

/* How a weight is read beside logits that are cut into rows: per element, per column, one
** number. */
typedef struct {
  const char *data; /* NULL: 1 everywhere */
  int64_t row, column;
} weighting;

/* Logits as rows of one width, on which both weights step evenly. */
typedef struct {
  weighting weight, positive;
  int64_t width;
} weighted_rows;

static bool is_per_column(const mlp_tensor *w, const mlp_shape *x) {
  return w && w->shape.ndim == 1 && x->ndim > 1 && w->shape.dim[0] == x->dim[x->ndim - 1];
}

static mlp_status want_weight(const mlp_call *c, int i, const mlp_shape *x, mlp_error *e) {
  const mlp_tensor *w = c->in[i];
  char got[MLP_SHAPE_TEXT], full[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_constant(c, i, e));
  if (!w || (mlp_tensor_count(w) == 1 && w->shape.ndim <= x->ndim) ||
      mlp_shape_equal(&w->shape, x) || is_per_column(w, x))
    return MLP_OK;
  return mlp_refuse(e, "%s: %s is %s but %s, one number per column or one number is wanted",
                    c->row->name, mlp_in_name(c, i), mlp_shape_text(got, &w->shape),
                    mlp_shape_text(full, x));
}

static weighting weighting_of(const mlp_tensor *w, const mlp_shape *x, int64_t width) {
  if (!w) return (weighting){NULL, 0, 0};
  bool full = mlp_shape_equal(&w->shape, x);
  return (weighting){mlp_tensor_data(w), full ? width : 0, full || is_per_column(w, x)};
}

static weighted_rows weighted_rows_of(const mlp_tensor *x, const mlp_tensor *w,
                                      const mlp_tensor *positive) {
  const mlp_shape *s = &x->shape;
  bool columns = is_per_column(w, s) || is_per_column(positive, s);
  weighted_rows k = {.width = columns ? s->dim[s->ndim - 1] : mlp_tensor_count(x)};
  k.weight = weighting_of(w, s, k.width);
  k.positive = weighting_of(positive, s, k.width);
  return k;
}

static const void *weight_at(const weighting *k, int64_t row, int64_t column, mlp_dtype dtype) {
  if (!k->data) return NULL;
  return k->data + (row * k->row + column * k->column) * (int64_t)mlp_dtype_bytes(dtype);
}

/* The weights from element `first` on, and how many of n elements lie in the same row. */
static mlp_bce_weights stretch_at(const weighted_rows *k, int64_t first, mlp_dtype dtype,
                                  int64_t *n) {
  int64_t row = first / k->width, column = first % k->width;
  if (*n > k->width - column) *n = k->width - column;
  return (mlp_bce_weights){weight_at(&k->weight, row, column, dtype),
                           weight_at(&k->positive, row, column, dtype), k->weight.column,
                           k->positive.column};
}

static mlp_status bce_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_pair(c, e));
  for (int i = WEIGHT; i <= POSITIVE; i++) {
    MLP_TRY(mlp_want_same_dtype(c, LOGITS, i, e));
    MLP_TRY(want_weight(c, i, &c->in[LOGITS]->shape, e));
  }
  return mlp_loss_out(c, &c->in[LOGITS]->shape, mlp_tensor_count(c->in[LOGITS]), e);
}

static void bce_terms(void *y, const mlp_call *c, int64_t first, int64_t n, const void *context) {
  mlp_dtype dtype = c->in[LOGITS]->dtype;
  for (int64_t done = 0; done < n;) {
    int64_t m = n - done;
    mlp_bce_weights w = stretch_at(context, first + done, dtype, &m);
    mlp_kernel()->loss.bce[dtype]((char *)y + done * (int64_t)mlp_dtype_bytes(dtype),
                                  at(c, LOGITS, first + done), at(c, LABELS, first + done), &w, m);
    done += m;
  }
}

static void bce_run(mlp_call *c) {
  weighted_rows k = weighted_rows_of(c->in[LOGITS], c->in[WEIGHT], c->in[POSITIVE]);
  mlp_loss_reduce(c, mlp_tensor_count(c->in[LOGITS]), bce_terms, &k);
}

/* factor times an optional weight */
static mlp_tensor *weigh(mlp_vjp *v, mlp_tensor *factor, mlp_tensor *weight) {
  return weight ? mlp_mul(v, factor, weight) : factor;
}

/* positive - 1, or NULL for an absent weight, which is 1 */
static mlp_tensor *excess(mlp_vjp *v, mlp_tensor *positive) {
  return positive ? mlp_sub(v, positive, mlp_scalar(v, positive, 1)) : NULL;
}

static void bce_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *x = mlp_input(v, LOGITS), *t = mlp_input(v, LABELS);
  mlp_tensor *weight = mlp_input(v, WEIGHT), *positive = mlp_input(v, POSITIVE);
  mlp_value divisor = mlp_value_of(v, 0)[MLP_DIVISOR];
  if (mlp_wanted(v, LOGITS))
    mlp_give_grad(v, LOGITS,
                  mlp_emit(v, &mlp_row_bce_back, MLP_IN(g, x, t, weight, positive), 1, &divisor));
  if (!mlp_wanted(v, LABELS) || !g) return;
  mlp_tensor *minus_x = mlp_neg(v, x), *more = excess(v, positive);
  if (more) {
    mlp_value beta = {.number = 1};
    more = mlp_mul(v, more, mlp_emit(v, &mlp_row_softplus, MLP_IN(minus_x), 1, &beta));
  }
  mlp_tensor *slope = weigh(v, mlp_mul(v, g, mlp_add(v, minus_x, more)), weight);
  mlp_give_grad(v, LABELS, mlp_scale(v, slope, 1 / divisor.number));
}

/* The derivative: of (g, x, t, weight, positive) with the divisor as value. */
static mlp_status bce_back_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_gradient(c, &c->in[1]->shape, e));
  return mlp_out_like(c, c->in[1], e);
}

static void bce_back_run(mlp_call *c) {
  const mlp_tensor *x = c->in[1];
  weighted_rows k = weighted_rows_of(x, c->in[3], c->in[4]);
  int64_t count = mlp_tensor_count(x), g_step = step_of(c->in[0]);
  char *y = mlp_result(c, 0);
  for (int64_t done = 0; done < count;) {
    int64_t n = count - done;
    mlp_bce_weights w = stretch_at(&k, done, x->dtype, &n);
    mlp_kernel()->loss.bce_back[x->dtype](y + done * (int64_t)mlp_dtype_bytes(x->dtype),
                                          at(c, 0, done * g_step), g_step, at(c, 1, done),
                                          at(c, 2, done), &w, n, 1 / c->value[0].number);
    done += n;
  }
}

/* slope = share s - positive t with s = sigmoid x and share = 1 + (positive - 1) t. */
static void bce_back_vjp(mlp_vjp *v) {
  mlp_tensor *u = mlp_grad_out(v, 0), *g = mlp_input(v, 0), *x = mlp_input(v, 1);
  mlp_tensor *t = mlp_input(v, 2), *weight = mlp_input(v, 3), *positive = mlp_input(v, 4);
  const mlp_value *divisor = mlp_value_of(v, 0);
  if (mlp_wanted(v, 0))
    mlp_give_grad(
        v, 0,
        mlp_sum_like(
            v, mlp_emit(v, &mlp_row_bce_back, MLP_IN(u, x, t, weight, positive), 1, divisor), 0));
  if (!u || (!mlp_wanted(v, 1) && !mlp_wanted(v, 2))) return;
  mlp_tensor *s = mlp_emit(v, &mlp_row_sigmoid, MLP_IN(x), MLP_NO_VALUES);
  mlp_tensor *more = excess(v, positive), *one = mlp_scalar(v, x, 1);
  mlp_tensor *factor = mlp_scale(v, weigh(v, mlp_mul(v, u, g), weight), 1 / divisor->number);
  mlp_tensor *curve = mlp_mul(v, s, mlp_sub(v, one, s));
  if (more) curve = mlp_mul(v, curve, mlp_add(v, one, mlp_mul(v, more, t)));
  mlp_give_grad(v, 1, mlp_mul(v, factor, curve));
  mlp_tensor *by_label = more ? mlp_sub(v, mlp_mul(v, more, s), positive) : mlp_neg(v, one);
  mlp_give_grad(v, 2, mlp_mul(v, factor, by_label));
}

#define BCE_WEIGHTS                                                                        \
  {MLP_ARG_MAYBE, "weight", "of every term: of the logits' shape, (columns), or a number", \
   "nil",         NULL,     true},                                                         \
  {                                                                                        \
    MLP_ARG_MAYBE, "pos_weight", "of the terms of target 1, likewise", "nil", NULL, true   \
  }

const mlp_row mlp_row_bce_with_logits = {
    .name = "bce_with_logits",
    .doc =
        "-t log s - (1 - t) log(1 - s) with s = 1 / (1 + e^-x): binary cross entropy, finite for "
        "any finite x",
    .arg = {{MLP_ARG_TENSOR, "logits", "x, any shape", NULL, NULL, false},
            {MLP_ARG_TENSOR, "target", "t in 0 .. 1, of the logits' shape", NULL, NULL, false},
            BCE_WEIGHTS,
            MLP_REDUCTION_ARG,
            MLP_DIVISOR_ARG},
    .n_out = 1,
    .save_in = 15,
    .infer = bce_infer,
    .run = bce_run,
    .vjp = bce_vjp,
    .tiling = mlp_loss_tiling,
};

const mlp_row mlp_row_bce_back = {
    .name = "bce_back",
    .doc = "g times the slope of bce_with_logits",
    .arg = {{MLP_ARG_TENSOR, "g", "gradient", NULL, NULL, false},
            {MLP_ARG_TENSOR, "logits", "x", NULL, NULL, false},
            {MLP_ARG_TENSOR, "target", "t", NULL, NULL, false},
            BCE_WEIGHTS,
            {MLP_ARG_NUMBER, "divisor", "of a mean", NULL, NULL, false}},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 31,
    .infer = bce_back_infer,
    .run = bce_back_run,
    .vjp = bce_back_vjp,
    .tiling = mlp_tiling_elementwise,
};

/* ---- kl_div ---------------------------------------------------------------------------------- */

static mlp_status kl_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_pair(c, e));
  const mlp_shape *s = &c->in[0]->shape;
  bool per_sample = c->value[MLP_REDUCTION].integer == MLP_BATCH_MEAN && s->ndim > 0;
  return mlp_loss_out(c, s, per_sample ? s->dim[0] : mlp_tensor_count(c->in[0]), e);
}

static void kl_run(mlp_call *c) {
  pair_loss loss = {mlp_kernel()->loss.kl[c->in[0]->dtype], 0};
  mlp_loss_reduce(c, mlp_tensor_count(c->in[0]), pair_terms, &loss);
}

static void kl_vjp(mlp_vjp *v) {
  mlp_tensor *x = mlp_input(v, 0), *t = mlp_input(v, 1);
  mlp_tensor *g = mlp_scale(v, mlp_grad_out(v, 0), 1 / mlp_value_of(v, 0)[MLP_DIVISOR].number);
  if (mlp_wanted(v, 0)) mlp_give_grad(v, 0, mlp_neg(v, mlp_mul(v, g, t)));
  if (!mlp_wanted(v, 1)) return; /* log t + 1 - x */
  mlp_tensor *log_t = mlp_emit(v, &mlp_row_log, MLP_IN(t), MLP_NO_VALUES);
  mlp_tensor *slope = mlp_sub(v, mlp_add(v, log_t, mlp_scalar(v, t, 1)), x);
  mlp_give_grad(v, 1, mlp_mul(v, g, slope));
}

static const char *const kl_reductions[] = {"mean", "sum", "none", "batchmean", NULL};

const mlp_row mlp_row_kl_div = {
    .name = "kl_div",
    .doc =
        "t (log t - x), 0 where t is 0: how far probabilities t are from log probabilities x\n"
        "The divergence of distributions is the sum over classes: reduction \"batchmean\" "
        "divides it by the first axis, \"mean\" by the number of elements.",
    .arg = {{MLP_ARG_TENSOR, "log_probabilities", "x, any shape", NULL, NULL, false},
            {MLP_ARG_TENSOR, "target", "t, probabilities of the same shape", NULL, NULL, false},
            {MLP_ARG_CHOICE, "reduction", "how the terms become the loss", "mean", kl_reductions,
             true},
            MLP_DIVISOR_ARG},
    .n_out = 1,
    .save_in = 3,
    .infer = kl_infer,
    .run = kl_run,
    .vjp = kl_vjp,
    .tiling = mlp_loss_tiling,
};
