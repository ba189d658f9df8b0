/*
** Going from one tensor towards another, in one pass. It is linear in each of the three.
*/
#include "kernel/kernel.h"
#include "op/build.h"
#include "op/loop.h"

enum { FROM, TO, WEIGHT };

static mlp_status lerp_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape;
  MLP_TRY(mlp_want_float(c, FROM, e));
  MLP_TRY(mlp_want_same_dtype(c, FROM, TO, e));
  MLP_TRY(mlp_want_same_dtype(c, FROM, WEIGHT, e));
  MLP_TRY(mlp_loop_shape(c, &shape, e));
  bool ends = mlp_tensor_traced(c->in[WEIGHT]);
  bool weight = mlp_tensor_traced(c->in[FROM]) || mlp_tensor_traced(c->in[TO]);
  c->save_in = (ends ? 1u << FROM | 1u << TO : 0) | (weight ? 1u << WEIGHT : 0);
  return mlp_out(c, c->in[FROM]->dtype, &shape, e);
}

static void lerp_span(const mlp_span *s, const void *context) {
  mlp_lerp_kernel *const *kernel = context;
  (*kernel)(s->out, s->in[FROM], s->in[TO], s->in[WEIGHT], s->single >> WEIGHT & 1, s->n);
}

static void lerp_run(mlp_call *c) {
  mlp_loop(c, 1u << WEIGHT, lerp_span, &mlp_kernel()->pair.lerp[c->in[FROM]->dtype]);
}

static void lerp_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  mlp_tensor *part =
      mlp_wanted(v, FROM) || mlp_wanted(v, TO) ? mlp_mul(v, g, mlp_input(v, WEIGHT)) : NULL;
  if (mlp_wanted(v, FROM)) mlp_give_grad(v, FROM, mlp_sum_like(v, mlp_sub(v, g, part), FROM));
  if (mlp_wanted(v, TO)) mlp_give_grad(v, TO, mlp_sum_like(v, part, TO));
  if (!mlp_wanted(v, WEIGHT)) return;
  mlp_tensor *way = mlp_sub(v, mlp_input(v, TO), mlp_input(v, FROM));
  mlp_give_grad(v, WEIGHT, mlp_sum_like(v, mlp_mul(v, g, way), WEIGHT));
}

extern const mlp_row mlp_row_lerp;
const mlp_row mlp_row_lerp = {
    .name = "lerp",
    .doc = "x + weight (y - x): x for weight 0, exactly y for weight 1. The three broadcast.",
    .arg = {{MLP_ARG_TENSOR, "x", "where it begins", NULL, NULL, false},
            {MLP_ARG_OPERAND, "y", "where it ends: a tensor or a number", NULL, NULL, false},
            {MLP_ARG_OPERAND, "weight", "how far: a tensor or a number", NULL, NULL, false}},
    .flags = MLP_STRIDED | MLP_IN_PLACE,
    .n_out = 1,
    .save_in = 7,
    .infer = lerp_infer,
    .run = lerp_run,
    .vjp = lerp_vjp,
    .tiling = mlp_tiling_elementwise,
};
