/*
** Y = act(X W' + b): X (..., D), W (H, D), b (H) or absent, Y (..., H). The product adds the
** bias; the activation follows in one pass. The pre-activation Z is a hidden
** output only when the slope of the activation is written in it and a gradient is wanted; where the
** slope follows from Y (relu, tanh, ...), Y is saved instead.
*/
#include <string.h>

#include "kernel/kernel.h"
#include "op/build.h"
#include "op/factor.h"
#include "op/unary.h"

/* ---- arguments ------------------------------------------------------------------------------- */

/* Every parameter of every activation is an option of linear, shared ones once: slot[id] is where
** those of activation id begin among the values. */
enum {
  ACTIVATION,
#define NONE 0
#define ONE(...) 1
#define SHARED(...) 0
#define TWO(...) 2
#define COUNT_FUNCTION(parameters) 0
#define COUNT_ACTIVATION(parameters) parameters
#define UNARY(name, use, state, loop, parameters, formula, f, f1, f2, f3) \
  SLOT_##name, SLOT_AFTER_##name = SLOT_##name + COUNT_##use(parameters) - 1,
#include "kernel/unary.def"
  VALUES
};
_Static_assert((int)VALUES <= (int)MLP_MAX_VALUES, "linear takes every activation's parameters");
#undef UNARY
#undef NONE
#undef ONE
#undef SHARED
#undef TWO

static const uint8_t slot[] = {
#define NONE 0
#define ONE(...) 0
#define SHARED(row, ...) SLOT_##row
#define TWO(...) 0
#define UNARY(name, use, state, loop, parameters, formula, f, f1, f2, f3) \
  (parameters) ? (parameters) : SLOT_##name, /* no parameter lies in slot 0 */
#include "kernel/unary.def"
#undef UNARY
#undef NONE
#undef ONE
#undef SHARED
#undef TWO
};

static const mlp_unary *activation_of(const mlp_value *value) {
  return mlp_activation(value[ACTIVATION].integer);
}

static const double *parameters_of(double p[MLP_UNARY_PARAMETERS], const mlp_value *value) {
  const mlp_unary *u = activation_of(value);
  for (int i = 0; i < MLP_UNARY_PARAMETERS; i++)
    p[i] = i < u->n_parameters ? value[slot[u->id] + i].number : 0;
  return p;
}

/* ---- shapes ---------------------------------------------------------------------------------- */

enum { X, W, B };
enum { Y, Z };

static mlp_status want_fitting(const mlp_call *c, mlp_error *e) {
  const mlp_shape *x = &c->in[X]->shape, *w = &c->in[W]->shape;
  char input[MLP_SHAPE_TEXT], weight[MLP_SHAPE_TEXT];
  if (x->dim[x->ndim - 1] != w->dim[1])
    return mlp_refuse(e, "linear: input is %s but weight %s wants %lld columns",
                      mlp_shape_text(input, x), mlp_shape_text(weight, w), (long long)w->dim[1]);
  if (!c->in[B] || (c->in[B]->shape.ndim == 1 && c->in[B]->shape.dim[0] == w->dim[0]))
    return MLP_OK;
  return mlp_refuse(e, "linear: bias is %s but weight %s wants (%lld,)",
                    mlp_shape_text(input, &c->in[B]->shape), mlp_shape_text(weight, w),
                    (long long)w->dim[0]);
}

/* What the derivative reads: each factor for the other's sake, Z or Y for the activation's. */
static void narrow_saved(mlp_call *c, const mlp_unary *u) {
  bool x = mlp_tensor_traced(c->in[X]), w = mlp_tensor_traced(c->in[W]);
  c->save_in = (uint64_t)w << X | (uint64_t)x << W;
  c->save_out = u->state == MLP_OF_OUTPUT ? 1 << Y : 0;
}

static mlp_status linear_infer(mlp_call *c, mlp_error *e) {
  const mlp_unary *u = activation_of(c->value);
  double p[MLP_UNARY_PARAMETERS];
  MLP_TRY(mlp_want_float(c, X, e));
  MLP_TRY(mlp_want_same_dtype(c, X, W, e));
  MLP_TRY(mlp_want_same_dtype(c, X, B, e));
  MLP_TRY(mlp_want_ndim(c, X, 1, MLP_MAX_DIMS, e));
  MLP_TRY(mlp_want_ndim(c, W, 2, 2, e));
  MLP_TRY(want_fitting(c, e));
  MLP_TRY(mlp_unary_check(u, parameters_of(p, c->value), "linear", e));
  narrow_saved(c, u);
  mlp_shape shape = c->in[X]->shape;
  shape.dim[shape.ndim - 1] = c->in[W]->shape.dim[0];
  MLP_TRY(mlp_out(c, c->in[X]->dtype, &shape, e));
  bool hidden = c->traced && u->state == MLP_OF_INPUT;
  return hidden ? mlp_out(c, c->in[X]->dtype, &shape, e) : MLP_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

/* Z = X W' (+ b). Leading axes are one tall matrix, unless the last two lie exchanged. */
static void multiply(const mlp_call *c, char *z) {
  const mlp_tensor *x = c->in[X], *w = c->in[W];
  int64_t k = w->shape.dim[1], n = w->shape.dim[0], count = 1;
  int64_t m = mlp_shape_count(&c->spec[Y].shape) / (n ? n : 1);
  mlp_factor a = mlp_factor_of(x), b = mlp_factor_turned(mlp_factor_of(w));
  if (a.swapped) {
    count = m / a.stride;
    m = a.stride;
  }
  for (int64_t i = 0; i < count; i++) {
    mlp_factor ai = mlp_factor_after(a, i * m * k, x->dtype);
    mlp_multiply(x->dtype, z, ai, b, c->in[B] ? mlp_in(c, B) : NULL, 0, m, n, k);
    z += m * n * (int64_t)mlp_dtype_bytes(x->dtype);
  }
}

static void linear_run(mlp_call *c) {
  const mlp_unary *u = activation_of(c->value);
  void *y = mlp_result(c, Y), *z = c->n_out > Z ? mlp_result(c, Z) : y;
  double p[MLP_UNARY_PARAMETERS];
  multiply(c, z);
  if (u->id == MLP_UNARY_identity) return;
  mlp_kernel()->unary.value[c->in[X]->dtype][u->id](y, z, mlp_shape_count(&c->spec[Y].shape),
                                                    parameters_of(p, c->value));
}

/* ---- the derivative -------------------------------------------------------------------------- */

static mlp_tensor *slope_times(mlp_vjp *v, mlp_tensor *g) {
  const mlp_value *value = mlp_value_of(v, 0);
  const mlp_unary *u = activation_of(value);
  double p[MLP_UNARY_PARAMETERS];
  if (u->id == MLP_UNARY_identity || !g) return g;
  if (u->state == MLP_CONSTANT) return mlp_full_like(v, g, 0); /* the hard threshold */
  parameters_of(p, value);
  return mlp_emit_chain(v, g, mlp_output(v, u->state == MLP_OF_OUTPUT ? Y : Z), u->id, MLP_SLOPE,
                        (const mlp_value[]){{.number = p[0]}, {.number = p[1]}});
}

/* (..., n) as (rows, n). */
static mlp_tensor *as_rows(mlp_vjp *v, mlp_tensor *t) {
  int64_t n = t->shape.dim[t->shape.ndim - 1], rows = 1;
  for (int i = 0; i < t->shape.ndim - 1; i++) rows *= t->shape.dim[i];
  mlp_shape s = {.ndim = 2, .dim = {rows, n}};
  return mlp_reshape(v, t, &s);
}

static void linear_vjp(mlp_vjp *v) {
  mlp_tensor *dz = slope_times(v, mlp_grad_out(v, Y));
  if (v->call->n_out > Z) dz = mlp_add(v, dz, mlp_grad_out(v, Z));
  if (!dz) return;
  if (mlp_wanted(v, X)) mlp_give_grad(v, X, mlp_matmul(v, dz, mlp_input(v, W))); /* dX = dZ W   */
  if (mlp_wanted(v, W))                                                          /* dW = dZ' X  */
    mlp_give_grad(v, W, mlp_matmul(v, mlp_swap(v, as_rows(v, dz)), as_rows(v, mlp_input(v, X))));
  if (mlp_wanted(v, B)) mlp_give_grad(v, B, mlp_sum_like(v, dz, B)); /* db = sum of the rows */
}

static void linear_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool shared = in[W].spread == MLP_SHARED && (!c->in[B] || in[B].spread == MLP_SHARED);
  bool rows = in[X].spread == MLP_ROWS && in[X].axis < c->in[X]->shape.ndim - 1;
  if (!rows || !shared) {
    mlp_tiling_whole(c, in, out);
    return;
  }
  for (int i = 0; i < c->n_out; i++) out[i] = in[X];
}

/* ---- the row --------------------------------------------------------------------------------- */

#define OPTION_FUNCTION(...)
#define OPTION_ACTIVATION(...) __VA_ARGS__
#define NONE
#define ONE(name, text, number, bound, phrase) {MLP_ARG_NUMBER, name, phrase, text, NULL, true},
#define SHARED(...)
#define TWO(name, text, number, bound, phrase, name2, text2, number2, bound2, phrase2) \
  ONE(name, text, number, bound, phrase) ONE(name2, text2, number2, bound2, phrase2)
#define UNARY(name, use, state, loop, parameters, formula, f, f1, f2, f3) OPTION_##use(parameters)

extern const mlp_row mlp_row_linear;
const mlp_row mlp_row_linear = {
    .name = "linear",
    .doc = "act(x W' + b): a layer with its activation",
    .arg =
        {
            {MLP_ARG_TENSOR, "input", "x (..., D)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "weight", "W (H, D)", NULL, NULL, false},
            {MLP_ARG_MAYBE, "bias", "b (H)", "nil", NULL, false},
            {MLP_ARG_CHOICE, "activation", "act", "identity", mlp_activations, true},
#include "kernel/unary.def"
        },
    .flags = MLP_MATRICES,
    .n_out = 1,
    .save_in = 1 << X | 1 << W,
    .infer = linear_infer,
    .run = linear_run,
    .vjp = linear_vjp,
    .tiling = linear_tiling,
};
