/*
** Stochastic gradient descent with momentum; the arithmetic is PyTorch's.
*/
#include "op/step.h"

enum { LR, MOMENTUM, DAMPENING, DECAY, NESTEROV, COUNT, SCALE, SLOTS };

static bool sgd_constants(const double *h, mlp_step_constants *k) {
  bool first = h[COUNT] == 0; /* the velocity starts at the gradient, undampened */
  k->sgd = (mlp_sgd){.lr = h[LR],
                     .momentum = h[MOMENTUM],
                     .keep = first ? 0 : h[MOMENTUM],
                     .share = first ? 1 : 1 - h[DAMPENING],
                     .decay = h[DECAY],
                     .scale = h[SCALE],
                     .nesterov = h[NESTEROV] != 0};
  return true;
}

static const mlp_method sgd = {
    .lists = 3,
    .optional = 2,
    .slots = SLOTS,
    .count = COUNT,
    .loop = MLP_STEP_SGD,
    .constants = sgd_constants,
};

static mlp_status sgd_infer(mlp_call *c, mlp_error *e) { return mlp_method_infer(&sgd, c, e); }

static void sgd_run(mlp_call *c) { mlp_method_run(&sgd, c); }

extern const mlp_row mlp_row_sgd_step;
const mlp_row mlp_row_sgd_step = {
    .name = "sgd_step",
    .doc =
        "one step of stochastic gradient descent, in place\n"
        "d = scale g + weight_decay p; v = momentum v + (1 - dampening) d, at the first step v = "
        "d; p = p - lr v, with nesterov p - lr (d + momentum v).",
    .arg = {MLP_PARAMETERS, MLP_GRADIENTS,
            MLP_MOMENT("velocities", "v, one per parameter; {} without momentum"),
            MLP_HYPER(
                "lr, momentum, dampening, weight_decay, nesterov (0 or 1), steps taken, scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3,
    .infer = sgd_infer,
    .run = sgd_run,
    .tiling = mlp_tiling_whole,
};
