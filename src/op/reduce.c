/*
** Reductions that are a fold: many elements into one, over any set of axes.
*/
#include "kernel/kernel.h"
#include "op/build.h"
#include "op/fold.h"

enum { AXES, KEEPDIM }; /* places in value */

static mlp_dtype summed_dtype(mlp_dtype from) { return mlp_is_float(from) ? from : MLP_I64; }

static mlp_status infer_fold(mlp_call *c, mlp_dtype to, mlp_error *e) {
  MLP_TRY(mlp_call_axes(c, AXES, 0, e));
  const mlp_value *axes = &c->value[AXES];
  mlp_shape left = mlp_axes_shape(&c->in[0]->shape, axes, c->value[KEEPDIM].integer);
  c->work_bytes = mlp_fold_work(c->in[0], axes, to);
  return mlp_out(c, to, &left, e);
}

static void run_fold(mlp_call *c, const mlp_fold *first, const mlp_fold *rest) {
  mlp_fold_run(mlp_result(c, 0), c->spec[0].dtype, c->in[0], &c->value[AXES], first, rest, c->work);
}

/* A gradient of the reduced shape, stretched back over the input. */
static mlp_tensor *stretch(mlp_vjp *v, mlp_tensor *grad) {
  const mlp_shape *x = &mlp_input(v, 0)->shape;
  mlp_shape kept = mlp_axes_shape(x, mlp_value_of(v, AXES), true);
  return mlp_expand(v, mlp_reshape(v, grad, &kept), x);
}

/* The batch axis is summed away, or moves left past the axes that are. */
static void fold_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  const mlp_value *axes = &c->value[AXES];
  mlp_tile t = in[0];
  if (t.spread == MLP_ROWS && mlp_axes_hold(axes, t.axis)) {
    t = (mlp_tile){.spread = MLP_REDUCED};
  } else if (t.spread == MLP_ROWS && !c->value[KEEPDIM].integer) {
    for (int a = 0; a < in[0].axis; a++) t.axis -= mlp_axes_hold(axes, a);
  } else if (t.spread != MLP_SHARED && t.spread != MLP_ROWS) {
    t = (mlp_tile){.spread = MLP_WHOLE};
  }
  for (int i = 0; i < c->n_out; i++) out[i] = t;
}

#define FOLD_ARGS                                                                    \
  {                                                                                  \
    {MLP_ARG_TENSOR, "input", "of any shape", NULL, NULL, false},                    \
        {MLP_ARG_AXES, "axes", "an axis or a list of axes; nil is all", "nil", NULL, false}, \
        {MLP_ARG_FLAG, "keepdim", "keep the reduced axes with length 1", "false", NULL, false}, \
  }

/* ---- sum --------------------------------------------------------------------------------------- */

static mlp_status sum_infer(mlp_call *c, mlp_error *e) {
  return infer_fold(c, summed_dtype(c->in[0]->dtype), e);
}

static void sum_run(mlp_call *c) {
  run_fold(c, &mlp_kernel()->reduce.sum, &mlp_kernel()->reduce.sum);
}

static void sum_vjp(mlp_vjp *v) { mlp_give_grad(v, 0, stretch(v, mlp_grad_out(v, 0))); }

const mlp_row mlp_row_sum = {
    .name = "sum",
    .doc = "Sum over all axes or the given ones, joined pairwise. Integers sum as int64; the sum of "
           "nothing is 0.",
    .arg = FOLD_ARGS,
    .flags = MLP_STRIDED,
    .n_out = 1,
    .infer = sum_infer,
    .run = sum_run,
    .vjp = sum_vjp,
    .tiling = fold_tiling,
};
