/*
** Optimizer steps: one row takes the whole list of parameters with their gradients and moments and
** updates them in one pass. What varies from step to step stands in `hyper`, a float64 tensor of
** named slots, so that a recorded step can be replayed: its last two slots are the number of steps
** taken, which the row itself counts, and a factor on the gradients (clipping). The arithmetic is
** PyTorch's. Also the questions that are asked of gradients first: global_norm, all_finite.
*/
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "kernel/kernel.h"
#include "op/op.h"

/* ---- lists ----------------------------------------------------------------------------------- */

enum { MAX_LISTS = 5 };

/* in[] is list after list, then hyper; value[k] is the length of list k. */
static int list_start(const mlp_call *c, int list) {
  int start = 0;
  for (int k = 0; k < list; k++) start += (int)c->value[k].integer;
  return start;
}

static int list_length(const mlp_call *c, int list) { return (int)c->value[list].integer; }

enum { MAX_SLOTS = 8 };

static double *slot_of(const mlp_call *c, int lists, int k) {
  const mlp_tensor *h = c->in[list_start(c, lists)];
  return (double *)mlp_tensor_data(h) + k * h->stride[0];
}

static void read_hyper(const mlp_call *c, int lists, int slots, double h[MAX_SLOTS]) {
  for (int k = 0; k < slots; k++) h[k] = *slot_of(c, lists, k);
}

/* Refuses unless tensor i of the list has the shape and dtype of parameter i. */
static mlp_status want_like_parameter(const mlp_call *c, int list, int i, mlp_error *e) {
  const mlp_tensor *p = c->in[i], *t = c->in[list_start(c, list) + i];
  char got[MLP_SHAPE_TEXT], want[MLP_SHAPE_TEXT];
  if (t->dtype == p->dtype && mlp_shape_equal(&t->shape, &p->shape)) return MLP_OK;
  return mlp_refuse(e, "%s: %s[%d] is %s %s but %s[%d] is %s %s", c->row->name,
                    c->row->arg[list].name, i + 1, mlp_dtype_name(t->dtype),
                    mlp_shape_text(got, &t->shape), c->row->arg[0].name, i + 1,
                    mlp_dtype_name(p->dtype), mlp_shape_text(want, &p->shape));
}

/* The lists from `optional` on may be empty. */
static mlp_status want_lists(const mlp_call *c, int lists, int optional, mlp_error *e) {
  int n = list_length(c, 0);
  for (int i = 0; i < n; i++) MLP_TRY(mlp_want_float(c, i, e));
  for (int k = 1; k < lists; k++) {
    int length = list_length(c, k);
    if (length != n && !(length == 0 && k >= optional))
      return mlp_refuse(e, "%s: %d %s but %d %s", c->row->name, n, c->row->arg[0].name, length,
                        c->row->arg[k].name);
    for (int i = 0; i < length; i++) MLP_TRY(want_like_parameter(c, k, i, e));
  }
  return MLP_OK;
}

static mlp_status want_hyper(const mlp_call *c, int lists, int slots, mlp_error *e) {
  int i = list_start(c, lists);
  char text[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_dtype(c, i, MLP_F64, e));
  const mlp_shape *s = &c->in[i]->shape;
  if (s->ndim == 1 && s->dim[0] == slots) return MLP_OK;
  return mlp_refuse(e, "%s: hyper is %s but (%d,) is wanted", c->row->name, mlp_shape_text(text, s),
                    slots);
}

/* Parameter i and its companions, NULL where a list is empty. */
typedef struct {
  int n;
  mlp_tensor *t[MAX_LISTS];
} companions;

static companions companions_of(const mlp_call *c, int lists, int i) {
  companions k = {.n = lists};
  for (int list = 0; list < lists; list++)
    k.t[list] = list_length(c, list) > 0 ? c->in[list_start(c, list) + i] : NULL;
  return k;
}

/* ---- walking --------------------------------------------------------------------------------- */

typedef void step_run(mlp_dtype dtype, void *const *data, const void *k, int64_t n);

static bool all_contiguous(const companions *c) {
  for (int k = 0; k < c->n; k++) {
    if (c->t[k] && !mlp_tensor_contiguous(c->t[k])) return false;
  }
  return true;
}

static void start_data(void **data, const companions *c) {
  for (int k = 0; k < c->n; k++) data[k] = c->t[k] ? mlp_tensor_data(c->t[k]) : NULL;
}

static void move_data(void **data, const companions *c, int axis, int64_t steps) {
  for (int k = 0; k < c->n; k++) {
    if (!c->t[k]) continue;
    int64_t bytes = (int64_t)mlp_dtype_bytes(c->t[k]->dtype);
    data[k] = (char *)data[k] + steps * c->t[k]->stride[axis] * bytes;
  }
}

/* Views are walked element by element: parameters are blocks as a rule. */
static void walk_elements(const companions *c, void **data, int axis, step_run *run,
                          const void *k) {
  const mlp_shape *s = &c->t[0]->shape;
  if (axis == s->ndim) {
    run(c->t[0]->dtype, data, k, 1);
    return;
  }
  for (int64_t i = 0; i < s->dim[axis]; i++) {
    walk_elements(c, data, axis + 1, run, k);
    move_data(data, c, axis, 1);
  }
  move_data(data, c, axis, -s->dim[axis]);
}

/* A step cut into parts: each takes its share of the elements of every parameter. */
typedef struct {
  const mlp_call *call;
  int lists, parts;
  step_run *run;
  const void *k;
} cut_step;

static void step_part(void *context, int part) {
  enum { LINE = 64 }; /* elements: parts meet between cache lines */
  const cut_step *s = context;
  for (int i = 0; i < list_length(s->call, 0); i++) {
    companions beside = companions_of(s->call, s->lists, i);
    void *data[MAX_LISTS];
    int64_t first, n = mlp_share(mlp_tensor_count(beside.t[0]), LINE, s->parts, part, &first);
    start_data(data, &beside);
    for (int k = 0; k < beside.n; k++) {
      if (data[k]) data[k] = (char *)data[k] + first * (int64_t)mlp_dtype_bytes(beside.t[k]->dtype);
    }
    if (all_contiguous(&beside))
      s->run(beside.t[0]->dtype, data, s->k, n);
    else if (part == 0) {
      start_data(data, &beside);
      walk_elements(&beside, data, 0, s->run, s->k);
    }
  }
}

static void step_all(const mlp_call *c, int lists, step_run *run, const void *k) {
  const double SECONDS = 1e-9; /* per element, roughly: five streams of numbers from memory */
  double elements = 0;
  for (int i = 0; i < list_length(c, 0); i++) elements += (double)mlp_tensor_count(c->in[i]);
  bool worth = elements * SECONDS >= 2 * MLP_PARALLEL_SECONDS;
  cut_step s = {c, lists, worth ? mlp_free_lanes() : 1, run, k};
  mlp_parallel(s.parts, step_part, &s);
}

#define PARAMETERS \
  { MLP_ARG_LIST, "parameters", "updated in place", NULL, NULL, false }
#define GRADIENTS \
  { MLP_ARG_LIST, "gradients", "one per parameter", NULL, NULL, false }
#define MOMENT(name, doc) \
  { MLP_ARG_LIST, name, doc, NULL, NULL, false }
#define HYPER(slots) \
  { MLP_ARG_TENSOR, "hyper", "float64: " slots, NULL, NULL, false }

/* ---- sgd_step -------------------------------------------------------------------------------- */

enum { SGD_LISTS = 3 };
enum {
  SGD_LR,
  SGD_MOMENTUM,
  SGD_DAMPENING,
  SGD_DECAY,
  SGD_NESTEROV,
  SGD_COUNT,
  SGD_SCALE,
  SGD_SLOTS
};

static mlp_status sgd_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(want_lists(c, SGD_LISTS, 2, e));
  return want_hyper(c, SGD_LISTS, SGD_SLOTS, e);
}

static void sgd_block(mlp_dtype dtype, void *const *data, const void *k, int64_t n) {
  mlp_kernel()->update.sgd[dtype](data[0], data[1], data[2], k, n);
}

static void sgd_run(mlp_call *c) {
  double h[MAX_SLOTS];
  read_hyper(c, SGD_LISTS, SGD_SLOTS, h);
  bool first = h[SGD_COUNT] == 0; /* the velocity starts at the gradient, undampened */
  mlp_sgd k = {.lr = h[SGD_LR],
               .momentum = h[SGD_MOMENTUM],
               .keep = first ? 0 : h[SGD_MOMENTUM],
               .share = first ? 1 : 1 - h[SGD_DAMPENING],
               .decay = h[SGD_DECAY],
               .scale = h[SGD_SCALE],
               .nesterov = h[SGD_NESTEROV] != 0};
  step_all(c, SGD_LISTS, sgd_block, &k);
  *slot_of(c, SGD_LISTS, SGD_COUNT) += 1;
}

extern const mlp_row mlp_row_sgd_step;
const mlp_row mlp_row_sgd_step = {
    .name = "sgd_step",
    .doc =
        "one step of stochastic gradient descent, in place\n"
        "d = scale g + weight_decay p; v = momentum v + (1 - dampening) d, at the first step v = "
        "d; p = p - lr v, with nesterov p - lr (d + momentum v).",
    .arg = {PARAMETERS, GRADIENTS,
            MOMENT("velocities", "v, one per parameter; {} without momentum"),
            HYPER("lr, momentum, dampening, weight_decay, nesterov (0 or 1), steps taken, scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3,
    .infer = sgd_infer,
    .run = sgd_run,
    .tiling = mlp_tiling_whole,
};

/* ---- adam_step ------------------------------------------------------------------------------- */

enum { ADAM_LISTS = 4 };
enum {
  ADAM_LR,
  ADAM_BETA1,
  ADAM_BETA2,
  ADAM_EPS,
  ADAM_DECAY,
  ADAM_DECOUPLED,
  ADAM_COUNT,
  ADAM_SCALE,
  ADAM_SLOTS
};

static mlp_status adam_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(want_lists(c, ADAM_LISTS, ADAM_LISTS, e));
  return want_hyper(c, ADAM_LISTS, ADAM_SLOTS, e);
}

static void adam_block(mlp_dtype dtype, void *const *data, const void *k, int64_t n) {
  mlp_kernel()->update.adam[dtype](data[0], data[1], data[2], data[3], k, n);
}

static void adam_run(mlp_call *c) {
  double h[MAX_SLOTS];
  read_hyper(c, ADAM_LISTS, ADAM_SLOTS, h);
  double t = h[ADAM_COUNT] + 1;
  bool decoupled = h[ADAM_DECOUPLED] != 0;
  mlp_adam k = {.rate = h[ADAM_LR] / (1 - pow(h[ADAM_BETA1], t)),
                .beta1 = h[ADAM_BETA1],
                .beta2 = h[ADAM_BETA2],
                .epsilon = h[ADAM_EPS],
                .decay = decoupled ? 0 : h[ADAM_DECAY],
                .keep = decoupled ? 1 - h[ADAM_LR] * h[ADAM_DECAY] : 1,
                .root = 1 / sqrt(1 - pow(h[ADAM_BETA2], t)),
                .scale = h[ADAM_SCALE]};
  step_all(c, ADAM_LISTS, adam_block, &k);
  *slot_of(c, ADAM_LISTS, ADAM_COUNT) += 1;
}

extern const mlp_row mlp_row_adam_step;
const mlp_row mlp_row_adam_step = {
    .name = "adam_step",
    .doc =
        "one step of Adam, or of AdamW when decoupled, in place\n"
        "d = scale g + weight_decay p (decoupled: p = p (1 - lr weight_decay) instead); m = beta1 "
        "m + (1 - beta1) d; v = beta2 v + (1 - beta2) d^2; p = p - lr (m / (1 - beta1^t)) / "
        "(sqrt(v / (1 - beta2^t)) + eps). Kingma and Ba 2015; Loshchilov and Hutter 2019.",
    .arg = {PARAMETERS, GRADIENTS, MOMENT("means", "m, one per parameter"),
            MOMENT("squares", "v, one per parameter"),
            HYPER("lr, beta1, beta2, eps, weight_decay, decoupled (0 or 1), steps taken, scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4,
    .infer = adam_infer,
    .run = adam_run,
    .tiling = mlp_tiling_whole,
};

/* ---- rmsprop_step ---------------------------------------------------------------------------- */

enum { RMS_LISTS = 5 };
enum { RMS_LR, RMS_ALPHA, RMS_EPS, RMS_DECAY, RMS_MOMENTUM, RMS_COUNT, RMS_SCALE, RMS_SLOTS };

static mlp_status rmsprop_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(want_lists(c, RMS_LISTS, 3, e));
  return want_hyper(c, RMS_LISTS, RMS_SLOTS, e);
}

static void rmsprop_block(mlp_dtype dtype, void *const *data, const void *k, int64_t n) {
  mlp_kernel()->update.rmsprop[dtype](data[0], data[1], data[2], data[3], data[4], k, n);
}

static void rmsprop_run(mlp_call *c) {
  double h[MAX_SLOTS];
  read_hyper(c, RMS_LISTS, RMS_SLOTS, h);
  mlp_rmsprop k = {.lr = h[RMS_LR],
                   .alpha = h[RMS_ALPHA],
                   .epsilon = h[RMS_EPS],
                   .decay = h[RMS_DECAY],
                   .momentum = h[RMS_MOMENTUM],
                   .scale = h[RMS_SCALE]};
  step_all(c, RMS_LISTS, rmsprop_block, &k);
  *slot_of(c, RMS_LISTS, RMS_COUNT) += 1;
}

extern const mlp_row mlp_row_rmsprop_step;
const mlp_row mlp_row_rmsprop_step = {
    .name = "rmsprop_step",
    .doc =
        "one step of RMSprop, in place\n"
        "d = scale g + weight_decay p; q = alpha q + (1 - alpha) d^2; u = d / (sqrt(q) + eps), "
        "centered d / (sqrt(q - a^2) + eps) with a = alpha a + (1 - alpha) d; p = p - lr u, with "
        "momentum b = momentum b + u and p = p - lr b. Hinton, Coursera lecture 6e; Graves 2013.",
    .arg = {PARAMETERS, GRADIENTS, MOMENT("squares", "q, one per parameter"),
            MOMENT("means", "a, one per parameter; {} unless centered"),
            MOMENT("velocities", "b, one per parameter; {} without momentum"),
            HYPER("lr, alpha, eps, weight_decay, momentum, steps taken, scale")},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .writes = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5,
    .infer = rmsprop_infer,
    .run = rmsprop_run,
    .tiling = mlp_tiling_whole,
};

/* ---- questions ------------------------------------------------------------------------------- */

static const mlp_shape number = {0};

static mlp_status global_norm_infer(mlp_call *c, mlp_error *e) {
  for (int i = 0; i < c->n_in; i++) MLP_TRY(mlp_want_float(c, i, e));
  return mlp_out(c, MLP_F64, &number, e);
}

static void global_norm_run(mlp_call *c) {
  double total = 0;
  for (int i = 0; i < c->n_in; i++)
    total +=
        mlp_kernel()->update.sum_squares[c->in[i]->dtype](mlp_in(c, i), mlp_tensor_count(c->in[i]));
  *(double *)mlp_result(c, 0) = sqrt(total);
}

#define TENSORS \
  { MLP_ARG_LIST, "tensors", "of floats, any shapes", NULL, NULL, false }

extern const mlp_row mlp_row_global_norm;
const mlp_row mlp_row_global_norm = {
    .name = "global_norm",
    .doc = "the Euclidean norm of all elements of a list of tensors, in float64",
    .arg = {TENSORS},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = global_norm_infer,
    .run = global_norm_run,
    .tiling = mlp_tiling_whole,
};

static mlp_status all_finite_infer(mlp_call *c, mlp_error *e) {
  for (int i = 0; i < c->n_in; i++) MLP_TRY(mlp_want_float(c, i, e));
  return mlp_out(c, MLP_U8, &number, e);
}

static void all_finite_run(mlp_call *c) {
  bool finite = true;
  for (int i = 0; i < c->n_in && finite; i++)
    finite = mlp_kernel()->update.finite[c->in[i]->dtype](mlp_in(c, i), mlp_tensor_count(c->in[i]));
  *(uint8_t *)mlp_result(c, 0) = finite;
}

extern const mlp_row mlp_row_all_finite;
const mlp_row mlp_row_all_finite = {
    .name = "all_finite",
    .doc = "1 when no element of a list of tensors is infinite or NaN, else 0",
    .arg = {TENSORS},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = all_finite_infer,
    .run = all_finite_run,
    .tiling = mlp_tiling_whole,
};
