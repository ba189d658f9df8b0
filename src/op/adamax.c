/*
** Adamax: Adam with a largest gradient that fades in place of the average of squares; the
** arithmetic is PyTorch's.
*/
#include <math.h>

#include "op/step.h"

enum { LR, BETA1, BETA2, EPSILON, DECAY, COUNT, SCALE, SLOTS };

static bool adamax_constants(const double *h, mlp_step_constants *k) {
  k->adamax = (mlp_adamax){.rate = h[LR] / (1 - pow(h[BETA1], h[COUNT] + 1)),
                           .beta1 = h[BETA1],
                           .beta2 = h[BETA2],
                           .epsilon = h[EPSILON],
                           .decay = h[DECAY],
                           .scale = h[SCALE]};
  return true;
}

static const mlp_method adamax = {
    .lists = 4,
    .optional = 4,
    .slots = SLOTS,
    .count = COUNT,
    .loop = MLP_STEP_ADAMAX,
    .constants = adamax_constants,
};

static mlp_status adamax_infer(mlp_call *c, mlp_error *e) {
  return mlp_method_infer(&adamax, c, e);
}

static void adamax_run(mlp_call *c) { mlp_method_run(&adamax, c); }

extern const mlp_row mlp_row_adamax_step;
const mlp_row mlp_row_adamax_step = {
    .name = "adamax_step",
    .doc =
        "one step of Adamax, in place\n"
        "d = scale g + weight_decay p; m = beta1 m + (1 - beta1) d; u = max(beta2 u, |d| + eps); p "
        "= p - lr m / ((1 - beta1^t) u). Kingma and Ba 2015, algorithm 2.",
    .arg = {MLP_PARAMETERS, MLP_GRADIENTS, MLP_MOMENT("means", "m, one per parameter"),
            MLP_MOMENT("largest", "u, one per parameter"),
            MLP_HYPER("lr, beta1, beta2, eps, weight_decay, steps taken, scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4,
    .infer = adamax_infer,
    .run = adamax_run,
    .tiling = mlp_tiling_whole,
};
