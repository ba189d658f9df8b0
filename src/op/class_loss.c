/*
** Losses of classes: cross_entropy of logits, nll of log probabilities. One term per row of (...,
** C); classes count from 1, or the target is a row of probabilities. Rows that the mask takes out
** count for nothing and are not read, so their class may be anything. The mean divides by the
** weight of the rows that count, as PyTorch does: with classes the sum of their weights, with
** probabilities their number.
**
** log p_c = x_c - top - log_sum. The derivative of cross_entropy treats `top`, a shift that changes
** nothing, as a constant: then log_sum has the derivative p, and both are hidden outputs.
*/
#include "kernel/kernel.h"
#include "op/build.h"
#include "op/loss.h"
#include "op/position.h"

extern const mlp_row mlp_row_cross_entropy, mlp_row_cross_entropy_back;
extern const mlp_row mlp_row_nll, mlp_row_nll_back, mlp_row_exp;

enum { X, TARGET, WEIGHT, MASK };
enum { SMOOTHING = MLP_LOSS_VALUES };
enum { LOSS, TOP, LOG_SUM };

/* ---- reading the arguments ------------------------------------------------------------------- */

static mlp_shape rows_of(const mlp_shape *x) {
  mlp_shape s = *x;
  s.ndim--;
  return s;
}

static int64_t last_of(const mlp_shape *x) { return x->dim[x->ndim - 1]; }

static mlp_targets targets_of(const mlp_tensor *target, const mlp_tensor *weight,
                              const mlp_tensor *mask, double smoothing) {
  mlp_targets t = {.smoothing = smoothing};
  if (target->dtype == MLP_I64)
    t.classes = mlp_tensor_data(target);
  else
    t.probability = mlp_tensor_data(target);
  if (weight) t.weight = mlp_tensor_data(weight);
  if (mask) t.mask = mlp_tensor_data(mask);
  return t;
}

static double weight_at(const mlp_tensor *weight, int64_t i) {
  const void *w = mlp_tensor_data(weight);
  return weight->dtype == MLP_F32 ? (double)((const float *)w)[i] : ((const double *)w)[i];
}

/* The sum of the weights of the rows that count. */
static double total_weight(const mlp_targets *t, const mlp_tensor *weight, int64_t rows) {
  double total = 0;
  for (int64_t r = 0; r < rows; r++) {
    if (t->mask && !t->mask[r]) continue;
    total += t->classes && weight ? weight_at(weight, t->classes[r] - 1) : 1;
  }
  return total;
}

/* ---- what is refused ------------------------------------------------------------------------- */

static mlp_status refuse_target(const mlp_call *c, const mlp_shape *rows, bool probabilities,
                                mlp_error *e) {
  const mlp_tensor *t = c->in[TARGET];
  char got[MLP_SHAPE_TEXT], classes[MLP_SHAPE_TEXT], full[MLP_SHAPE_TEXT];
  mlp_shape_text(full, &c->in[X]->shape);
  return mlp_refuse(e, "%s: %s %s want int64 classes %s%s%s, but target is %s %s", c->row->name,
                    mlp_in_name(c, X), full, mlp_shape_text(classes, rows),
                    probabilities ? " or probabilities " : "", probabilities ? full : "",
                    mlp_dtype_name(t->dtype), mlp_shape_text(got, &t->shape));
}

static mlp_status want_target(const mlp_call *c, const mlp_shape *rows, bool probabilities,
                              mlp_error *e) {
  const mlp_tensor *x = c->in[X], *t = c->in[TARGET];
  if (t->dtype == MLP_I64 && mlp_shape_equal(&t->shape, rows)) return MLP_OK;
  if (!probabilities || !mlp_is_float(t->dtype) || !mlp_shape_equal(&t->shape, &x->shape))
    return refuse_target(c, rows, probabilities, e);
  MLP_TRY(mlp_want_same_dtype(c, X, TARGET, e));
  return mlp_want_constant(c, TARGET, e);
}

static mlp_status want_extras(const mlp_call *c, const mlp_shape *rows, mlp_error *e) {
  const mlp_tensor *weight = c->in[WEIGHT], *mask = c->in[MASK];
  char got[MLP_SHAPE_TEXT], want[MLP_SHAPE_TEXT];
  int64_t n = last_of(&c->in[X]->shape);
  MLP_TRY(mlp_want_same_dtype(c, X, WEIGHT, e));
  MLP_TRY(mlp_want_constant(c, WEIGHT, e));
  MLP_TRY(mlp_want_dtype(c, MASK, MLP_U8, e));
  if (weight && (weight->shape.ndim != 1 || weight->shape.dim[0] != n))
    return mlp_refuse(e, "%s: weight is %s but (%lld,) is wanted, one number per class",
                      c->row->name, mlp_shape_text(got, &weight->shape), (long long)n);
  if (mask && !mlp_shape_equal(&mask->shape, rows))
    return mlp_refuse(e, "%s: mask is %s but %s is wanted, one number per row", c->row->name,
                      mlp_shape_text(got, &mask->shape), mlp_shape_text(want, rows));
  return MLP_OK;
}

/* What cross_entropy and nll have in common; describes the loss. */
static mlp_status classes_infer(mlp_call *c, bool probabilities, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, X, e));
  MLP_TRY(mlp_want_ndim(c, X, 1, MLP_MAX_DIMS, e));
  mlp_shape rows = rows_of(&c->in[X]->shape);
  MLP_TRY(want_target(c, &rows, probabilities, e));
  MLP_TRY(want_extras(c, &rows, e));
  bool by_class = c->in[TARGET]->dtype == MLP_I64;
  bool unknown = c->in[MASK] || (by_class && c->in[WEIGHT]);
  int64_t count = mlp_shape_count(&rows);
  if (!mlp_keeps_terms(c)) c->work_bytes = (size_t)count * mlp_dtype_bytes(c->in[X]->dtype);
  return mlp_loss_out(c, &rows, unknown && count > 0 ? MLP_COUNT_UNKNOWN : count, e);
}

static mlp_status refuse_class(const mlp_call *c, int64_t row, int64_t class, int64_t n,
                               mlp_error *e) {
  char place[MLP_POSITION_TEXT];
  mlp_position_text(place, c, TARGET, row);
  if (class == 0)
    return mlp_refuse(e, "%s: %s = 0, but classes are 1..%lld; labels 0..%lld? use target + 1",
                      c->row->name, place, (long long)n, (long long)n - 1);
  return mlp_refuse(e, "%s: %s = %lld, but classes are 1..%lld", c->row->name, place,
                    (long long)class, (long long)n);
}

static mlp_status classes_check(const mlp_call *c, mlp_error *e) {
  if (c->in[TARGET]->dtype != MLP_I64) return MLP_OK;
  const int64_t *target = mlp_in(c, TARGET);
  const uint8_t *mask = c->in[MASK] ? mlp_in(c, MASK) : NULL;
  int64_t rows = mlp_tensor_count(c->in[TARGET]), n = last_of(&c->in[X]->shape);
  for (int64_t r = 0; r < rows; r++) {
    if ((target[r] >= 1 && target[r] <= n) || (mask && !mask[r])) continue;
    return refuse_class(c, r, target[r], n, e);
  }
  return MLP_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

static double divisor_of(double divisor, const mlp_targets *t, const mlp_tensor *weight,
                         int64_t rows) {
  return divisor != 0 ? divisor : total_weight(t, weight, rows);
}

/* Where the terms go: the output itself, or the workspace until they are summed. */
static void *terms_of(const mlp_call *c) { return mlp_keeps_terms(c) ? mlp_result(c, 0) : c->work; }

static void reduce_terms(mlp_call *c, const mlp_targets *t, int64_t rows) {
  mlp_dtype dtype = c->in[X]->dtype;
  if (mlp_keeps_terms(c)) return;
  double total = mlp_kernel()->loss.sum[dtype](c->work, rows) /
                 divisor_of(c->value[MLP_DIVISOR].number, t, c->in[WEIGHT], rows);
  if (dtype == MLP_F32)
    *(float *)mlp_result(c, LOSS) = (float)total;
  else
    *(double *)mlp_result(c, LOSS) = total;
}

static int64_t row_count(const mlp_tensor *x) {
  mlp_shape rows = rows_of(&x->shape);
  return mlp_shape_count(&rows);
}

static int64_t step_of(const mlp_tensor *g) { return g->shape.ndim == 0 ? 0 : 1; }

/* ---- cross_entropy --------------------------------------------------------------------------- */

static mlp_status cross_entropy_infer(mlp_call *c, mlp_error *e) {
  double smoothing = c->value[SMOOTHING].number;
  if (!(smoothing >= 0 && smoothing <= 1))
    return mlp_refuse(e, "cross_entropy: label_smoothing is %g but 0 to 1 is wanted", smoothing);
  MLP_TRY(classes_infer(c, true, e));
  mlp_shape rows = rows_of(&c->in[X]->shape);
  if (last_of(&c->in[X]->shape) == 0 && mlp_shape_count(&rows) > 0)
    return mlp_refuse(e, "cross_entropy: the logits have no classes: their last axis has length 0");
  if (!c->traced) return MLP_OK;
  rows.dim[rows.ndim++] = 1; /* so that they broadcast against the logits */
  MLP_TRY(mlp_out(c, c->in[X]->dtype, &rows, e));
  return mlp_out(c, c->in[X]->dtype, &rows, e);
}

static void cross_entropy_run(mlp_call *c) {
  const mlp_tensor *x = c->in[X];
  int64_t rows = row_count(x), n = last_of(&x->shape);
  bool hidden = c->n_out > TOP;
  mlp_targets t = targets_of(c->in[TARGET], c->in[WEIGHT], c->in[MASK], c->value[SMOOTHING].number);
  mlp_kernel()->rows.cross_entropy[x->dtype](terms_of(c), hidden ? mlp_result(c, TOP) : NULL,
                                             hidden ? mlp_result(c, LOG_SUM) : NULL,
                                             mlp_tensor_data(x), &t, rows, n);
  reduce_terms(c, &t, rows);
}

enum { BACK_DIVISOR, BACK_SMOOTHING, ONLY_LOG_SUM, BACK_VALUES };
enum { BACK_G, BACK_X, BACK_TOP, BACK_LOG_SUM, BACK_TARGET, BACK_WEIGHT, BACK_MASK };

static mlp_tensor *probabilities(mlp_vjp *v, mlp_tensor *x, mlp_tensor *top, mlp_tensor *log_sum) {
  mlp_tensor *log_p = mlp_sub(v, mlp_sub(v, x, top), log_sum);
  return log_p ? mlp_emit(v, &mlp_row_exp, MLP_IN(log_p), MLP_NO_VALUES) : NULL;
}

static void cross_entropy_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, LOSS), *g_log_sum = mlp_grad_out(v, LOG_SUM);
  mlp_tensor *x = mlp_input(v, X), *top = mlp_output(v, TOP), *log_sum = mlp_output(v, LOG_SUM);
  const mlp_value *value = mlp_value_of(v, 0);
  mlp_give_grad(v, X,
                mlp_emit(v, &mlp_row_cross_entropy_back,
                         MLP_IN(g, x, top, log_sum, mlp_input(v, TARGET), mlp_input(v, WEIGHT),
                                mlp_input(v, MASK)),
                         MLP_VALUES(value[MLP_DIVISOR], value[SMOOTHING], {.integer = 0})));
  if (g_log_sum) mlp_give_grad(v, X, mlp_mul(v, g_log_sum, probabilities(v, x, top, log_sum)));
}

static mlp_status back_infer(mlp_call *c, mlp_error *e) {
  mlp_shape rows = rows_of(&c->in[BACK_X]->shape);
  MLP_TRY(mlp_want_gradient(c, &rows, e));
  return mlp_out_like(c, c->in[BACK_X], e);
}

static void back_run(mlp_call *c) {
  const mlp_tensor *x = c->in[BACK_X], *weight = c->in[BACK_WEIGHT];
  int64_t rows = row_count(x), n = last_of(&x->shape);
  mlp_targets t =
      targets_of(c->in[BACK_TARGET], weight, c->in[BACK_MASK], c->value[BACK_SMOOTHING].number);
  t.only_log_sum = c->value[ONLY_LOG_SUM].integer;
  double scale = 1 / divisor_of(c->value[BACK_DIVISOR].number, &t, weight, rows);
  mlp_kernel()->rows.cross_entropy_back[x->dtype](
      mlp_result(c, 0), mlp_in(c, BACK_G), step_of(c->in[BACK_G]), mlp_tensor_data(x),
      mlp_in(c, BACK_TOP), mlp_in(c, BACK_LOG_SUM), &t, scale, rows, n);
}

/*
** dx_c = g (Q p_c - q_c), Q = sum q. By g: the same with g = u, summed over classes. By x and by
** log_sum: u_c g Q p_c and minus its sum, where g Q p is this row with only_log_sum.
*/
static void back_vjp(mlp_vjp *v) {
  mlp_tensor *in[7], *u = mlp_grad_out(v, 0), *g = mlp_input(v, BACK_G);
  mlp_value values[BACK_VALUES];
  for (int i = 0; i < 7; i++) in[i] = mlp_input(v, i);
  for (int k = 0; k < BACK_VALUES; k++) values[k] = *mlp_value_of(v, k);
  if (!u) return;
  int last = u->shape.ndim - 1;
  if (mlp_wanted(v, BACK_G)) {
    in[BACK_G] = mlp_scalar(v, u, 1);
    mlp_tensor *each = mlp_emit(v, &mlp_row_cross_entropy_back, 7, in, BACK_VALUES, values);
    mlp_give_grad(v, BACK_G, mlp_sum_like(v, mlp_sum(v, mlp_mul(v, u, each), last, false), BACK_G));
  }
  if (!mlp_wanted(v, BACK_X) && !mlp_wanted(v, BACK_LOG_SUM)) return;
  in[BACK_G] = g;
  values[ONLY_LOG_SUM].integer = 1;
  mlp_tensor *spread =
      mlp_mul(v, u, mlp_emit(v, &mlp_row_cross_entropy_back, 7, in, BACK_VALUES, values));
  mlp_give_grad(v, BACK_X, spread);
  if (mlp_wanted(v, BACK_LOG_SUM))
    mlp_give_grad(v, BACK_LOG_SUM, mlp_neg(v, mlp_sum(v, spread, last, true)));
}

/* ---- nll ------------------------------------------------------------------------------------- */

static mlp_status nll_infer(mlp_call *c, mlp_error *e) { return classes_infer(c, false, e); }

static void nll_run(mlp_call *c) {
  const mlp_tensor *x = c->in[X];
  int64_t rows = row_count(x);
  mlp_targets t = targets_of(c->in[TARGET], c->in[WEIGHT], c->in[MASK], 0);
  mlp_kernel()->rows.nll[x->dtype](terms_of(c), mlp_tensor_data(x), &t, rows, last_of(&x->shape));
  reduce_terms(c, &t, rows);
}

enum { NLL_G, NLL_TARGET, NLL_WEIGHT, NLL_MASK };
enum { NLL_CLASSES = MLP_LOSS_VALUES };

static void nll_vjp(mlp_vjp *v) {
  const mlp_value *value = mlp_value_of(v, 0);
  mlp_value classes = {.integer = last_of(&mlp_input(v, X)->shape)};
  mlp_give_grad(v, X,
                mlp_emit(v, &mlp_row_nll_back,
                         MLP_IN(mlp_grad_out(v, 0), mlp_input(v, TARGET), mlp_input(v, WEIGHT),
                                mlp_input(v, MASK)),
                         MLP_VALUES(value[MLP_REDUCTION], value[MLP_DIVISOR], classes)));
}

static mlp_status nll_back_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = c->in[NLL_TARGET]->shape;
  MLP_TRY(mlp_want_gradient(c, &shape, e));
  shape.dim[shape.ndim++] = c->value[NLL_CLASSES].integer;
  return mlp_out(c, c->in[NLL_G]->dtype, &shape, e);
}

static void nll_back_run(mlp_call *c) {
  int64_t rows = mlp_tensor_count(c->in[NLL_TARGET]), n = c->value[NLL_CLASSES].integer;
  const mlp_tensor *weight = c->in[NLL_WEIGHT], *g = c->in[NLL_G];
  mlp_targets t = targets_of(c->in[NLL_TARGET], weight, c->in[NLL_MASK], 0);
  double scale = 1 / divisor_of(c->value[MLP_DIVISOR].number, &t, weight, rows);
  mlp_kernel()->rows.nll_back[g->dtype](mlp_result(c, 0), mlp_tensor_data(g), step_of(g), &t, scale,
                                        rows, n);
}

/* nll is linear: the transpose of its transpose is itself. */
static void nll_back_vjp(mlp_vjp *v) {
  const mlp_value *value = mlp_value_of(v, 0);
  mlp_give_grad(v, NLL_G,
                mlp_emit(v, &mlp_row_nll,
                         MLP_IN(mlp_grad_out(v, 0), mlp_input(v, NLL_TARGET),
                                mlp_input(v, NLL_WEIGHT), mlp_input(v, NLL_MASK)),
                         2, value));
}

/* ---- tiling ---------------------------------------------------------------------------------- */

/* The axis along which x, target and mask are cut, or -1: never the classes'. `place` says which
** inputs x, target, weight and mask are. */
static int batch_axis(const mlp_call *c, const mlp_tile *in, const int place[4]) {
  const mlp_tile *x = &in[place[X]];
  if (x->spread != MLP_ROWS || x->axis == c->in[place[X]]->shape.ndim - 1) return -1;
  for (int i = TARGET; i <= MASK; i++) {
    const mlp_tile *tile = &in[place[i]];
    if (!c->in[place[i]]) continue;
    if (i == WEIGHT ? tile->spread != MLP_SHARED : !mlp_rows_alike(tile, x)) return -1;
  }
  return x->axis;
}

static void classes_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  static const int place[4] = {X, TARGET, WEIGHT, MASK};
  int axis = batch_axis(c, in, place);
  bool known = mlp_keeps_terms(c) || c->value[MLP_DIVISOR].number != 0;
  if (axis < 0 || !known) {
    mlp_tiling_whole(c, in, out);
    return;
  }
  for (int i = 0; i < c->n_out; i++) out[i] = (mlp_tile){MLP_ROWS, axis, in[X].multiple};
  if (!mlp_keeps_terms(c)) out[LOSS] = (mlp_tile){.spread = MLP_REDUCED};
}

/* The gradient is one number for all rows, or is cut with them. */
static bool gradient_fits(const mlp_call *c, const mlp_tile *g, const mlp_tile *rows) {
  if (c->in[0]->shape.ndim == 0) return g->spread == MLP_SHARED;
  return mlp_rows_alike(g, rows);
}

static void back_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  static const int place[4] = {BACK_X, BACK_TARGET, BACK_WEIGHT, BACK_MASK};
  bool known = c->value[BACK_DIVISOR].number != 0;
  if (!known || batch_axis(c, in, place) < 0 || !gradient_fits(c, &in[BACK_G], &in[BACK_X]))
    mlp_tiling_whole(c, in, out);
  else
    out[0] = in[BACK_X];
}

static void nll_back_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  const mlp_tile *t = &in[NLL_TARGET], *mask = &in[NLL_MASK];
  bool known = c->value[MLP_DIVISOR].number != 0;
  bool same = !c->in[NLL_MASK] || mlp_rows_alike(mask, t);
  bool shared = !c->in[NLL_WEIGHT] || in[NLL_WEIGHT].spread == MLP_SHARED;
  if (t->spread == MLP_ROWS && known && same && shared && gradient_fits(c, &in[NLL_G], t))
    out[0] = *t;
  else
    mlp_tiling_whole(c, in, out);
}

/* ---- the rows -------------------------------------------------------------------------------- */

#define WEIGHTS                                                                           \
  {MLP_ARG_MAYBE, "weight", "of each class (C)", "nil", NULL, true}, {                    \
    MLP_ARG_MAYBE, "mask", "uint8 (...): rows that are 0 do not count", "nil", NULL, true \
  }

const mlp_row mlp_row_cross_entropy = {
    .name = "cross_entropy",
    .doc =
        "-log p at the class, with p = softmax x over the last axis; or -sum t log p for "
        "probabilities t\nClasses lie along the last axis; label_smoothing mixes the target with "
        "1/C. The mean divides by the weight of the rows that count.",
    .arg = {{MLP_ARG_TENSOR, "logits", "x (..., C)", NULL, NULL, false},
            {MLP_ARG_POSITIONS, "target", "classes from 1, int64 (...); or probabilities (..., C)",
             NULL, NULL, false},
            WEIGHTS,
            MLP_REDUCTION_ARG,
            MLP_DIVISOR_ARG,
            {MLP_ARG_NUMBER, "label_smoothing", "share of 1/C in the target", "0", NULL, true}},
    .n_out = 1,
    .save_in = 15,
    .infer = cross_entropy_infer,
    .check = classes_check,
    .run = cross_entropy_run,
    .vjp = cross_entropy_vjp,
    .tiling = classes_tiling,
};

const mlp_row mlp_row_cross_entropy_back = {
    .name = "cross_entropy_back",
    .doc = "g times the slope of cross_entropy",
    .arg = {{MLP_ARG_TENSOR, "g", "gradient, () or (...)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "logits", "x (..., C)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "top", "(..., 1)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "log_sum", "(..., 1)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "target", "as given", NULL, NULL, false},
            WEIGHTS,
            {MLP_ARG_NUMBER, "divisor", "of a mean", NULL, NULL, false},
            {MLP_ARG_NUMBER, "label_smoothing", "as given", NULL, NULL, false},
            {MLP_ARG_FLAG, "only_log_sum", "without the target", NULL, NULL, false}},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 127,
    .infer = back_infer,
    .run = back_run,
    .vjp = back_vjp,
    .tiling = back_tiling,
};

const mlp_row mlp_row_nll = {
    .name = "nll",
    .doc = "-x at the class, for log probabilities x",
    .arg = {{MLP_ARG_TENSOR, "log_probabilities", "x (..., C)", NULL, NULL, false},
            {MLP_ARG_POSITIONS, "target", "classes from 1, int64 (...)", NULL, NULL, false},
            WEIGHTS,
            MLP_REDUCTION_ARG,
            MLP_DIVISOR_ARG},
    .n_out = 1,
    .save_in = 14,
    .infer = nll_infer,
    .check = classes_check,
    .run = nll_run,
    .vjp = nll_vjp,
    .tiling = classes_tiling,
};

const mlp_row mlp_row_nll_back = {
    .name = "nll_back",
    .doc = "g times the slope of nll",
    .arg = {{MLP_ARG_TENSOR, "g", "gradient, () or (...)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "target", "classes", NULL, NULL, false},
            WEIGHTS,
            {MLP_ARG_INTEGER, "reduction", "as given", NULL, NULL, false},
            {MLP_ARG_NUMBER, "divisor", "of a mean", NULL, NULL, false},
            {MLP_ARG_INTEGER, "classes", "C", NULL, NULL, false}},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 14,
    .infer = nll_back_infer,
    .run = nll_back_run,
    .vjp = nll_back_vjp,
    .tiling = nll_back_tiling,
};
