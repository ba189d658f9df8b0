/*
** gated: act(g) v, the hidden values of a gated unit (Shazeer 2020), and gated_back, its two
** gradients at once. Both go through memory once: a block at a time, whose activation is multiplied
** while it lies in the L1 cache, or where there is a loop of its own for it, number by number.
*/
#include <string.h>

#include "kernel/kernel.h"
#include "op/build.h"
#include "op/unary.h"

extern const mlp_row mlp_row_gated, mlp_row_gated_back;

enum { BLOCK = 1024 };
enum { ACTIVATION };

/* An activation with the defaults of its parameters, for loops and for rows. */
typedef struct {
  const mlp_unary *u;
  double p[MLP_UNARY_PARAMETERS];
  mlp_value parameters[MLP_UNARY_PARAMETERS];
} activation;

static activation activation_of(const mlp_value *value) {
  activation a = {.u = mlp_activation(value[ACTIVATION].integer)};
  for (int i = 0; i < a.u->n_parameters; i++)
    a.parameters[i].number = a.p[i] = a.u->parameter[i].number;
  return a;
}

/* ---- gated ----------------------------------------------------------------------------------- */

enum { G, V };

static mlp_status want_alike(const mlp_call *c, int first, int i, mlp_error *e) {
  char one[MLP_SHAPE_TEXT], other[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_same_dtype(c, first, i, e));
  if (mlp_shape_equal(&c->in[first]->shape, &c->in[i]->shape)) return MLP_OK;
  return mlp_refuse(e, "%s: %s is %s but %s is %s", c->row->name, mlp_in_name(c, first),
                    mlp_shape_text(one, &c->in[first]->shape), mlp_in_name(c, i),
                    mlp_shape_text(other, &c->in[i]->shape));
}

static mlp_status gated_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, G, e));
  MLP_TRY(want_alike(c, G, V, e));
  return mlp_out_like(c, c->in[G], e);
}

static void gated_run(mlp_call *c) {
  mlp_dtype dtype = c->in[G]->dtype;
  activation a = activation_of(c->value);
  mlp_unary_value *value = mlp_kernel()->unary.value[dtype][a.u->id];
  mlp_binary_kernel *times = mlp_kernel()->binary.run[dtype][MLP_BINARY_mul][MLP_VV];
  int64_t count = mlp_tensor_count(c->in[G]);
  for (int64_t i = 0; i < count; i += BLOCK) {
    int64_t n = count - i < BLOCK ? count - i : BLOCK;
    void *y = mlp_after(mlp_result(c, 0), i, dtype);
    value(y, mlp_after(mlp_in(c, G), i, dtype), n, a.p);
    times(y, y, mlp_after(mlp_in(c, V), i, dtype), n);
  }
}

static void gated_vjp(mlp_vjp *v) {
  mlp_tensor *grad[2], *u = mlp_grad_out(v, 0);
  if (!u || !mlp_emit_all(v, &mlp_row_gated_back, MLP_IN(u, mlp_input(v, G), mlp_input(v, V)), 1,
                          mlp_value_of(v, 0), grad))
    return;
  mlp_give_grad(v, G, grad[0]);
  mlp_give_grad(v, V, grad[1]);
}

#define ACTIVATION_ARGUMENT \
  { MLP_ARG_CHOICE, "activation", "act, with its defaults", "identity", mlp_activations, true }

const mlp_row mlp_row_gated = {
    .name = "gated",
    .doc = "act(g) v, elementwise: the hidden values of a gated unit (Shazeer 2020)",
    .arg = {{MLP_ARG_TENSOR, "gate", "g, any shape", NULL, NULL, false},
            {MLP_ARG_TENSOR, "value", "v, of g's shape", NULL, NULL, false},
            ACTIVATION_ARGUMENT},
    .n_out = 1,
    .save_in = 1 << G | 1 << V,
    .infer = gated_infer,
    .run = gated_run,
    .vjp = gated_vjp,
    .tiling = mlp_tiling_elementwise,
};

/* ---- gated_back: (u, g, v) to (u v act'(g), u act(g)) ---------------------------------------- */

enum { BACK_U, BACK_G, BACK_V };
enum { DG, DV };

static mlp_status back_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, BACK_U, e));
  MLP_TRY(want_alike(c, BACK_U, BACK_G, e));
  MLP_TRY(want_alike(c, BACK_U, BACK_V, e));
  MLP_TRY(mlp_out_like(c, c->in[BACK_U], e));
  return mlp_out_like(c, c->in[BACK_U], e);
}

/* Of angles: the activation and its slope, both of the input, by their own loops. Results may lie
** over u and g, so nothing is written before all is read. */
static void back_in_blocks(mlp_call *c, const activation *a) {
  mlp_dtype dtype = c->in[BACK_U]->dtype;
  mlp_unary_value *value = mlp_kernel()->unary.value[dtype][a->u->id];
  mlp_unary_chain *slope = mlp_kernel()->unary.chain[dtype][a->u->id][MLP_SLOPE];
  mlp_binary_kernel *times = mlp_kernel()->binary.run[dtype][MLP_BINARY_mul][MLP_VV];
  int64_t count = mlp_tensor_count(c->in[BACK_U]);
  _Alignas(64) double act[BLOCK], t[BLOCK];
  for (int64_t i = 0; i < count; i += BLOCK) {
    int64_t n = count - i < BLOCK ? count - i : BLOCK;
    const void *u = mlp_after(mlp_in(c, BACK_U), i, dtype),
               *g = mlp_after(mlp_in(c, BACK_G), i, dtype);
    value(act, g, n, a->p);
    times(t, u, mlp_after(mlp_in(c, BACK_V), i, dtype), n);
    times(act, u, act, n);
    slope(mlp_after(mlp_result(c, DG), i, dtype), t, g, n, a->p);
    memcpy(mlp_after(mlp_result(c, DV), i, dtype), act, (size_t)n * mlp_dtype_bytes(dtype));
  }
}

static void back_run(mlp_call *c) {
  mlp_dtype dtype = c->in[BACK_U]->dtype;
  activation a = activation_of(c->value);
  mlp_unary_gated *gated = mlp_kernel()->unary.gated[dtype][a.u->id];
  if (gated)
    gated(mlp_result(c, DG), mlp_result(c, DV), mlp_in(c, BACK_U), mlp_in(c, BACK_G),
          mlp_in(c, BACK_V), mlp_tensor_count(c->in[BACK_U]), a.p);
  else
    back_in_blocks(c, &a);
}

static mlp_tensor *chain(mlp_vjp *v, const activation *a, mlp_tensor *x, mlp_tensor *state,
                         int64_t order) {
  if (a->u->state == MLP_CONSTANT)
    return a->u->id == MLP_UNARY_identity && order == MLP_SLOPE ? x : NULL;
  return mlp_emit_chain(v, x, state, a->u->id, order, a->parameters);
}

/* Of p dg + q dv, with act written in its state s: g, or act(g). */
static void back_vjp(mlp_vjp *v) {
  activation a = activation_of(mlp_value_of(v, 0));
  mlp_tensor *u = mlp_input(v, BACK_U), *g = mlp_input(v, BACK_G), *x = mlp_input(v, BACK_V);
  mlp_tensor *p = mlp_grad_out(v, DG), *q = mlp_grad_out(v, DV);
  mlp_tensor *act =
      mlp_emit(v, mlp_unary_rows[a.u->id], MLP_IN(g), a.u->n_parameters, a.parameters);
  mlp_tensor *s = a.u->state == MLP_OF_OUTPUT ? act : g;
  mlp_tensor *slope = chain(v, &a, p, s, MLP_SLOPE);
  mlp_give_grad(v, BACK_U, mlp_add(v, mlp_mul(v, slope, x), mlp_mul(v, q, act)));
  mlp_give_grad(v, BACK_V, mlp_mul(v, u, slope));
  if (!mlp_wanted(v, BACK_G)) return;
  mlp_tensor *curve = chain(v, &a, mlp_mul(v, mlp_mul(v, p, u), x), s, MLP_CURVE);
  if (a.u->state == MLP_OF_OUTPUT) curve = chain(v, &a, curve, s, MLP_SLOPE);
  mlp_give_grad(v, BACK_G, mlp_add(v, chain(v, &a, mlp_mul(v, q, u), s, MLP_SLOPE), curve));
}

const mlp_row mlp_row_gated_back = {
    .name = "gated_back",
    .doc = "the gradients of gated: u v act'(g) and u act(g)",
    .arg = {{MLP_ARG_TENSOR, "u", "gradient", NULL, NULL, false},
            {MLP_ARG_TENSOR, "gate", "g", NULL, NULL, false},
            {MLP_ARG_TENSOR, "value", "v", NULL, NULL, false},
            ACTIVATION_ARGUMENT},
    .flags = MLP_INTERNAL | MLP_IN_PLACE,
    .n_out = 2,
    .save_in = 7,
    .infer = back_infer,
    .run = back_run,
    .vjp = back_vjp,
    .tiling = mlp_tiling_elementwise,
};
