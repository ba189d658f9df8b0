/*
** Adagrad; the arithmetic is PyTorch's.
*/
#include "op/step.h"

enum { LR, LR_DECAY, EPSILON, DECAY, COUNT, SCALE, SLOTS };

static bool adagrad_constants(const double *h, mlp_step_constants *k) {
  k->adagrad = (mlp_adagrad){.rate = h[LR] / (1 + h[COUNT] * h[LR_DECAY]),
                             .epsilon = h[EPSILON],
                             .decay = h[DECAY],
                             .scale = h[SCALE]};
  return true;
}

static const mlp_method adagrad = {
    .lists = 3,
    .optional = 3,
    .slots = SLOTS,
    .count = COUNT,
    .loop = MLP_STEP_ADAGRAD,
    .constants = adagrad_constants,
};

static mlp_status adagrad_infer(mlp_call *c, mlp_error *e) {
  return mlp_method_infer(&adagrad, c, e);
}

static void adagrad_run(mlp_call *c) { mlp_method_run(&adagrad, c); }

extern const mlp_row mlp_row_adagrad_step;
const mlp_row mlp_row_adagrad_step = {
    .name = "adagrad_step",
    .doc =
        "one step of Adagrad, in place\n"
        "d = scale g + weight_decay p; s = s + d^2; p = p - lr / (1 + (t - 1) lr_decay) d / "
        "(sqrt(s)"
        " + eps). Duchi, Hazan and Singer 2011.",
    .arg = {MLP_PARAMETERS, MLP_GRADIENTS, MLP_MOMENT("sums", "s, one per parameter"),
            MLP_HYPER("lr, lr_decay, eps, weight_decay, steps taken, scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3,
    .infer = adagrad_infer,
    .run = adagrad_run,
    .tiling = mlp_tiling_whole,
};
