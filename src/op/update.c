/*
** Optimizer steps: each row updates a list of parameters from the list of their gradients and moments.
** What varies from step to step lies in `hyper`, a float64 tensor of named slots, which is read when the
** row runs; the row itself counts the steps there. So a step can be replayed without being built again.
** Parameters are leaves that require gradients: these rows record nothing.
*/
#include <math.h>

#include "kernel/kernel.h"
#include "op/op.h"

/* ---- lists --------------------------------------------------------------------------------------- */

/* The lists of a step follow one another in call->in: parameters, gradients, then moments. A list of
** moments may be empty. */
static int64_t length(const mlp_call *c, int list) { return c->value[list].integer; }

static int64_t start(const mlp_call *c, int list) {
  int64_t at = 0;
  for (int l = 0; l < list; l++) at += length(c, l);
  return at;
}

static void *block(const mlp_call *c, int list, int64_t i) {
  return length(c, list) ? mlp_in(c, (int)(start(c, list) + i)) : NULL;
}

static const double *hyper(const mlp_call *c) { return mlp_in(c, c->n_in - 1); }

static mlp_status want_partner(const mlp_call *c, int list, int64_t i, mlp_error *e) {
  const mlp_tensor *p = c->in[i], *t = c->in[start(c, list) + i];
  char want[MLP_SHAPE_TEXT], have[MLP_SHAPE_TEXT];
  const char *name = c->row->arg[list].name;
  if (t->dtype != p->dtype || !mlp_shape_equal(&t->shape, &p->shape))
    return mlp_refuse(e, "%s: %s[%lld] is %s %s but the parameter is %s %s", c->row->name, name,
                      (long long)i + 1, mlp_dtype_name(t->dtype), mlp_shape_text(have, &t->shape),
                      mlp_dtype_name(p->dtype), mlp_shape_text(want, &p->shape));
  if (!mlp_tensor_contiguous(t) || !mlp_is_float(t->dtype))
    return mlp_refuse(e, "%s: %s[%lld] is %s; contiguous floats are wanted", c->row->name, name,
                      (long long)i + 1,
                      mlp_is_float(t->dtype) ? "strided" : mlp_dtype_name(t->dtype));
  return MLP_OK;
}

static mlp_status want_hyper(const mlp_call *c, int slots, mlp_error *e) {
  const mlp_tensor *h = c->in[c->n_in - 1];
  if (h->dtype == MLP_F64 && h->shape.ndim == 1 && h->shape.dim[0] == slots &&
      mlp_tensor_contiguous(h))
    return MLP_OK;
  return mlp_refuse(e, "%s: hyper is no contiguous float64 tensor of %d numbers", c->row->name,
                    slots);
}

/* All lists are as long as that of the parameters, or, past the gradients, empty. */
static mlp_status want_lists(const mlp_call *c, int lists, int slots, mlp_error *e) {
  int64_t n = length(c, 0);
  for (int l = 1; l < lists; l++) {
    if (length(c, l) == 0 && l > 1) continue;
    if (length(c, l) != n)
      return mlp_refuse(e, "%s: %s has %lld tensors but there are %lld parameters", c->row->name,
                        c->row->arg[l].name, (long long)length(c, l), (long long)n);
    for (int64_t i = 0; i < n; i++) MLP_TRY(want_partner(c, l, i, e));
  }
  for (int64_t i = 0; i < n; i++) MLP_TRY(want_partner(c, 0, i, e));
  return want_hyper(c, slots, e);
}

/* Counts the step in its slot and returns it: 1 at the first. */
static double count_step(const mlp_call *c, int slot) {
  return ((double *)mlp_in(c, c->n_in - 1))[slot] += 1;
}

#define HYPER(slots) \
  { .kind = MLP_ARG_TENSOR, .name = "hyper", .doc = "float64 (" slots "); step counts itself" }
#define LIST(word, text) \
  { .kind = MLP_ARG_LIST, .name = word, .doc = text }

/* ---- stochastic gradient descent -------------------------------------------------------------------- */

enum {
  SGD_LR,
  SGD_MOMENTUM,
  SGD_DAMPENING,
  SGD_DECAY,
  SGD_NESTEROV,
  SGD_STEP,
  SGD_SCALE,
  SGD_SLOTS
};

static mlp_status sgd_infer(mlp_call *c, mlp_error *e) { return want_lists(c, 3, SGD_SLOTS, e); }

static void sgd_run(mlp_call *c) {
  const mlp_update_kernels *K = &mlp_kernel()->update;
  const double *h = hyper(c);
  mlp_sgd k = {.lr = h[SGD_LR],
               .momentum = h[SGD_MOMENTUM],
               .dampening = h[SGD_DAMPENING],
               .weight_decay = h[SGD_DECAY],
               .scale = h[SGD_SCALE],
               .nesterov = h[SGD_NESTEROV] != 0};
  int fresh = count_step(c, SGD_STEP) == 1;
  for (int64_t i = 0; i < length(c, 0); i++)
    K->sgd[c->in[i]->dtype](block(c, 0, i), block(c, 1, i), block(c, 2, i), fresh, &k,
                            mlp_tensor_count(c->in[i]));
}

const mlp_row mlp_row_sgd_step = {
    .name = "sgd_step",
    .doc =
        "d = scale g + weight_decay p; v = momentum v + (1 - dampening) d, at the first step v = "
        "d;\n"
        "p = p - lr v, with nesterov p - lr (d + momentum v), without momentum p - lr d.",
    .arg = {LIST("parameters", "p, changed in place"), LIST("gradients", "g, of the same shapes"),
            LIST("velocities", "v, or an empty list: no momentum"),
            HYPER("lr, momentum, dampening, weight_decay, nesterov, step, scale")},
    .flags = MLP_NOT_A_METHOD | MLP_NO_GRADIENT | MLP_INTERNAL,
    .writes = UINT64_MAX,
    .infer = sgd_infer,
    .run = sgd_run,
    .tiling = mlp_tiling_whole};

/* ---- Adam ------------------------------------------------------------------------------------------- */

enum {
  ADAM_LR,
  ADAM_BETA1,
  ADAM_BETA2,
  ADAM_EPS,
  ADAM_DECAY,
  ADAM_DECOUPLED,
  ADAM_STEP,
  ADAM_SCALE,
  ADAM_SLOTS
};

static mlp_status adam_infer(mlp_call *c, mlp_error *e) { return want_lists(c, 4, ADAM_SLOTS, e); }

static void adam_run(mlp_call *c) {
  const mlp_update_kernels *K = &mlp_kernel()->update;
  const double *h = hyper(c);
  double t = count_step(c, ADAM_STEP);
  bool decoupled = h[ADAM_DECOUPLED] != 0;
  mlp_adam k = {.beta1 = h[ADAM_BETA1],
                .beta2 = h[ADAM_BETA2],
                .eps = h[ADAM_EPS],
                .step = h[ADAM_LR] / (1 - pow(h[ADAM_BETA1], t)),
                .root = 1 / sqrt(1 - pow(h[ADAM_BETA2], t)),
                .shrink = decoupled ? 1 - h[ADAM_LR] * h[ADAM_DECAY] : 1,
                .weight_decay = decoupled ? 0 : h[ADAM_DECAY],
                .scale = h[ADAM_SCALE]};
  for (int64_t i = 0; i < length(c, 0); i++)
    K->adam[c->in[i]->dtype](block(c, 0, i), block(c, 1, i), block(c, 2, i), block(c, 3, i), &k,
                             mlp_tensor_count(c->in[i]));
}

const mlp_row mlp_row_adam_step = {
    .name = "adam_step",
    .doc =
        "d = scale g (+ weight_decay p unless decoupled); m = beta1 m + (1 - beta1) d; v = beta2 v "
        "+ (1 - beta2) d^2;\n"
        "p = p (1 - lr weight_decay if decoupled) - lr m / (1 - beta1^t) / (sqrt(v / (1 - "
        "beta2^t)) + eps).\n"
        "Kingma and Ba 2015; decoupled: Loshchilov and Hutter 2019.",
    .arg = {LIST("parameters", "p, changed in place"), LIST("gradients", "g, of the same shapes"),
            LIST("first_moments", "m, zeros at first"), LIST("second_moments", "v, zeros at first"),
            HYPER("lr, beta1, beta2, eps, weight_decay, decoupled, step, scale")},
    .flags = MLP_NOT_A_METHOD | MLP_NO_GRADIENT | MLP_INTERNAL,
    .writes = UINT64_MAX,
    .infer = adam_infer,
    .run = adam_run,
    .tiling = mlp_tiling_whole};

/* ---- RMSprop ----------------------------------------------------------------------------------------- */

enum { RMS_LR, RMS_ALPHA, RMS_EPS, RMS_DECAY, RMS_MOMENTUM, RMS_STEP, RMS_SCALE, RMS_SLOTS };

static mlp_status rmsprop_infer(mlp_call *c, mlp_error *e) {
  return want_lists(c, 5, RMS_SLOTS, e);
}

static void rmsprop_run(mlp_call *c) {
  const mlp_update_kernels *K = &mlp_kernel()->update;
  const double *h = hyper(c);
  mlp_rmsprop k = {.lr = h[RMS_LR],
                   .alpha = h[RMS_ALPHA],
                   .eps = h[RMS_EPS],
                   .weight_decay = h[RMS_DECAY],
                   .momentum = h[RMS_MOMENTUM],
                   .scale = h[RMS_SCALE]};
  count_step(c, RMS_STEP);
  for (int64_t i = 0; i < length(c, 0); i++)
    K->rmsprop[c->in[i]->dtype](block(c, 0, i), block(c, 1, i), block(c, 2, i), block(c, 3, i),
                                block(c, 4, i), &k, mlp_tensor_count(c->in[i]));
}

const mlp_row mlp_row_rmsprop_step = {
    .name = "rmsprop_step",
    .doc =
        "d = scale g + weight_decay p; q = alpha q + (1 - alpha) d^2; d = d / (sqrt(q) + eps), "
        "centered:\n"
        "sqrt(q - mean^2) with mean = alpha mean + (1 - alpha) d; p = p - lr d, with momentum\n"
        "v = momentum v + d; p = p - lr v. Hinton, Coursera lecture 6e; centered: Graves 2013.",
    .arg = {LIST("parameters", "p, changed in place"), LIST("gradients", "g, of the same shapes"),
            LIST("squares", "q, zeros at first"),
            LIST("means", "zeros at first, or an empty list: not centered"),
            LIST("velocities", "v, zeros at first, or an empty list: no momentum"),
            HYPER("lr, alpha, eps, weight_decay, momentum, step, scale")},
    .flags = MLP_NOT_A_METHOD | MLP_NO_GRADIENT | MLP_INTERNAL,
    .writes = UINT64_MAX,
    .infer = rmsprop_infer,
    .run = rmsprop_run,
    .tiling = mlp_tiling_whole};

/* ---- looking at a list of gradients -------------------------------------------------------------------- */

static mlp_status scalar_of_floats(mlp_call *c, mlp_dtype dtype, mlp_error *e) {
  mlp_shape none = {0};
  for (int i = 0; i < c->n_in; i++) MLP_TRY(mlp_want_float(c, i, e));
  return mlp_out(c, dtype, &none, e);
}

static mlp_status norm_infer(mlp_call *c, mlp_error *e) { return scalar_of_floats(c, MLP_F64, e); }

static void norm_run(mlp_call *c) {
  double sum = 0;
  for (int i = 0; i < c->n_in; i++) {
    const mlp_tensor *t = c->in[i];
    sum += mlp_kernel()->update.square_sum[t->dtype](mlp_tensor_data(t), mlp_tensor_count(t));
  }
  *(double *)mlp_result(c, 0) = sqrt(sum);
}

const mlp_row mlp_row_global_norm = {.name = "global_norm",
                                     .doc =
                                         "The Euclidean norm of all numbers of a list of tensors, "
                                         "in float64. Not finite when one of them is not.",
                                     .arg = {LIST("tensors", "float tensors of any shapes")},
                                     .flags = MLP_NOT_A_METHOD | MLP_NO_GRADIENT,
                                     .n_out = 1,
                                     .infer = norm_infer,
                                     .run = norm_run,
                                     .tiling = mlp_tiling_whole};
