/*
** A test that ends what runs: between the gradients and the update it keeps the last good weights.
** It makes nothing and changes nothing, so where operations are recorded it stays where it stands,
** and no later step that changes what outlives the replay runs before it.
*/
#include "kernel/kernel.h"
#include "op/op.h"

static mlp_status want_finite_infer(mlp_call *c, mlp_error *e) {
  for (int i = 0; i < c->n_in; i++) MLP_TRY(mlp_want_float(c, i, e));
  return MLP_OK;
}

static void want_finite_run(mlp_call *c) {
  for (int i = 0; i < c->n_in; i++) {
    if (!mlp_kernel()->update.finite[c->in[i]->dtype](mlp_in(c, i), mlp_tensor_count(c->in[i])))
      c->failure = "a number is infinite or NaN";
  }
}

extern const mlp_row mlp_row_want_finite;
const mlp_row mlp_row_want_finite = {
    .name = "want_finite",
    .doc =
        "an error when an element of a list of tensors is infinite or NaN\n"
        "In a compiled function what comes later changes nothing then.",
    .arg = {{MLP_ARG_LIST, "tensors", "of floats, any shapes", NULL, NULL, false}},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD | MLP_INTERNAL,
    .infer = want_finite_infer,
    .run = want_finite_run,
    .tiling = mlp_tiling_whole,
};
