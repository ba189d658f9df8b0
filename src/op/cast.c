/*
** The only way from one dtype to another. Between floats the gradient follows, in the dtype of the
** input; a whole number has no gradient. What the target cannot hold is refused, never wrapped.
*/
#include "kernel/kernel.h"
#include "op/build.h"
#include "op/position.h"

#include <stdio.h>

extern const mlp_row mlp_row_to;

static mlp_dtype target(const mlp_call *c) { return (mlp_dtype)c->value[0].integer; }

static mlp_status to_infer(mlp_call *c, mlp_error *e) {
  if (!mlp_is_float(target(c))) c->traced = false;
  return mlp_out(c, target(c), &c->in[0]->shape, e);
}

static void number_text(char text[static 32], const mlp_tensor *t, int64_t place) {
  const void *data = mlp_tensor_data(t);
  double number = 0;
  if (t->dtype == MLP_F32) number = (double)((const float *)data)[place];
  if (t->dtype == MLP_F64) number = ((const double *)data)[place];
  if (t->dtype == MLP_I64)
    snprintf(text, 32, "%lld", (long long)((const int64_t *)data)[place]);
  else if (number != number)
    snprintf(text, 32, "NaN"); /* printf would show its sign */
  else
    snprintf(text, 32, "%.9g", number);
}

static mlp_status to_check(const mlp_call *c, mlp_error *e) {
  const mlp_tensor *t = c->in[0];
  mlp_misfit_kernel *misfit = mlp_kernel()->cast.misfit[t->dtype][target(c)];
  int64_t place = misfit ? misfit(mlp_tensor_data(t), mlp_tensor_count(t)) : -1;
  char where[MLP_POSITION_TEXT], number[32] = "";
  if (place < 0) return MLP_OK;
  number_text(number, t, place);
  return mlp_refuse(e, "to: %s is %s, which %s cannot hold", mlp_position_text(where, c, 0, place),
                    number, mlp_dtype_name(target(c)));
}

static void to_run(mlp_call *c) {
  const mlp_tensor *t = c->in[0];
  mlp_kernel()->cast.run[t->dtype][target(c)](mlp_result(c, 0), mlp_tensor_data(t),
                                              mlp_tensor_count(t));
}

static void to_vjp(mlp_vjp *v) {
  mlp_dtype dtype = mlp_input(v, 0)->dtype;
  mlp_give_grad(
      v, 0, mlp_emit(v, &mlp_row_to, MLP_IN(mlp_grad_out(v, 0)), MLP_VALUES({.integer = dtype})));
}

const mlp_row mlp_row_to = {
    .name = "to",
    .doc =
        "x in another dtype, always a fresh tensor.\n"
        "Floats become whole numbers by dropping the fraction; NaN and what is out of range are "
        "refused.",
    .arg = {{MLP_ARG_TENSOR, "input", "any shape", NULL, NULL, false},
            {MLP_ARG_DTYPE, "dtype", "float32, float64, int64 or uint8", NULL, NULL, false}},
    .n_out = 1,
    .infer = to_infer,
    .check = to_check,
    .run = to_run,
    .vjp = to_vjp,
    .tiling = mlp_tiling_elementwise,
};
