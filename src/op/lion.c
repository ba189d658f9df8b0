/*
** Lion: steps of one length, whose sign is that of an average. Decay is apart from the gradient.
*/
#include "op/step.h"

enum { LR, BETA1, BETA2, DECAY, COUNT, SCALE, SLOTS };

static bool lion_constants(const double *h, mlp_step_constants *k) {
  k->lion = (mlp_lion){.lr = h[LR],
                       .beta1 = h[BETA1],
                       .beta2 = h[BETA2],
                       .keep = 1 - h[LR] * h[DECAY],
                       .scale = h[SCALE]};
  return true;
}

static const mlp_method lion = {
    .lists = 3,
    .optional = 3,
    .slots = SLOTS,
    .count = COUNT,
    .loop = MLP_STEP_LION,
    .constants = lion_constants,
};

static mlp_status lion_infer(mlp_call *c, mlp_error *e) { return mlp_method_infer(&lion, c, e); }

static void lion_run(mlp_call *c) { mlp_method_run(&lion, c); }

extern const mlp_row mlp_row_lion_step;
const mlp_row mlp_row_lion_step = {
    .name = "lion_step",
    .doc =
        "one step of Lion, in place\n"
        "d = scale g; p = p (1 - lr weight_decay) - lr sign(beta1 m + (1 - beta1) d); m = beta2 m "
        "+ "
        "(1 - beta2) d. Chen et al. 2023, program 1.",
    .arg = {MLP_PARAMETERS, MLP_GRADIENTS, MLP_MOMENT("means", "m, one per parameter"),
            MLP_HYPER("lr, beta1, beta2, weight_decay, steps taken, scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3,
    .infer = lion_infer,
    .run = lion_run,
    .tiling = mlp_tiling_whole,
};
