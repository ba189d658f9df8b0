/*
** attention: softmax(scale Q K') V, head by head. q (..., T, H, D), k (..., S, G, D) and v (..., S,
** G, E) give (..., T, H, E); H / G heads of q share one of k and v. With `causal` the T queries are
** the last of the S positions, so that a query sees itself and what stands before it.
**
** The probabilities P (..., H, T, S) are a hidden output, 0 where nothing may be seen. The
** derivative is a fused row of P; its own derivative is written in plain operations and counts the
** way through P as a way through q and k, so that a gradient arrives at P from beyond only (third
** order), which the forward row handles.
**
** Both rows go through the queries BLOCK at a time: the scores of a block stay in the cache, and of
** a causal block only the columns that it may see are computed.
*/
#include <math.h>
#include <string.h>

#include "kernel/blas.h"
#include "kernel/kernel.h"
#include "op/build.h"

extern const mlp_row mlp_row_attention, mlp_row_attention_back;
extern const mlp_row mlp_row_permute, mlp_row_softmax_back;

enum { BLOCK = 64 };

/* ---- sizes ----------------------------------------------------------------------------------- */

/* B batch, T queries, S positions, H heads of the queries, G of keys and values, D and E widths. */
typedef struct {
  mlp_dtype dtype;
  int64_t B, T, S, H, G, D, E;
  double scale;
  bool causal;
} sizes;

enum { Q, K, V };
enum { SCALE, CAUSAL, VALUES };
enum { OUT, P };

static int64_t from_end(const mlp_tensor *t, int axis) {
  return t->shape.dim[t->shape.ndim - axis];
}

static sizes sizes_of(mlp_tensor *const *in, const mlp_value *value) {
  const mlp_tensor *q = in[Q], *k = in[K], *v = in[V];
  sizes s = {.dtype = q->dtype, .B = 1, .scale = value[SCALE].number};
  for (int i = 0; i < q->shape.ndim - 3; i++) s.B *= q->shape.dim[i];
  s.T = from_end(q, 3), s.H = from_end(q, 2), s.D = from_end(q, 1);
  s.S = from_end(k, 3), s.G = from_end(k, 2), s.E = from_end(v, 1);
  s.causal = value[CAUSAL].integer;
  return s;
}

/* How many positions query t sees. */
static int64_t seen_by(const sizes *s, int64_t t) { return s->causal ? s->S - s->T + t + 1 : s->S; }

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- what is refused ------------------------------------------------------------------------- */

static mlp_status want_same_lead(const mlp_call *c, int i, int last, mlp_error *e) {
  const mlp_shape *a = &c->in[Q]->shape, *b = &c->in[i]->shape;
  char q[MLP_SHAPE_TEXT], got[MLP_SHAPE_TEXT];
  bool same = a->ndim == b->ndim;
  for (int j = 0; same && j < a->ndim - 3; j++) same = a->dim[j] == b->dim[j];
  for (int j = 1; same && j <= last; j++) same = from_end(c->in[K], j) == from_end(c->in[i], j);
  if (same) return MLP_OK;
  return mlp_refuse(e, "attention: %s is %s, which does not fit %s %s", mlp_in_name(c, i),
                    mlp_shape_text(got, b), i == V ? "key" : "query",
                    mlp_shape_text(q, i == V ? &c->in[K]->shape : a));
}

static mlp_status want_fitting(const mlp_call *c, mlp_error *e) {
  const mlp_tensor *q = c->in[Q], *k = c->in[K];
  int64_t H = from_end(q, 2), G = from_end(k, 2);
  MLP_TRY(want_same_lead(c, K, 0, e));
  MLP_TRY(want_same_lead(c, V, 0, e));
  if (from_end(k, 3) != from_end(c->in[V], 3) || G != from_end(c->in[V], 2))
    return want_same_lead(c, V, 3, e);
  if (from_end(q, 1) != from_end(k, 1))
    return mlp_refuse(e, "attention: heads of query are %lld wide but those of key %lld",
                      (long long)from_end(q, 1), (long long)from_end(k, 1));
  if (G == 0 ? H != 0 : H % G != 0)
    return mlp_refuse(e, "attention: query has %lld heads, which %lld heads of key do not divide",
                      (long long)H, (long long)G);
  if (c->value[CAUSAL].integer && from_end(q, 3) > from_end(k, 3))
    return mlp_refuse(e, "attention: %lld queries are more than the %lld positions of key",
                      (long long)from_end(q, 3), (long long)from_end(k, 3));
  return MLP_OK;
}

static mlp_shape probability_shape(const mlp_tensor *q, const mlp_tensor *k) {
  mlp_shape s = q->shape;
  s.dim[s.ndim - 3] = from_end(q, 2);
  s.dim[s.ndim - 2] = from_end(q, 3);
  s.dim[s.ndim - 1] = from_end(k, 3);
  return s;
}

static mlp_status attention_infer(mlp_call *c, mlp_error *e) {
  for (int i = Q; i <= V; i++) {
    MLP_TRY(mlp_want_float(c, i, e));
    MLP_TRY(mlp_want_same_dtype(c, Q, i, e));
    MLP_TRY(mlp_want_ndim(c, i, 3, MLP_MAX_DIMS, e));
  }
  MLP_TRY(want_fitting(c, e));
  int64_t D = from_end(c->in[Q], 1);
  if (c->value[SCALE].number == 0) c->value[SCALE].number = 1 / sqrt((double)(D ? D : 1));
  mlp_shape out = c->in[Q]->shape;
  out.dim[out.ndim - 1] = from_end(c->in[V], 1);
  MLP_TRY(mlp_out(c, c->in[Q]->dtype, &out, e));
  mlp_shape p = probability_shape(c->in[Q], c->in[K]);
  if (c->traced) return mlp_out(c, c->in[Q]->dtype, &p, e);
  c->work_bytes = (size_t)(BLOCK * from_end(c->in[K], 3)) * mlp_dtype_bytes(c->in[Q]->dtype);
  return MLP_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

/* A matrix as it lies in memory. */
typedef struct {
  char *data;
  int64_t stride; /* elements between rows */
} matrix;

/* Head h of batch b of a (B, length, heads, width), from row t on. */
static matrix head_of(const sizes *s, void *data, int64_t b, int64_t t, int64_t h, int64_t length,
                      int64_t heads, int64_t width) {
  return (matrix){mlp_after(data, ((b * length + t) * heads + h) * width, s->dtype), heads * width};
}

static void multiply(const sizes *s, matrix c, matrix a, bool a_turned, matrix b, bool b_turned,
                     double alpha, double beta, int64_t m, int64_t n, int64_t k) {
  mlp_factor fa = {a.data, a.stride, a_turned}, fb = {b.data, b.stride, b_turned};
  if (s->dtype == MLP_F32)
    mlp_gemm_f32((float *)c.data, c.stride, fa, fb, (float)alpha, (float)beta, m, n, k);
  else
    mlp_gemm_f64((double *)c.data, c.stride, fa, fb, alpha, beta, m, n, k);
}

/* Rows t0 .. t1 of the scores into probabilities: softmax of what each query sees, 0 up to `width`.
 */
static void softmax_seen(const sizes *s, matrix p, int64_t t0, int64_t t1, int64_t width) {
  size_t bytes = mlp_dtype_bytes(s->dtype);
  for (int64_t t = t0; t < t1; t++) {
    char *row = mlp_after(p.data, (t - t0) * p.stride, s->dtype);
    int64_t n = seen_by(s, t);
    mlp_kernel()->rows.softmax[s->dtype](row, row, 1, n);
    memset(row + (size_t)n * bytes, 0, (size_t)(width - n) * bytes);
  }
}

/* One block of queries of one head. */
static void attend(mlp_call *c, const sizes *s, int64_t b, int64_t h, int64_t t0) {
  int64_t t1 = least(t0 + BLOCK, s->T), g = h / (s->H / s->G), limit = seen_by(s, t1 - 1);
  bool kept = c->n_out > P;
  matrix q = head_of(s, mlp_in(c, Q), b, t0, h, s->T, s->H, s->D);
  matrix k = head_of(s, mlp_in(c, K), b, 0, g, s->S, s->G, s->D);
  matrix v = head_of(s, mlp_in(c, V), b, 0, g, s->S, s->G, s->E);
  matrix y = head_of(s, mlp_result(c, OUT), b, t0, h, s->T, s->H, s->E);
  matrix p = {c->work, s->S};
  if (kept) p.data = mlp_after(mlp_result(c, P), ((b * s->H + h) * s->T + t0) * s->S, s->dtype);
  multiply(s, p, q, false, k, true, s->scale, 0, t1 - t0, limit, s->D);
  softmax_seen(s, p, t0, t1, kept ? s->S : limit);
  multiply(s, y, p, false, v, false, 1, 0, t1 - t0, s->E, limit);
}

static void attention_run(mlp_call *c) {
  sizes s = sizes_of(c->in, c->value);
  for (int64_t b = 0; b < s.B; b++)
    for (int64_t h = 0; h < s.H; h++)
      for (int64_t t0 = 0; t0 < s.T; t0 += BLOCK) attend(c, &s, b, h, t0);
}

/* ---- the fused derivative -------------------------------------------------------------------- */

/* Of (q, k, v, g, p). Outputs dq, dk, dv. */
enum { BACK_G = 3, BACK_P };
enum { DQ, DK, DV };

static mlp_status back_infer(mlp_call *c, mlp_error *e) {
  for (int i = Q; i <= V; i++) MLP_TRY(mlp_out_like(c, c->in[i], e));
  c->work_bytes = (size_t)(BLOCK * from_end(c->in[K], 3)) * mlp_dtype_bytes(c->in[Q]->dtype);
  return MLP_OK;
}

static void clear(mlp_tensor *t) {
  size_t bytes = (size_t)mlp_tensor_count(t) * mlp_dtype_bytes(t->dtype);
  if (bytes) memset(mlp_tensor_data(t), 0, bytes);
}

/* dP into dS, in place, row by row; 0 beyond what a query sees. */
static void softmax_back_seen(const sizes *s, matrix d, matrix p, int64_t t0, int64_t t1,
                              int64_t width) {
  size_t bytes = mlp_dtype_bytes(s->dtype);
  for (int64_t t = t0; t < t1; t++) {
    char *row = mlp_after(d.data, (t - t0) * d.stride, s->dtype);
    int64_t n = seen_by(s, t);
    mlp_kernel()->rows.softmax_back[s->dtype](
        row, row, mlp_after(p.data, (t - t0) * p.stride, s->dtype), 1, n);
    memset(row + (size_t)n * bytes, 0, (size_t)(width - n) * bytes);
  }
}

/* dV += P' g, dS = softmax'(g V'), dQ = scale dS K, dK += scale dS' Q, of one block of queries. */
static void attend_back(mlp_call *c, const sizes *s, int64_t b, int64_t h, int64_t t0) {
  int64_t t1 = least(t0 + BLOCK, s->T), j = h / (s->H / s->G), limit = seen_by(s, t1 - 1);
  int64_t rows = t1 - t0;
  matrix q = head_of(s, mlp_in(c, Q), b, t0, h, s->T, s->H, s->D);
  matrix k = head_of(s, mlp_in(c, K), b, 0, j, s->S, s->G, s->D);
  matrix v = head_of(s, mlp_in(c, V), b, 0, j, s->S, s->G, s->E);
  matrix g = head_of(s, mlp_in(c, BACK_G), b, t0, h, s->T, s->H, s->E);
  matrix p = {mlp_after(mlp_in(c, BACK_P), ((b * s->H + h) * s->T + t0) * s->S, s->dtype), s->S};
  matrix dq = head_of(s, mlp_result(c, DQ), b, t0, h, s->T, s->H, s->D);
  matrix dk = head_of(s, mlp_result(c, DK), b, 0, j, s->S, s->G, s->D);
  matrix dv = head_of(s, mlp_result(c, DV), b, 0, j, s->S, s->G, s->E);
  matrix d = {c->work, s->S};
  multiply(s, dv, p, true, g, false, 1, 1, limit, s->E, rows);
  multiply(s, d, g, false, v, true, 1, 0, rows, limit, s->E);
  softmax_back_seen(s, d, p, t0, t1, limit);
  multiply(s, dq, d, false, k, false, s->scale, 0, rows, s->D, limit);
  multiply(s, dk, d, true, q, false, s->scale, 1, limit, s->D, rows);
}

static void back_run(mlp_call *c) {
  sizes s = sizes_of(c->in, c->value);
  clear(c->out[DK]);
  clear(c->out[DV]);
  for (int64_t b = 0; b < s.B; b++)
    for (int64_t h = 0; h < s.H; h++)
      for (int64_t t0 = 0; t0 < s.T; t0 += BLOCK) attend_back(c, &s, b, h, t0);
}

/* ---- the second order, in plain operations --------------------------------------------------- */

/* What it speaks in: heads as (B, G, H / G, length, width), with 1 for H / G in keys and values. */
typedef struct {
  mlp_vjp *v;
  sizes s;
} speech;

static mlp_tensor *turn(mlp_vjp *v, mlp_tensor *t, const int64_t axis[5]) {
  mlp_value axes = {.list = {.n = 5}};
  for (int i = 0; i < 5; i++) axes.list.item[i] = axis[i];
  return mlp_emit(v, &mlp_row_permute, MLP_IN(t), 1, &axes);
}

static mlp_tensor *heads(const speech *x, mlp_tensor *t, int64_t length, int64_t each,
                         int64_t width) {
  mlp_shape s = {.ndim = 5, .dim = {x->s.B, length, x->s.G, each, width}};
  static const int64_t axis[] = {0, 2, 3, 1, 4};
  return t ? turn(x->v, mlp_reshape(x->v, t, &s), axis) : NULL;
}

static mlp_tensor *of_queries(const speech *x, mlp_tensor *t, int64_t width) {
  return heads(x, t, x->s.T, x->s.G ? x->s.H / x->s.G : 0, width);
}

static mlp_tensor *of_keys(const speech *x, mlp_tensor *t, int64_t width) {
  return heads(x, t, x->s.S, 1, width);
}

static mlp_tensor *as_square(const speech *x, mlp_tensor *t) {
  mlp_shape s = {.ndim = 5, .dim = {x->s.B, x->s.G, x->s.G ? x->s.H / x->s.G : 0, x->s.T, x->s.S}};
  return t ? mlp_reshape(x->v, t, &s) : NULL;
}

/* Hands a gradient in heads over to input i; those of keys are summed over the heads that share. */
static void give_heads(const speech *x, int i, mlp_tensor *t) {
  static const int64_t axis[] = {0, 3, 1, 2, 4};
  if (!t || !mlp_wanted(x->v, i)) return;
  if (i == K || i == V) t = mlp_sum(x->v, t, 2, true);
  mlp_give_grad(x->v, i, mlp_reshape(x->v, turn(x->v, t, axis), &mlp_input(x->v, i)->shape));
}

/* (a b') and (a' b) of heads. */
static mlp_tensor *outer(const speech *x, mlp_tensor *a, mlp_tensor *b) {
  return a && b ? mlp_matmul(x->v, a, mlp_swap(x->v, b)) : NULL;
}
static mlp_tensor *inner(const speech *x, mlp_tensor *a, mlp_tensor *b) {
  return a && b ? mlp_matmul(x->v, mlp_swap(x->v, a), b) : NULL;
}

static mlp_tensor *slope(const speech *x, mlp_tensor *g, mlp_tensor *p) {
  return g ? mlp_emit(x->v, &mlp_row_softmax_back, MLP_IN(g, p), MLP_VALUES({.integer = -1}))
           : NULL;
}

static mlp_tensor *along(const speech *x, mlp_tensor *p, mlp_tensor *t) {
  return mlp_sum(x->v, mlp_mul(x->v, p, t), 4, true);
}

/*
** For uq, uk, uv that arrive at dq, dk, dv it is the gradient of <g, J>, where J is the change of
** the output along them:
**   J = dP V + P uv,   dP = P (dS - sum P dS),   dS = scale (uq K' + Q uk')
** With A = g V', the derivative by P is dS (A - sum P A) - A sum P dS + g uv', by dS it is
** P (A - sum P A), by V it is dP' g, by g it is J.
*/
static void back_vjp(mlp_vjp *v) {
  speech x = {v, sizes_of(v->call->in, mlp_value_of(v, 0))};
  mlp_tensor *q = of_queries(&x, mlp_input(v, Q), x.s.D), *k = of_keys(&x, mlp_input(v, K), x.s.D);
  mlp_tensor *w = of_keys(&x, mlp_input(v, V), x.s.E);
  mlp_tensor *g = of_queries(&x, mlp_input(v, BACK_G), x.s.E);
  mlp_tensor *p = as_square(&x, mlp_input(v, BACK_P));
  mlp_tensor *uq = of_queries(&x, mlp_grad_out(v, DQ), x.s.D);
  mlp_tensor *uk = of_keys(&x, mlp_grad_out(v, DK), x.s.D);
  mlp_tensor *uv = of_keys(&x, mlp_grad_out(v, DV), x.s.E);
  mlp_tensor *ds = mlp_scale(v, mlp_add(v, outer(&x, uq, k), outer(&x, q, uk)), x.s.scale);
  mlp_tensor *dp = slope(&x, ds, p), *a = outer(&x, g, w), *by_p = outer(&x, g, uv);
  mlp_tensor *by_s = slope(&x, a, p); /* scale times it is what dq and dk are made of */
  give_heads(&x, BACK_G,
             mlp_add(v, dp ? mlp_matmul(v, dp, w) : NULL, uv ? mlp_matmul(v, p, uv) : NULL));
  give_heads(&x, V, inner(&x, dp, g));
  if (ds)
    by_p = mlp_add(v, by_p,
                   mlp_sub(v, mlp_mul(v, ds, mlp_sub(v, a, along(&x, p, a))),
                           mlp_mul(v, a, along(&x, p, ds))));
  mlp_tensor *turned = mlp_scale(v, slope(&x, by_p, p), x.s.scale);
  by_s = mlp_scale(v, by_s, x.s.scale);
  give_heads(
      &x, Q,
      mlp_add(v, turned ? mlp_matmul(v, turned, k) : NULL, uk ? mlp_matmul(v, by_s, uk) : NULL));
  give_heads(&x, K, mlp_add(v, inner(&x, turned, q), inner(&x, uq ? by_s : NULL, uq)));
}

static void attention_vjp(mlp_vjp *v) {
  mlp_tensor *out[3], *p = mlp_output(v, P), *g = mlp_grad_out(v, OUT), *gp = mlp_grad_out(v, P);
  mlp_tensor *q = mlp_input(v, Q), *k = mlp_input(v, K), *w = mlp_input(v, V);
  const mlp_value *value = mlp_value_of(v, 0);
  if (g && mlp_emit_all(v, &mlp_row_attention_back, MLP_IN(q, k, w, g, p), VALUES, value, out))
    for (int i = Q; i <= V; i++) mlp_give_grad(v, i, out[i]);
  if (!gp) return;
  speech x = {v, sizes_of(v->call->in, value)};
  mlp_tensor *ds = mlp_scale(v, slope(&x, as_square(&x, gp), as_square(&x, p)), x.s.scale);
  give_heads(&x, Q, ds ? mlp_matmul(v, ds, of_keys(&x, k, x.s.D)) : NULL);
  give_heads(&x, K, inner(&x, ds, of_queries(&x, q, x.s.D)));
}

/* ---- tiling ---------------------------------------------------------------------------------- */

/* Sequences are independent: rows stay rows along an axis before the last three. */
static void attention_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool rows = in[Q].spread == MLP_ROWS && in[Q].axis < c->in[Q]->shape.ndim - 3;
  for (int i = 0; i < c->n_in; i++) rows = rows && mlp_rows_alike(&in[i], &in[Q]);
  if (!rows) {
    mlp_tiling_whole(c, in, out);
    return;
  }
  for (int i = 0; i < c->n_out; i++) out[i] = in[Q];
}

/* ---- the rows -------------------------------------------------------------------------------- */

#define HEADS                                                                        \
  {MLP_ARG_TENSOR, "query", "q (..., T, H, D)", NULL, NULL, false},                  \
      {MLP_ARG_TENSOR, "key", "k (..., S, G, D); G divides H", NULL, NULL, false}, { \
    MLP_ARG_TENSOR, "value", "v (..., S, G, E)", NULL, NULL, false                   \
  }

const mlp_row mlp_row_attention = {
    .name = "attention",
    .doc =
        "softmax(scale q k') v of every head: (..., T, H, E)\nVaswani et al. 2017; heads that "
        "share keys and values: Ainslie et al. 2023. causal: the queries are the last T of the S "
        "positions and see none after their own.",
    .arg = {HEADS,
            {MLP_ARG_NUMBER, "scale", "of the scores; 0: 1 / sqrt(D)", "0", NULL, true},
            {MLP_ARG_FLAG, "causal", "no query sees what follows it", "false", NULL, true}},
    .n_out = 1,
    .save_in = 7,
    .infer = attention_infer,
    .run = attention_run,
    .vjp = attention_vjp,
    .tiling = attention_tiling,
};

const mlp_row mlp_row_attention_back = {
    .name = "attention_back",
    .doc = "dq, dk and dv of attention",
    .arg = {HEADS,
            {MLP_ARG_TENSOR, "g", "gradient (..., T, H, E)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "p", "probabilities (..., H, T, S)", NULL, NULL, false},
            {MLP_ARG_NUMBER, "scale", "as given", NULL, NULL, false},
            {MLP_ARG_FLAG, "causal", "as given", NULL, NULL, false}},
    .flags = MLP_INTERNAL,
    .n_out = 3,
    .save_in = 31,
    .infer = back_infer,
    .run = back_run,
    .vjp = back_vjp,
    .tiling = attention_tiling,
};
