/*
** RMSprop, plain, centered and with momentum; the arithmetic is PyTorch's.
*/
#include "op/step.h"

enum { LR, ALPHA, EPSILON, DECAY, MOMENTUM, COUNT, SCALE, SLOTS };

static bool rmsprop_constants(const double *h, mlp_step_constants *k) {
  k->rmsprop = (mlp_rmsprop){.lr = h[LR],
                             .alpha = h[ALPHA],
                             .epsilon = h[EPSILON],
                             .decay = h[DECAY],
                             .momentum = h[MOMENTUM],
                             .scale = h[SCALE]};
  return true;
}

static const mlp_method rmsprop = {
    .lists = 5,
    .optional = 3,
    .slots = SLOTS,
    .count = COUNT,
    .loop = MLP_STEP_RMSPROP,
    .constants = rmsprop_constants,
};

static mlp_status rmsprop_infer(mlp_call *c, mlp_error *e) {
  return mlp_method_infer(&rmsprop, c, e);
}

static void rmsprop_run(mlp_call *c) { mlp_method_run(&rmsprop, c); }

extern const mlp_row mlp_row_rmsprop_step;
const mlp_row mlp_row_rmsprop_step = {
    .name = "rmsprop_step",
    .doc =
        "one step of RMSprop, in place\n"
        "d = scale g + weight_decay p; q = alpha q + (1 - alpha) d^2; u = d / (sqrt(q) + eps), "
        "centered d / (sqrt(q - a^2) + eps) with a = alpha a + (1 - alpha) d; p = p - lr u, with "
        "momentum b = momentum b + u and p = p - lr b. Hinton, Coursera lecture 6e; Graves 2013.",
    .arg = {MLP_PARAMETERS, MLP_GRADIENTS, MLP_MOMENT("squares", "q, one per parameter"),
            MLP_MOMENT("means", "a, one per parameter; {} unless centered"),
            MLP_MOMENT("velocities", "b, one per parameter; {} without momentum"),
            MLP_HYPER("lr, alpha, eps, weight_decay, momentum, steps taken, scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5,
    .infer = rmsprop_infer,
    .run = rmsprop_run,
    .tiling = mlp_tiling_whole,
};
