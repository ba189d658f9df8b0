/*
** Weights beside the weights: an exponential moving average that only looks on (ema_step), and slow
** weights that the fast ones come back to (lookahead_step). Both follow a step of any optimizer.
*/
#include "op/step.h"

/* ---- ema_step -------------------------------------------------------------------------------- */

enum { EMA_DECAY, EMA_WARMUP, EMA_COUNT, EMA_SLOTS };

/* While there is little to average over, the decay is (1 + t) / (10 + t), if it is asked for. */
static bool ema_constants(const double *h, mlp_step_constants *k) {
  double t = h[EMA_COUNT] + 1, early = (1 + t) / (10 + t);
  bool warming = h[EMA_WARMUP] != 0 && early < h[EMA_DECAY];
  k->average = (mlp_average){.share = 1 - (warming ? early : h[EMA_DECAY])};
  return true;
}

static const mlp_method ema = {
    .lists = 2,
    .optional = 2,
    .slots = EMA_SLOTS,
    .count = EMA_COUNT,
    .loop = MLP_STEP_AVERAGE,
    .constants = ema_constants,
};

static mlp_status ema_infer(mlp_call *c, mlp_error *e) { return mlp_method_infer(&ema, c, e); }

static void ema_run(mlp_call *c) { mlp_method_run(&ema, c); }

extern const mlp_row mlp_row_ema_step;
const mlp_row mlp_row_ema_step = {
    .name = "ema_step",
    .doc =
        "takes the parameters into their exponential moving averages, in place\n"
        "a = b a + (1 - b) p, b = decay, with warmup min(decay, (1 + t) / (10 + t)). Polyak and "
        "Juditsky 1992; the warm-up is that of TensorFlow's ExponentialMovingAverage.",
    .arg = {MLP_MOMENT("averages", "a, updated in place"),
            MLP_MOMENT("parameters", "p, one per average"),
            MLP_HYPER("decay, warmup (0 or 1), steps taken")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2,
    .infer = ema_infer,
    .run = ema_run,
    .tiling = mlp_tiling_whole,
};

/* ---- lookahead_step -------------------------------------------------------------------------- */

enum { AHEAD_ALPHA, AHEAD_EVERY, AHEAD_COUNT, AHEAD_SLOTS };

static bool lookahead_constants(const double *h, mlp_step_constants *k) {
  k->lookahead = (mlp_lookahead){.share = h[AHEAD_ALPHA]};
  return ((int64_t)h[AHEAD_COUNT] + 1) % (int64_t)h[AHEAD_EVERY] == 0;
}

static const mlp_method lookahead = {
    .lists = 2,
    .optional = 2,
    .slots = AHEAD_SLOTS,
    .count = AHEAD_COUNT,
    .loop = MLP_STEP_LOOKAHEAD,
    .constants = lookahead_constants,
};

static mlp_status lookahead_infer(mlp_call *c, mlp_error *e) {
  return mlp_method_infer(&lookahead, c, e);
}

static mlp_status lookahead_check(const mlp_call *c, mlp_error *e) {
  double every = *mlp_hyper_slot(c, lookahead.lists, AHEAD_EVERY);
  if (every >= 1) return MLP_OK;
  return mlp_refuse(e, "lookahead_step: every is %g but at least 1 is wanted", every);
}

static void lookahead_run(mlp_call *c) { mlp_method_run(&lookahead, c); }

extern const mlp_row mlp_row_lookahead_step;
const mlp_row mlp_row_lookahead_step = {
    .name = "lookahead_step",
    .doc =
        "brings parameters back to slow weights after every so many steps, in place\n"
        "At steps t divisible by every: s = s + alpha (p - s); p = s. Zhang et al. 2019, "
        "algorithm 1.",
    .arg = {MLP_PARAMETERS, MLP_MOMENT("slow", "s, one per parameter"),
            MLP_HYPER("alpha, every, steps taken")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 1 | 1 << 2,
    .infer = lookahead_infer,
    .check = lookahead_check,
    .run = lookahead_run,
    .tiling = mlp_tiling_whole,
};
