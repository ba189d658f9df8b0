/*
** Rows that draw. What they draw is a function of (seed, serial of the call, place of the element
** in the whole tensor), see base/random.h: the driver takes both numbers from the generator, so a
** row has no state, and a call of the same numbers draws the same values. No gradient flows through
** a draw; dropout, which multiplies by one, keeps its mask as a hidden output.
*/
#include <math.h>
#include <string.h>

#include "kernel/kernel.h"
#include "op/build.h"
#include "op/position.h"

extern const mlp_row mlp_row_dropout_apply;

#define ARG_GENERATOR                                                                              \
  {                                                                                                \
    MLP_ARG_STREAM, "generator", "made by mlp.generator(seed); nil: the default one", "nil", NULL, \
        true                                                                                       \
  }

/* For the call's elements from `start` on; a part of a batch draws what the whole would there. */
static mlp_draw draw_from(const mlp_call *c, int64_t start) {
  int64_t before = mlp_elements_before(c, mlp_shape_count(&c->spec[0].shape));
  return (mlp_draw){c->seed, c->serial, before + start};
}

static mlp_status want_range(const mlp_call *c, double low, double high, mlp_error *e) {
  if (isfinite(high - low) && low <= high) return MLP_OK;
  return mlp_refuse(e, "%s: low is %g and high is %g; finite numbers, low first, are wanted",
                    c->row->name, low, high);
}

static mlp_status want_deviation(const mlp_call *c, double mean, double deviation, mlp_error *e) {
  if (isfinite(mean) && isfinite(deviation) && deviation >= 0) return MLP_OK;
  return mlp_refuse(e,
                    "%s: mean is %g and deviation is %g; finite numbers are wanted, the deviation "
                    "at least 0",
                    c->row->name, mean, deviation);
}

static void fill_uniform(mlp_call *c, double low, double high) {
  mlp_kernel()->draw.uniform[c->spec[0].dtype](mlp_result(c, 0), low, high, draw_from(c, 0),
                                               mlp_tensor_count(c->out[0]));
}

static void fill_normal(mlp_call *c, double mean, double deviation) {
  mlp_kernel()->draw.normal[c->spec[0].dtype](mlp_result(c, 0), mean, deviation, draw_from(c, 0),
                                              mlp_tensor_count(c->out[0]));
}

/* Nothing that comes in has a batch axis. */
static void shared_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  (void)c, (void)in;
  out[0] = (mlp_tile){.spread = MLP_SHARED};
}

/* ---- new tensors ----------------------------------------------------------------------------- */

enum { SHAPE, DTYPE, REQUIRES_GRAD };

#define NEW_TENSOR                                                                            \
  {MLP_ARG_SHAPE, "shape", "the lengths", NULL, NULL, false},                                 \
      {MLP_ARG_DTYPE, "dtype", "float32 or float64", "float32", NULL, true},                  \
      {MLP_ARG_FLAG, "requires_grad", "whether it collects a gradient", "false", NULL, true}, \
      ARG_GENERATOR

static mlp_status new_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = {.ndim = c->value[SHAPE].list.n};
  mlp_dtype dtype = (mlp_dtype)c->value[DTYPE].integer;
  memcpy(shape.dim, c->value[SHAPE].list.item, sizeof shape.dim);
  if (!mlp_is_float(dtype))
    return mlp_refuse(e,
                      "%s: dtype is %s but float32 or float64 is wanted (mlp.randint draws whole "
                      "numbers)",
                      c->row->name, mlp_dtype_name(dtype));
  return mlp_out(c, dtype, &shape, e);
}

static void rand_run(mlp_call *c) {
  c->out[0]->requires_grad = c->value[REQUIRES_GRAD].integer != 0;
  fill_uniform(c, 0, 1);
}

const mlp_row mlp_row_rand = {
    .name = "rand",
    .doc = "Uniform draws from [0, 1): multiples of 2^-24 in float32, of 2^-53 in float64.",
    .arg = {NEW_TENSOR},
    .flags = MLP_RANDOM | MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = new_infer,
    .run = rand_run,
    .tiling = shared_tiling,
};

static void randn_run(mlp_call *c) {
  c->out[0]->requires_grad = c->value[REQUIRES_GRAD].integer != 0;
  fill_normal(c, 0, 1);
}

const mlp_row mlp_row_randn = {
    .name = "randn",
    .doc = "Normal draws of mean 0 and deviation 1 (Box and Muller 1958).",
    .arg = {NEW_TENSOR},
    .flags = MLP_RANDOM | MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = new_infer,
    .run = randn_run,
    .tiling = shared_tiling,
};

static mlp_status randint_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = {.ndim = c->value[2].list.n};
  memcpy(shape.dim, c->value[2].list.item, sizeof shape.dim);
  if (c->value[0].integer > c->value[1].integer)
    return mlp_refuse(e, "randint: low is %lld but high is %lld; both ends are included, low first",
                      (long long)c->value[0].integer, (long long)c->value[1].integer);
  return mlp_out(c, MLP_I64, &shape, e);
}

static void randint_run(mlp_call *c) {
  uint64_t low = (uint64_t)c->value[0].integer;
  uint64_t choices = (uint64_t)c->value[1].integer - low + 1; /* 0: all of them */
  int64_t *y = mlp_result(c, 0), n = mlp_tensor_count(c->out[0]);
  for (int64_t i = 0; i < n; i++)
    y[i] = (int64_t)(low + mlp_below(choices, c->seed, c->serial, (uint64_t)i));
}

const mlp_row mlp_row_randint = {
    .name = "randint",
    .doc = "Whole numbers from low to high, both included, equally likely (Lemire 2019). int64.",
    .arg = {{MLP_ARG_INTEGER, "low", "the smallest", NULL, NULL, false},
            {MLP_ARG_INTEGER, "high", "the largest", NULL, NULL, false},
            {MLP_ARG_SHAPE, "shape", "the lengths", NULL, NULL, false},
            ARG_GENERATOR},
    .flags = MLP_RANDOM | MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = randint_infer,
    .run = randint_run,
    .tiling = shared_tiling,
};

static mlp_status randperm_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = {.ndim = 1, .dim = {c->value[0].integer}};
  return mlp_out(c, MLP_I64, &shape, e);
}

/* Fisher and Yates, as by Durstenfeld 1964: from the last down, each changes places with one that
** is not behind it. */
static void randperm_run(mlp_call *c) {
  int64_t *y = mlp_result(c, 0), n = mlp_tensor_count(c->out[0]);
  for (int64_t i = 0; i < n; i++) y[i] = i + 1;
  for (int64_t i = n - 1; i > 0; i--) {
    int64_t j = (int64_t)mlp_below((uint64_t)i + 1, c->seed, c->serial, (uint64_t)i);
    int64_t last = y[i];
    y[i] = y[j], y[j] = last;
  }
}

const mlp_row mlp_row_randperm = {
    .name = "randperm",
    .doc = "The numbers 1 to n in random order, every order equally likely. int64.",
    .arg = {{MLP_ARG_INTEGER, "n", "how many", NULL, NULL, false}, ARG_GENERATOR},
    .flags = MLP_RANDOM | MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = randperm_infer,
    .run = randperm_run,
    .tiling = shared_tiling,
};

/* ---- draws in the shape of a tensor ---------------------------------------------------------- */

#define ARG_LIKE \
  { MLP_ARG_TENSOR, "x", "a float tensor, for its shape and dtype", NULL, NULL, false }

static mlp_status uniform_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, 0, e));
  MLP_TRY(want_range(c, c->value[0].number, c->value[1].number, e));
  return mlp_out_like(c, c->in[0], e);
}

static void uniform_run(mlp_call *c) { fill_uniform(c, c->value[0].number, c->value[1].number); }

const mlp_row mlp_row_uniform = {
    .name = "uniform",
    .doc = "Uniform draws from [low, high) in the shape of x; uniform_ writes them into x.",
    .arg = {ARG_LIKE,
            {MLP_ARG_NUMBER, "low", "included", "0", NULL, false},
            {MLP_ARG_NUMBER, "high", "not included", "1", NULL, false},
            ARG_GENERATOR},
    .flags = MLP_RANDOM | MLP_NO_GRADIENT | MLP_IN_PLACE | MLP_STRIDED,
    .n_out = 1,
    .infer = uniform_infer,
    .run = uniform_run,
    .tiling = mlp_tiling_elementwise,
};

static mlp_status normal_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, 0, e));
  MLP_TRY(want_deviation(c, c->value[0].number, c->value[1].number, e));
  return mlp_out_like(c, c->in[0], e);
}

static void normal_run(mlp_call *c) { fill_normal(c, c->value[0].number, c->value[1].number); }

const mlp_row mlp_row_normal = {
    .name = "normal",
    .doc = "Normal draws in the shape of x; normal_ writes them into x.",
    .arg = {ARG_LIKE,
            {MLP_ARG_NUMBER, "mean", "of the draws", "0", NULL, false},
            {MLP_ARG_NUMBER, "deviation", "standard deviation of the draws", "1", NULL, false},
            ARG_GENERATOR},
    .flags = MLP_RANDOM | MLP_NO_GRADIENT | MLP_IN_PLACE | MLP_STRIDED,
    .n_out = 1,
    .infer = normal_infer,
    .run = normal_run,
    .tiling = mlp_tiling_elementwise,
};

enum { CHUNK = 1024 };

static double number_at(const void *data, mlp_dtype dtype, int64_t i) {
  return dtype == MLP_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static mlp_status bernoulli_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, 0, e));
  return mlp_out_like(c, c->in[0], e);
}

static mlp_status bernoulli_check(const mlp_call *c, mlp_error *e) {
  int64_t n = mlp_tensor_count(c->in[0]);
  char text[MLP_POSITION_TEXT];
  for (int64_t i = 0; i < n; i++) {
    double p = number_at(mlp_in(c, 0), c->in[0]->dtype, i);
    if (!(p >= 0 && p <= 1))
      return mlp_refuse(e, "bernoulli: %s is %g, but probabilities lie in 0 to 1",
                        mlp_position_text(text, c, 0, i), p);
  }
  return MLP_OK;
}

static void bernoulli_run(mlp_call *c) {
  int64_t n = mlp_tensor_count(c->in[0]);
  mlp_dtype dtype = c->in[0]->dtype;
  uint32_t word[CHUNK];
  for (int64_t from = 0; from < n; from += CHUNK) {
    int64_t count = n - from < CHUNK ? n - from : CHUNK;
    mlp_kernel()->draw.words(word, draw_from(c, from), count);
    for (int64_t i = 0; i < count; i++) {
      bool one = (double)word[i] < number_at(mlp_in(c, 0), dtype, from + i) * 0x1p32;
      if (dtype == MLP_F32)
        ((float *)mlp_result(c, 0))[from + i] = one;
      else
        ((double *)mlp_result(c, 0))[from + i] = one;
    }
  }
}

const mlp_row mlp_row_bernoulli = {
    .name = "bernoulli",
    .doc = "1 with the probability that x says, otherwise 0, in the dtype of x.",
    .arg = {{MLP_ARG_TENSOR, "x", "probabilities, 0 to 1", NULL, NULL, false}, ARG_GENERATOR},
    .flags = MLP_RANDOM | MLP_NO_GRADIENT,
    .n_out = 1,
    .infer = bernoulli_infer,
    .check = bernoulli_check,
    .run = bernoulli_run,
    .tiling = mlp_tiling_elementwise,
};

/* ---- dropout --------------------------------------------------------------------------------- */

/* What is kept grows by this, so that the mean stays. */
static double growth(double p) { return p < 1 ? 1 / (1 - p) : 0; }

static mlp_status dropout_infer(mlp_call *c, mlp_error *e) {
  double p = c->value[0].number;
  MLP_TRY(mlp_want_float(c, 0, e));
  if (!(p >= 0 && p <= 1))
    return mlp_refuse(e, "dropout: p is %g but a probability from 0 to 1 is wanted", p);
  MLP_TRY(mlp_out_like(c, c->in[0], e));
  return c->traced ? mlp_out(c, MLP_U8, &c->in[0]->shape, e) : MLP_OK;
}

static void drop(const mlp_call *c, const uint8_t *keep, double factor, int64_t from, int64_t n) {
  mlp_dtype dtype = c->in[0]->dtype;
  size_t shift = (size_t)from * mlp_dtype_bytes(dtype);
  mlp_kernel()->draw.drop[dtype]((char *)mlp_result(c, 0) + shift, (char *)mlp_in(c, 0) + shift,
                                 keep, factor, n);
}

/* The mask stays on the stack, a chunk at a time, unless the derivative wants it. */
static void dropout_run(mlp_call *c) {
  int64_t n = mlp_tensor_count(c->in[0]);
  double p = c->value[0].number;
  uint8_t chunk[CHUNK], *mask = c->n_out > 1 ? mlp_result(c, 1) : NULL;
  for (int64_t from = 0; from < n; from += CHUNK) {
    int64_t count = n - from < CHUNK ? n - from : CHUNK;
    uint8_t *keep = mask ? mask + from : chunk;
    mlp_kernel()->draw.keep(keep, 1 - p, draw_from(c, from), count);
    drop(c, keep, growth(p), from, count);
  }
}

static void dropout_vjp(mlp_vjp *v) {
  mlp_value factor = {.number = growth(mlp_value_of(v, 0)->number)};
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_dropout_apply, MLP_IN(mlp_grad_out(v, 0), mlp_output(v, 1)),
                         MLP_VALUES(factor)));
}

const mlp_row mlp_row_dropout = {
    .name = "dropout",
    .doc =
        "Each element 0 with probability p, otherwise x / (1 - p), so that the mean stays\n"
        "(Srivastava et al. 2014).",
    .arg = {{MLP_ARG_TENSOR, "x", "a float tensor", NULL, NULL, false},
            {MLP_ARG_NUMBER, "p", "probability of 0", "0.5", NULL, false},
            ARG_GENERATOR},
    .flags = MLP_RANDOM | MLP_IN_PLACE,
    .n_out = 1,
    .infer = dropout_infer,
    .run = dropout_run,
    .vjp = dropout_vjp,
    .tiling = mlp_tiling_elementwise,
};

static mlp_status dropout_apply_infer(mlp_call *c, mlp_error *e) {
  return mlp_out_like(c, c->in[0], e);
}

static void dropout_apply_run(mlp_call *c) {
  drop(c, mlp_in(c, 1), c->value[0].number, 0, mlp_tensor_count(c->in[0]));
}

static void dropout_apply_vjp(mlp_vjp *v) {
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_dropout_apply, MLP_IN(mlp_grad_out(v, 0), mlp_input(v, 1)),
                         MLP_VALUES(*mlp_value_of(v, 0))));
}

const mlp_row mlp_row_dropout_apply = {
    .name = "dropout_apply",
    .doc = "x * factor where the mask is not 0, otherwise 0: the derivative of dropout.",
    .arg = {{MLP_ARG_TENSOR, "x", "a float tensor", NULL, NULL, false},
            {MLP_ARG_TENSOR, "mask", "uint8, the shape of x", NULL, NULL, false},
            {MLP_ARG_NUMBER, "factor", "of what is kept", NULL, NULL, false}},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 2,
    .infer = dropout_apply_infer,
    .run = dropout_apply_run,
    .vjp = dropout_apply_vjp,
    .tiling = mlp_tiling_elementwise,
};
