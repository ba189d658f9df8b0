/*
** Adam and AdamW, and RAdam, which is Adam with a step of another length: the same loop. The
** arithmetic is PyTorch's.
*/
#include <math.h>

#include "op/step.h"

/* ---- adam_step ------------------------------------------------------------------------------- */

enum { LR, BETA1, BETA2, EPSILON, DECAY, DECOUPLED, COUNT, SCALE, SLOTS };

static bool adam_constants(const double *h, mlp_step_constants *k) {
  double t = h[COUNT] + 1;
  bool decoupled = h[DECOUPLED] != 0;
  k->adam = (mlp_adam){.rate = h[LR] / (1 - pow(h[BETA1], t)),
                       .beta1 = h[BETA1],
                       .beta2 = h[BETA2],
                       .epsilon = h[EPSILON],
                       .decay = decoupled ? 0 : h[DECAY],
                       .keep = decoupled ? 1 - h[LR] * h[DECAY] : 1,
                       .root = 1 / sqrt(1 - pow(h[BETA2], t)),
                       .scale = h[SCALE]};
  return true;
}

static const mlp_method adam = {
    .lists = 4,
    .optional = 4,
    .slots = SLOTS,
    .count = COUNT,
    .loop = MLP_STEP_ADAM,
    .constants = adam_constants,
};

static mlp_status adam_infer(mlp_call *c, mlp_error *e) { return mlp_method_infer(&adam, c, e); }

static void adam_run(mlp_call *c) { mlp_method_run(&adam, c); }

extern const mlp_row mlp_row_adam_step;
const mlp_row mlp_row_adam_step = {
    .name = "adam_step",
    .doc =
        "one step of Adam, or of AdamW when decoupled, in place\n"
        "d = scale g + weight_decay p (decoupled: p = p (1 - lr weight_decay) instead); m = beta1 "
        "m + (1 - beta1) d; v = beta2 v + (1 - beta2) d^2; p = p - lr (m / (1 - beta1^t)) / "
        "(sqrt(v / (1 - beta2^t)) + eps). Kingma and Ba 2015; Loshchilov and Hutter 2019.",
    .arg = {MLP_PARAMETERS, MLP_GRADIENTS, MLP_MOMENT("means", "m, one per parameter"),
            MLP_MOMENT("squares", "v, one per parameter"),
            MLP_HYPER(
                "lr, beta1, beta2, eps, weight_decay, decoupled (0 or 1), steps taken, scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4,
    .infer = adam_infer,
    .run = adam_run,
    .tiling = mlp_tiling_whole,
};

/* ---- radam_step ------------------------------------------------------------------------------ */

/* The length of the average of squares that v is, and of the longest there will be. Up to 5 its
** spread is too large to divide by (Liu et al. 2020, algorithm 2): root = 0 and epsilon = 1 then
** divide by 1. */
static void rectify(const double *h, mlp_adam *k) {
  double t = h[COUNT] + 1, left = 1 - pow(h[BETA2], t);
  double longest = 2 / (1 - h[BETA2]) - 1;
  double length = longest - 2 * t * pow(h[BETA2], t) / left;
  k->root = length > 5 ? 1 : 0;
  k->epsilon = length > 5 ? h[EPSILON] : 1;
  if (length > 5)
    k->rate *= sqrt(left * (length - 4) * (length - 2) * longest /
                    ((longest - 4) * (longest - 2) * length));
}

static bool radam_constants(const double *h, mlp_step_constants *k) {
  adam_constants(h, k);
  rectify(h, &k->adam);
  return true;
}

static const mlp_method radam = {
    .lists = 4,
    .optional = 4,
    .slots = SLOTS,
    .count = COUNT,
    .loop = MLP_STEP_ADAM,
    .constants = radam_constants,
};

static mlp_status radam_infer(mlp_call *c, mlp_error *e) { return mlp_method_infer(&radam, c, e); }

static void radam_run(mlp_call *c) { mlp_method_run(&radam, c); }

extern const mlp_row mlp_row_radam_step;
const mlp_row mlp_row_radam_step = {
    .name = "radam_step",
    .doc =
        "one step of RAdam, in place\n"
        "d, m, v as in adam_step; l = 2 / (1 - beta2) - 1; r = l - 2 t beta2^t / (1 - beta2^t); "
        "while r <= 5, p = p - lr m / (1 - beta1^t); then p = p - lr m / (1 - beta1^t) "
        "sqrt(1 - beta2^t) / (sqrt(v) + eps) sqrt((r - 4) (r - 2) l / ((l - 4) (l - 2) r)). Liu et "
        "al. 2020, algorithm 2.",
    .arg = {MLP_PARAMETERS, MLP_GRADIENTS, MLP_MOMENT("means", "m, one per parameter"),
            MLP_MOMENT("squares", "v, one per parameter"),
            MLP_HYPER("lr, beta1, beta2, eps, weight_decay, decoupled (0 or 1), steps taken, "
                      "scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4,
    .infer = radam_infer,
    .run = radam_run,
    .tiling = mlp_tiling_whole,
};
