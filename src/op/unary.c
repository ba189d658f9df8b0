/*
** Rows of one operand, elementwise, all made from kernel/unary.def. Their derivative is one
** internal row, unary_chain, whose own derivative is itself, one order higher.
*/
#include "op/unary.h"

#include <math.h>
#include <string.h>

#include "kernel/kernel.h"
#include "op/build.h"
#include "op/loop.h"

/* ---- the table ------------------------------------------------------------------------------- */

enum { IS_FUNCTION, IS_ACTIVATION };

#define NONE \
  0, {       \
    { 0 }    \
  }
#define ONE(name, text, number, bound, phrase)  \
  1, {                                          \
    { name, text, number, MLP_##bound, phrase } \
  }
#define SHARED(row, ...) ONE(__VA_ARGS__)
#define TWO(name, text, number, bound, phrase, name2, text2, number2, bound2, phrase2)          \
  2, {                                                                                          \
    {name, text, number, MLP_##bound, phrase}, { name2, text2, number2, MLP_##bound2, phrase2 } \
  }
const mlp_unary mlp_unaries[] = {
#define UNARY(name, use, state, loop, parameters, formula, f, f1, f2, f3) \
  {MLP_UNARY_##name, #name, formula, IS_##use, MLP_##state, parameters},
#include "kernel/unary.def"
#undef UNARY
};
#undef NONE
#undef ONE
#undef SHARED
#undef TWO

const char *const mlp_activations[] = {
#define NAME_FUNCTION(name)
#define NAME_ACTIVATION(name) #name,
#define UNARY(name, use, state, loop, parameters, formula, f, f1, f2, f3) NAME_##use(name)
#include "kernel/unary.def"
#undef UNARY
    NULL};

static const uint8_t id_of_choice[] = {
#define CHOICE_FUNCTION(name)
#define CHOICE_ACTIVATION(name) MLP_UNARY_##name,
#define UNARY(name, use, state, loop, parameters, formula, f, f1, f2, f3) CHOICE_##use(name)
#include "kernel/unary.def"
#undef UNARY
};

const mlp_unary *mlp_activation(int64_t choice) { return &mlp_unaries[id_of_choice[choice]]; }

const mlp_unary *mlp_unary_find(const char *name) {
  for (int i = 0; i < MLP_UNARY_COUNT; i++) {
    if (strcmp(mlp_unaries[i].name, name) == 0) return &mlp_unaries[i];
  }
  return NULL;
}

mlp_status mlp_unary_check(const mlp_unary *u, const double *p, const char *who, mlp_error *e) {
  for (int i = 0; i < u->n_parameters; i++) {
    const mlp_unary_parameter *a = &u->parameter[i];
    if (a->bound == MLP_NOT_NEGATIVE && !(p[i] >= 0))
      return mlp_refuse(e, "%s: %s is %g but at least 0 is wanted", who, a->name, p[i]);
    if (a->bound == MLP_POSITIVE && !(p[i] > 0))
      return mlp_refuse(e, "%s: %s is %g but more than 0 is wanted", who, a->name, p[i]);
  }
  return MLP_OK;
}

/* ---- derivatives ----------------------------------------------------------------------------- */

enum { CHAIN_ID, CHAIN_ORDER, CHAIN_P0, CHAIN_P1, CHAIN_VALUES };

mlp_tensor *mlp_emit_chain(mlp_vjp *v, mlp_tensor *g, mlp_tensor *s, int64_t id, int64_t order,
                           const mlp_value p[MLP_UNARY_PARAMETERS]) {
  mlp_value values[CHAIN_VALUES] = {{.integer = id}, {.integer = order}, p[0], p[1]};
  return mlp_emit(v, &mlp_row_unary_chain, MLP_IN(g, s), CHAIN_VALUES, values);
}

typedef struct {
  mlp_unary_chain *kernel;
  double p[MLP_UNARY_PARAMETERS];
} chain;

static void chain_span(const mlp_span *s, const void *context) {
  const chain *k = context;
  k->kernel(s->out, s->in[0], s->in[1], s->n, k->p);
}

static mlp_status chain_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, 0, e));
  MLP_TRY(mlp_want_same_dtype(c, 0, 1, e));
  c->save_in = 2 | (uint64_t)mlp_tensor_traced(c->in[1]);
  return mlp_out_like(c, c->in[1], e);
}

static void chain_run(mlp_call *c) {
  const mlp_value *v = c->value;
  chain k = {.p = {v[CHAIN_P0].number, v[CHAIN_P1].number}};
  k.kernel =
      mlp_kernel()->unary.chain[c->in[0]->dtype][v[CHAIN_ID].integer][v[CHAIN_ORDER].integer];
  mlp_loop(c, 0, chain_span, &k);
}

static void chain_vjp(mlp_vjp *v) {
  const mlp_value *value = mlp_value_of(v, 0), *p = &value[CHAIN_P0];
  mlp_tensor *grad = mlp_grad_out(v, 0), *g = mlp_input(v, 0), *s = mlp_input(v, 1);
  int64_t id = value[CHAIN_ID].integer, order = value[CHAIN_ORDER].integer;
  if (mlp_wanted(v, 0)) mlp_give_grad(v, 0, mlp_emit_chain(v, grad, s, id, order, p));
  if (!mlp_wanted(v, 1) || v->status != MLP_OK) return;
  if (order == MLP_BEND)
    v->status = mlp_refuse(v->error, "%s: no derivative beyond the third", mlp_unaries[id].name);
  else
    mlp_give_grad(v, 1, mlp_emit_chain(v, mlp_mul(v, grad, g), s, id, order + 1, p));
}

const mlp_row mlp_row_unary_chain = {
    .name = "unary_chain",
    .doc = "g f'(s), g f''(s) or g f'''(s) of one of the functions of one operand",
    .arg = {{MLP_ARG_TENSOR, "g", "gradient", NULL, NULL, false},
            {MLP_ARG_TENSOR, "s", "input or output of f", NULL, NULL, false},
            {MLP_ARG_INTEGER, "id", "which function", NULL, NULL, false},
            {MLP_ARG_INTEGER, "order", "0, 1 or 2", NULL, NULL, false},
            {MLP_ARG_NUMBER, "p0", "its first parameter", "0", NULL, false},
            {MLP_ARG_NUMBER, "p1", "its second parameter", "0", NULL, false}},
    .flags = MLP_STRIDED | MLP_INTERNAL | MLP_IN_PLACE,
    .n_out = 1,
    .save_in = 3,
    .infer = chain_infer,
    .run = chain_run,
    .vjp = chain_vjp,
    .tiling = mlp_tiling_elementwise,
};

static void vjp_of_input(mlp_vjp *v, mlp_unary_id id) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  mlp_give_grad(v, 0, mlp_emit_chain(v, g, mlp_input(v, 0), id, MLP_SLOPE, mlp_value_of(v, 0)));
}

static void vjp_of_output(mlp_vjp *v, mlp_unary_id id) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  if (g)
    mlp_give_grad(v, 0, mlp_emit_chain(v, g, mlp_output(v, 0), id, MLP_SLOPE, mlp_value_of(v, 0)));
}

static void vjp_constant(mlp_vjp *v, double slope) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  if (slope == 1) mlp_give_grad(v, 0, g);
  if (slope == -1) mlp_give_grad(v, 0, mlp_neg(v, g));
  if (slope == 0) mlp_give_grad(v, 0, mlp_full_like(v, g, 0));
}

/* ---- values ---------------------------------------------------------------------------------- */

typedef struct {
  mlp_unary_value *kernel;
  double p[MLP_UNARY_PARAMETERS];
} function;

static void value_span(const mlp_span *s, const void *context) {
  const function *k = context;
  k->kernel(s->out, s->in[0], s->n, k->p);
}

static mlp_status value_infer(mlp_call *c, mlp_unary_id id, mlp_error *e) {
  const double p[] = {c->value[0].number, c->value[1].number};
  if (!mlp_kernel()->unary.value[c->in[0]->dtype][id]) MLP_TRY(mlp_want_float(c, 0, e));
  MLP_TRY(mlp_unary_check(&mlp_unaries[id], p, c->row->name, e));
  return mlp_out_like(c, c->in[0], e);
}

static void value_run(mlp_call *c, mlp_unary_id id) {
  function k = {mlp_kernel()->unary.value[c->in[0]->dtype][id],
                {c->value[0].number, c->value[1].number}};
  mlp_loop(c, 0, value_span, &k);
}

/* ---- the rows -------------------------------------------------------------------------------- */

#define INPUT \
  { MLP_ARG_TENSOR, "input", "any shape", NULL, NULL, false }
#define NONE
#define ONE(name, text, number, bound, phrase) {MLP_ARG_NUMBER, name, phrase, text, NULL, false},
#define SHARED(row, ...) ONE(__VA_ARGS__)
#define TWO(name, text, number, bound, phrase, name2, text2, number2, bound2, phrase2) \
  ONE(name, text, number, bound, phrase) ONE(name2, text2, number2, bound2, phrase2)

#define SAVED_IN_OF_INPUT 1
#define SAVED_IN_OF_OUTPUT 0
#define SAVED_IN_CONSTANT 0
#define SAVED_OUT_OF_INPUT 0
#define SAVED_OUT_OF_OUTPUT 1
#define SAVED_OUT_CONSTANT 0
#define VJP_OF_INPUT(name, slope) vjp_of_input(v, MLP_UNARY_##name)
#define VJP_OF_OUTPUT(name, slope) vjp_of_output(v, MLP_UNARY_##name)
#define VJP_CONSTANT(name, slope) vjp_constant(v, slope)

#define UNARY(NAME, use, state, loop, parameters, formula, f, f1, f2, f3) \
  static mlp_status NAME##_infer(mlp_call *c, mlp_error *e) {             \
    return value_infer(c, MLP_UNARY_##NAME, e);                           \
  }                                                                       \
  static void NAME##_run(mlp_call *c) { value_run(c, MLP_UNARY_##NAME); } \
  static void NAME##_vjp(mlp_vjp *v) { VJP_##state(NAME, f1); }           \
  extern const mlp_row mlp_row_##NAME;                                    \
  const mlp_row mlp_row_##NAME = {                                        \
      .name = #NAME,                                                      \
      .doc = formula,                                                     \
      .arg = {INPUT, parameters},                                         \
      .flags = MLP_STRIDED | MLP_IN_PLACE,                                \
      .n_out = 1,                                                         \
      .save_in = SAVED_IN_##state,                                        \
      .save_out = SAVED_OUT_##state,                                      \
      .infer = NAME##_infer,                                              \
      .run = NAME##_run,                                                  \
      .vjp = NAME##_vjp,                                                  \
      .tiling = mlp_tiling_elementwise,                                   \
  };
#include "kernel/unary.def"
#undef UNARY

const mlp_row *const mlp_unary_rows[] = {
#define UNARY(name, ...) &mlp_row_##name,
#include "kernel/unary.def"
#undef UNARY
};
