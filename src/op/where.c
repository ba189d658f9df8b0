/*
** Choice by a mask (uint8, nonzero is true). A number that was not chosen does not matter: a NaN
** there reaches neither the result nor a gradient.
*/
#include "kernel/kernel.h"
#include "op/build.h"
#include "op/loop.h"

extern const mlp_row mlp_row_where, mlp_row_masked_fill;

static mlp_size_class size_class(mlp_dtype dtype) {
  return mlp_dtype_bytes(dtype) == 4 ? MLP_WORD : mlp_dtype_bytes(dtype) == 8 ? MLP_LONG : MLP_BYTE;
}

/* ---- where(mask, a, b) ----------------------------------------------------------------------- */

enum { MASK, A, B };

static void where_span(const mlp_span *s, const void *context) {
  mlp_where_kernel *const *form = context;
  form[s->single >> A](s->out, s->in[MASK], s->in[A], s->in[B], s->n);
}

static mlp_status where_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape;
  MLP_TRY(mlp_want_dtype(c, MASK, MLP_U8, e));
  MLP_TRY(mlp_want_same_dtype(c, A, B, e));
  MLP_TRY(mlp_loop_shape(c, &shape, e));
  return mlp_out(c, c->in[A]->dtype, &shape, e);
}

static void where_run(mlp_call *c) {
  mlp_loop(c, 1u << A | 1u << B, where_span, mlp_kernel()->mask.where[size_class(c->in[A]->dtype)]);
}

static mlp_tensor *choose(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b) {
  return a && b ? mlp_emit(v, &mlp_row_where, MLP_IN(mlp_input(v, MASK), a, b), MLP_NO_VALUES)
                : NULL;
}

static void where_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *zero = mlp_scalar(v, g, 0);
  if (mlp_wanted(v, A)) mlp_give_grad(v, A, mlp_sum_like(v, choose(v, g, zero), A));
  if (mlp_wanted(v, B)) mlp_give_grad(v, B, mlp_sum_like(v, choose(v, zero, g), B));
}

const mlp_row mlp_row_where = {
    .name = "where",
    .doc = "a where the mask is nonzero, b elsewhere; the three broadcast",
    .arg = {{MLP_ARG_TENSOR, "mask", "uint8", NULL, NULL, false},
            {MLP_ARG_OPERAND, "a", "tensor or number", NULL, NULL, false},
            {MLP_ARG_OPERAND, "b", "tensor or number, of a's dtype", NULL, NULL, false}},
    .flags = MLP_STRIDED,
    .n_out = 1,
    .save_in = 1,
    .infer = where_infer,
    .run = where_run,
    .vjp = where_vjp,
    .tiling = mlp_tiling_elementwise,
};

/* ---- masked_fill(x, mask, value) ------------------------------------------------------------- */

/* The value in the form of the dtype. */
typedef union {
  float f32;
  double f64;
  int64_t i64;
  uint8_t u8;
} element;

typedef struct {
  mlp_where_kernel *kernel;
  element value;
} filling;

static element element_of(mlp_dtype dtype, double number) {
  if (dtype == MLP_F32) return (element){.f32 = (float)number};
  if (dtype == MLP_F64) return (element){.f64 = number};
  return dtype == MLP_I64 ? (element){.i64 = (int64_t)number} : (element){.u8 = (uint8_t)number};
}

static void fill_span(const mlp_span *s, const void *context) {
  const filling *f = context;
  f->kernel(s->out, s->in[1], &f->value, s->in[0], s->n);
}

static mlp_status fill_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape;
  mlp_dtype dtype = c->in[0]->dtype;
  double value = c->value[0].number, largest = dtype == MLP_U8 ? 256 : 0x1p63;
  MLP_TRY(mlp_want_dtype(c, 1, MLP_U8, e));
  MLP_TRY(mlp_loop_shape(c, &shape, e));
  bool whole = value >= (dtype == MLP_U8 ? 0 : -largest) && value < largest &&
               (double)(int64_t)value == value;
  if (!mlp_is_float(dtype) && !whole)
    return mlp_refuse(e, "masked_fill: value is %g but the tensor is %s", value,
                      mlp_dtype_name(dtype));
  return mlp_out(c, dtype, &shape, e);
}

static void fill_run(mlp_call *c) {
  mlp_dtype dtype = c->in[0]->dtype;
  filling f = {mlp_kernel()->mask.where[size_class(dtype)][1],
               element_of(dtype, c->value[0].number)};
  mlp_loop(c, 0, fill_span, &f);
}

static void fill_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_emit(v, &mlp_row_masked_fill, MLP_IN(mlp_grad_out(v, 0), mlp_input(v, 1)),
                           MLP_VALUES({.number = 0}));
  mlp_give_grad(v, 0, mlp_sum_like(v, g, 0));
}

const mlp_row mlp_row_masked_fill = {
    .name = "masked_fill",
    .doc = "x, but value where the mask is nonzero; x and mask broadcast",
    .arg = {{MLP_ARG_TENSOR, "x", "any shape", NULL, NULL, false},
            {MLP_ARG_TENSOR, "mask", "uint8", NULL, NULL, false},
            {MLP_ARG_NUMBER, "value", "what to write", NULL, NULL, false}},
    .flags = MLP_STRIDED | MLP_IN_PLACE,
    .n_out = 1,
    .save_in = 2,
    .infer = fill_infer,
    .run = fill_run,
    .vjp = fill_vjp,
    .tiling = mlp_tiling_elementwise,
};
