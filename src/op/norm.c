/*
** layer_norm and rms_norm over the last axis: y = (x - mean) rstd w + b, for the root mean square
** without mean and bias. mean and rstd are hidden outputs, (..., 1).
**
** The derivative is a fused row. With h = g w, xhat = (x - mean) rstd and A the average of a row,
**   dx = rstd P h,   P u = u - A u - xhat A(u xhat)   (without A u for the root mean square),
**   dw = sum g xhat, db = sum g.
** Its own derivative is written in plain operations and counts the way through mean and rstd as a
** way through x, so that no gradient ever arrives at the hidden outputs from it; those that arrive
** from beyond (third order) are handled by the forward row.
*/
#include "kernel/kernel.h"
#include "op/build.h"

extern const mlp_row mlp_row_layer_norm, mlp_row_layer_norm_back;
extern const mlp_row mlp_row_rms_norm, mlp_row_rms_norm_back;

static int64_t last_of(const mlp_tensor *x) { return x->shape.dim[x->shape.ndim - 1]; }

static mlp_shape per_row(const mlp_tensor *x) {
  mlp_shape s = x->shape;
  s.dim[s.ndim - 1] = 1;
  return s;
}

static int64_t row_count(const mlp_tensor *x) {
  mlp_shape s = per_row(x);
  return mlp_shape_count(&s);
}

static const void *data_or_null(const mlp_tensor *t) { return t ? mlp_tensor_data(t) : NULL; }

/* ---- forward --------------------------------------------------------------------------------- */

enum { X, WEIGHT, BIAS };

static mlp_status want_per_column(const mlp_call *c, int i, mlp_error *e) {
  const mlp_tensor *t = c->in[i];
  char got[MLP_SHAPE_TEXT], input[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_same_dtype(c, X, i, e));
  int64_t n = last_of(c->in[X]);
  if (!t || (t->shape.ndim == 1 && t->shape.dim[0] == n)) return MLP_OK;
  return mlp_refuse(e, "%s: input is %s but %s is %s, where (%lld,) is wanted", c->row->name,
                    mlp_shape_text(input, &c->in[X]->shape), mlp_in_name(c, i),
                    mlp_shape_text(got, &t->shape), (long long)n);
}

static mlp_status norm_infer(mlp_call *c, int hidden, mlp_error *e) {
  const mlp_tensor *x = c->in[X];
  MLP_TRY(mlp_want_float(c, X, e));
  MLP_TRY(mlp_want_ndim(c, X, 1, MLP_MAX_DIMS, e));
  for (int i = WEIGHT; i < c->n_in; i++) MLP_TRY(want_per_column(c, i, e));
  if (!(c->value[0].number >= 0))
    return mlp_refuse(e, "%s: eps is %g but at least 0 is wanted", c->row->name,
                      c->value[0].number);
  MLP_TRY(mlp_out_like(c, x, e));
  mlp_shape rows = per_row(x);
  for (int i = 0; c->traced && i < hidden; i++) MLP_TRY(mlp_out(c, x->dtype, &rows, e));
  return MLP_OK;
}

/* The input stays whole along its last axis; whatever runs along columns only is shared. */
static void norm_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool rows = in[X].spread == MLP_ROWS && in[X].axis < c->in[X]->shape.ndim - 1;
  for (int i = WEIGHT; i < c->n_in; i++) rows = rows && (!c->in[i] || in[i].spread == MLP_SHARED);
  if (!rows) {
    mlp_tiling_whole(c, in, out);
    return;
  }
  for (int i = 0; i < c->n_out; i++) out[i] = in[X];
}

/* ---- the fused derivative -------------------------------------------------------------------- */

/* Of (g, x, weight, rstd, mean): mean is absent for the root mean square. Outputs dx, dw, db. */
enum { BACK_G, BACK_X, BACK_WEIGHT, BACK_RSTD, BACK_MEAN };
enum { DX, DW, DB };

static mlp_status back_infer(mlp_call *c, mlp_error *e) {
  const mlp_tensor *x = c->in[BACK_X];
  mlp_shape columns = {.ndim = 1, .dim = {last_of(x)}};
  c->work_bytes = 2 * (size_t)last_of(x) * mlp_dtype_bytes(x->dtype);
  MLP_TRY(mlp_out_like(c, x, e));
  for (int i = DW; i < c->row->n_out; i++) MLP_TRY(mlp_out(c, x->dtype, &columns, e));
  return MLP_OK;
}

static void back_run(mlp_call *c) {
  const mlp_tensor *x = c->in[BACK_X];
  bool centred = c->n_in > BACK_MEAN;
  mlp_norm k = {.weight = data_or_null(c->in[BACK_WEIGHT]), .centred = centred};
  mlp_kernel()->rows.norm_back[x->dtype](
      mlp_result(c, DX), mlp_result(c, DW), c->n_out > DB ? mlp_result(c, DB) : NULL, c->work,
      mlp_in(c, BACK_G), mlp_tensor_data(x), centred ? mlp_in(c, BACK_MEAN) : NULL,
      mlp_in(c, BACK_RSTD), &k, row_count(x), last_of(x));
}

static void back_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  const mlp_tile *x = &in[BACK_X];
  bool rows = x->spread == MLP_ROWS && x->axis < c->in[BACK_X]->shape.ndim - 1;
  for (int i = 0; i < c->n_in; i++) {
    if (i == BACK_X || !c->in[i]) continue;
    bool alike = mlp_rows_alike(&in[i], x);
    rows = rows && (i == BACK_WEIGHT ? in[i].spread == MLP_SHARED : alike);
  }
  if (!rows) {
    mlp_tiling_whole(c, in, out);
    return;
  }
  out[DX] = *x;
  for (int i = DW; i < c->n_out; i++) out[i] = (mlp_tile){.spread = MLP_REDUCED};
}

/* What the second order speaks in. */
typedef struct {
  mlp_vjp *v;
  mlp_tensor *xhat, *rstd;
  int last;
  double n;
  bool centred;
} rows;

static mlp_tensor *average(const rows *r, mlp_tensor *u) {
  return mlp_scale(r->v, mlp_sum(r->v, u, r->last, true), 1 / r->n);
}

static mlp_tensor *along(const rows *r, mlp_tensor *u) {
  return average(r, mlp_mul(r->v, u, r->xhat));
}

/* rstd P u */
static mlp_tensor *project(const rows *r, mlp_tensor *u) {
  mlp_tensor *rest = mlp_sub(r->v, u, mlp_mul(r->v, r->xhat, along(r, u)));
  if (r->centred) rest = mlp_sub(r->v, rest, average(r, u));
  return mlp_mul(r->v, r->rstd, rest);
}

static mlp_tensor *normalised(mlp_vjp *v, mlp_tensor *x, mlp_tensor *mean, mlp_tensor *rstd) {
  return mlp_mul(v, mean ? mlp_sub(v, x, mean) : x, rstd);
}

/* Through rstd: d rstd = -rstd^2 xhat / n. */
static mlp_tensor *through_rstd(const rows *r, mlp_tensor *by_rstd) {
  mlp_tensor *square = mlp_mul(r->v, r->rstd, r->rstd);
  return mlp_scale(r->v, mlp_mul(r->v, mlp_mul(r->v, by_rstd, square), r->xhat), -1 / r->n);
}

/*
** For u, uw, ub that arrive at dx, dw, db:
**   by h      rstd P u              by g      w times that, + uw xhat + ub
**   by w      sum of g times that
**   by xhat   s = g uw - rstd (u A(h xhat) + h A(u xhat))
**   by rstd   sum u P h
**   by x      rstd P s, and through rstd
*/
static void back_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_input(v, BACK_G), *x = mlp_input(v, BACK_X), *w = mlp_input(v, BACK_WEIGHT);
  mlp_tensor *u = mlp_grad_out(v, DX), *uw = mlp_grad_out(v, DW);
  mlp_tensor *ub = v->call->n_out > DB ? mlp_grad_out(v, DB) : NULL;
  rows r = {v,
            NULL,
            mlp_input(v, BACK_RSTD),
            x->shape.ndim - 1,
            (double)last_of(x),
            v->call->n_in > BACK_MEAN};
  r.xhat = normalised(v, x, r.centred ? mlp_input(v, BACK_MEAN) : NULL, r.rstd);
  mlp_tensor *h = w ? mlp_mul(v, g, w) : g, *by_h = u ? project(&r, u) : NULL;
  mlp_tensor *by_g = w ? mlp_mul(v, by_h, w) : by_h;
  by_g = mlp_add(v, by_g, mlp_mul(v, r.xhat, uw));
  if (ub) by_g = mlp_add(v, by_g, mlp_expand(v, ub, &x->shape));
  mlp_give_grad(v, BACK_G, by_g);
  if (w && mlp_wanted(v, BACK_WEIGHT))
    mlp_give_grad(v, BACK_WEIGHT, mlp_sum_like(v, mlp_mul(v, g, by_h), BACK_WEIGHT));
  if (!mlp_wanted(v, BACK_X)) return;
  mlp_tensor *by_xhat = mlp_mul(v, g, uw);
  if (u) {
    mlp_tensor *turn = mlp_add(v, mlp_mul(v, u, along(&r, h)), mlp_mul(v, h, along(&r, u)));
    turn = mlp_neg(v, mlp_mul(v, r.rstd, turn));
    by_xhat = mlp_add(v, by_xhat, turn);
    mlp_tensor *by_rstd = mlp_sum(v, mlp_mul(v, u, project(&r, h)), r.last, true);
    by_rstd = mlp_div(v, by_rstd, r.rstd);
    mlp_give_grad(v, BACK_X, through_rstd(&r, by_rstd));
  }
  if (by_xhat) mlp_give_grad(v, BACK_X, project(&r, by_xhat));
}

/* ---- layer_norm ------------------------------------------------------------------------------ */

enum { LAYER_MEAN = 1, LAYER_RSTD };

static mlp_status layer_infer(mlp_call *c, mlp_error *e) { return norm_infer(c, 2, e); }

static void layer_run(mlp_call *c) {
  const mlp_tensor *x = c->in[X];
  mlp_norm k = {data_or_null(c->in[WEIGHT]), data_or_null(c->in[BIAS]), c->value[0].number, true};
  bool hidden = c->n_out > LAYER_MEAN;
  mlp_kernel()->rows.norm[x->dtype](mlp_result(c, 0), hidden ? mlp_result(c, LAYER_MEAN) : NULL,
                                    hidden ? mlp_result(c, LAYER_RSTD) : NULL, mlp_tensor_data(x),
                                    &k, row_count(x), last_of(x));
}

/* A gradient that reached rstd or mean themselves. */
static void through_hidden(mlp_vjp *v, mlp_tensor *g_mean, mlp_tensor *mean, mlp_tensor *g_rstd,
                           mlp_tensor *rstd) {
  mlp_tensor *x = mlp_input(v, X);
  rows r = {v, NULL, rstd, x->shape.ndim - 1, (double)last_of(x), mean != NULL};
  if (g_mean) mlp_give_grad(v, X, mlp_expand(v, mlp_scale(v, g_mean, 1 / r.n), &x->shape));
  if (!g_rstd) return;
  r.xhat = normalised(v, x, mean, rstd);
  mlp_give_grad(v, X, through_rstd(&r, g_rstd));
}

static void layer_vjp(mlp_vjp *v) {
  mlp_tensor *out[3], *mean = mlp_output(v, LAYER_MEAN), *rstd = mlp_output(v, LAYER_RSTD);
  through_hidden(v, mlp_grad_out(v, LAYER_MEAN), mean, mlp_grad_out(v, LAYER_RSTD), rstd);
  if (!mlp_emit_all(v, &mlp_row_layer_norm_back,
                    MLP_IN(mlp_grad_out(v, 0), mlp_input(v, X), mlp_input(v, WEIGHT), rstd, mean),
                    MLP_NO_VALUES, out))
    return;
  mlp_give_grad(v, X, out[DX]);
  mlp_give_grad(v, WEIGHT, out[DW]);
  mlp_give_grad(v, BIAS, out[DB]);
}

const mlp_row mlp_row_layer_norm = {
    .name = "layer_norm",
    .doc =
        "(x - mean) / sqrt(var + eps) w + b, mean and variance (over n) of the last axis\n"
        "Ba, Kiros and Hinton 2016.",
    .arg = {{MLP_ARG_TENSOR, "input", "x (..., D)", NULL, NULL, false},
            {MLP_ARG_MAYBE, "weight", "w (D), 1 when absent", "nil", NULL, false},
            {MLP_ARG_MAYBE, "bias", "b (D), 0 when absent", "nil", NULL, false},
            {MLP_ARG_NUMBER, "eps", "added to the variance", "1e-5", NULL, true}},
    .n_out = 1,
    .save_in = 3,
    .infer = layer_infer,
    .run = layer_run,
    .vjp = layer_vjp,
    .tiling = norm_tiling,
};

#define BACK_ARGUMENTS                                            \
  {MLP_ARG_TENSOR, "g", "gradient", NULL, NULL, false},           \
      {MLP_ARG_TENSOR, "input", "x (..., D)", NULL, NULL, false}, \
      {MLP_ARG_MAYBE, "weight", "w (D)", "nil", NULL, false}, {   \
    MLP_ARG_TENSOR, "rstd", "(..., 1)", NULL, NULL, false         \
  }

const mlp_row mlp_row_layer_norm_back = {
    .name = "layer_norm_back",
    .doc = "dx, dw and db of layer_norm",
    .arg = {BACK_ARGUMENTS, {MLP_ARG_TENSOR, "mean", "(..., 1)", NULL, NULL, false}},
    .flags = MLP_INTERNAL,
    .n_out = 3,
    .save_in = 31,
    .infer = back_infer,
    .run = back_run,
    .vjp = back_vjp,
    .tiling = back_tiling,
};

/* ---- rms_norm -------------------------------------------------------------------------------- */

enum { RMS_RSTD = 1 };

static mlp_status rms_infer(mlp_call *c, mlp_error *e) { return norm_infer(c, 1, e); }

static void rms_run(mlp_call *c) {
  const mlp_tensor *x = c->in[X];
  mlp_norm k = {data_or_null(c->in[WEIGHT]), NULL, c->value[0].number, false};
  mlp_kernel()->rows.norm[x->dtype](mlp_result(c, 0), NULL,
                                    c->n_out > RMS_RSTD ? mlp_result(c, RMS_RSTD) : NULL,
                                    mlp_tensor_data(x), &k, row_count(x), last_of(x));
}

static void rms_vjp(mlp_vjp *v) {
  mlp_tensor *out[2], *rstd = mlp_output(v, RMS_RSTD);
  through_hidden(v, NULL, NULL, mlp_grad_out(v, RMS_RSTD), rstd);
  if (!mlp_emit_all(v, &mlp_row_rms_norm_back,
                    MLP_IN(mlp_grad_out(v, 0), mlp_input(v, X), mlp_input(v, WEIGHT), rstd),
                    MLP_NO_VALUES, out))
    return;
  mlp_give_grad(v, X, out[DX]);
  mlp_give_grad(v, WEIGHT, out[DW]);
}

const mlp_row mlp_row_rms_norm = {
    .name = "rms_norm",
    .doc = "x / sqrt(mean x^2 + eps) w, the mean over the last axis\nZhang and Sennrich 2019.",
    .arg = {{MLP_ARG_TENSOR, "input", "x (..., D)", NULL, NULL, false},
            {MLP_ARG_MAYBE, "weight", "w (D), 1 when absent", "nil", NULL, false},
            {MLP_ARG_NUMBER, "eps", "added to the mean square", "1e-6", NULL, true}},
    .n_out = 1,
    .save_in = 3,
    .infer = rms_infer,
    .run = rms_run,
    .vjp = rms_vjp,
    .tiling = norm_tiling,
};

const mlp_row mlp_row_rms_norm_back = {
    .name = "rms_norm_back",
    .doc = "dx and dw of rms_norm",
    .arg = {BACK_ARGUMENTS},
    .flags = MLP_INTERNAL,
    .n_out = 2,
    .save_in = 15,
    .infer = back_infer,
    .run = back_run,
    .vjp = back_vjp,
    .tiling = back_tiling,
};
