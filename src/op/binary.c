/*
** Rows of two operands, elementwise with broadcasting: arithmetic, comparisons, logic. The loops
** are in kernel/binary.def; here stand the documentation, what is refused, and the derivatives.
*/
#include "kernel/kernel.h"
#include "op/build.h"
#include "op/loop.h"
#include "op/position.h"

/* ---- running --------------------------------------------------------------------------------- */

static void run_span(const mlp_span *s, const void *context) {
  static const mlp_binary_form form[] = {MLP_VV, MLP_SV, MLP_VS};
  mlp_binary_kernel *const *kernel = context;
  kernel[form[s->single]](s->out, s->in[0], s->in[1], s->n);
}

static void run_binary(mlp_call *c, mlp_binary_id id) {
  mlp_loop(c, 3, run_span, mlp_kernel()->binary.run[c->in[0]->dtype][id]);
}

/* Is in[1] the single number 2, of floats? Squares are most powers that are taken. */
static bool exponent_is_2(const mlp_call *c) {
  const mlp_tensor *b = c->in[1];
  if (!mlp_is_float(b->dtype) || mlp_tensor_count(b) != 1) return false;
  const void *data = mlp_tensor_data(b);
  return b->dtype == MLP_F32 ? *(const float *)data == 2 : *(const double *)data == 2;
}

static void square_span(const mlp_span *s, const void *context) {
  mlp_binary_kernel *const *mul = context;
  mul[MLP_VV](s->out, s->in[0], s->in[0], s->n);
}

static void run_pow(mlp_call *c) {
  mlp_binary_kernel *const *mul = mlp_kernel()->binary.run[c->in[0]->dtype][MLP_BINARY_mul];
  bool square = exponent_is_2(c) && mlp_tensor_count(c->in[0]) == mlp_tensor_count(c->out[0]);
  if (square) {
    mlp_loop(c, 2, square_span, mul);
  } else {
    run_binary(c, MLP_BINARY_pow);
  }
}

/* b a^(b - 1): of a square, 2 a. */
static void run_pow_a(mlp_call *c) {
  run_binary(c, exponent_is_2(c) ? MLP_BINARY_mul : MLP_BINARY_pow_a);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static mlp_status infer_as(mlp_call *c, mlp_dtype dtype, mlp_error *e) {
  mlp_shape shape;
  MLP_TRY(mlp_want_same_dtype(c, 0, 1, e));
  MLP_TRY(mlp_loop_shape(c, &shape, e));
  return mlp_out(c, dtype, &shape, e);
}

static mlp_status infer_same(mlp_call *c, mlp_error *e) { return infer_as(c, c->in[0]->dtype, e); }

static mlp_status infer_float(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, 0, e));
  return infer_same(c, e);
}

/* A factor is saved when the other one wants a gradient. */
static mlp_status infer_factors(mlp_call *c, mlp_error *e) {
  c->save_in = (uint64_t)mlp_tensor_traced(c->in[1]) | (uint64_t)mlp_tensor_traced(c->in[0]) << 1;
  return infer_same(c, e);
}

static mlp_status infer_mask(mlp_call *c, mlp_error *e) { return infer_as(c, MLP_U8, e); }

static mlp_status infer_logical(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_dtype(c, 0, MLP_U8, e));
  return infer_same(c, e);
}

/* The place, in row-major order, of the first element of t that `found` accepts: -1 if none. */
static int64_t first_where(const mlp_tensor *t, bool (*found)(int64_t)) {
  int64_t at[MLP_MAX_DIMS] = {0}, count = mlp_tensor_count(t), place = 0;
  const void *data = mlp_tensor_data(t);
  for (int64_t i = 0; i < count; i++) {
    int64_t value =
        t->dtype == MLP_U8 ? ((const uint8_t *)data)[place] : ((const int64_t *)data)[place];
    if (found(value)) return i;
    for (int axis = t->shape.ndim - 1; axis >= 0; axis--) {
      place += t->stride[axis];
      if (++at[axis] < t->shape.dim[axis]) break;
      place -= at[axis] * t->stride[axis];
      at[axis] = 0;
    }
  }
  return -1;
}

static bool is_zero(int64_t value) { return value == 0; }
static bool is_negative(int64_t value) { return value < 0; }

static mlp_status check_divisor(const mlp_call *c, mlp_error *e) {
  char text[MLP_POSITION_TEXT];
  if (mlp_is_float(c->in[1]->dtype)) return MLP_OK;
  int64_t place = first_where(c->in[1], is_zero);
  if (place < 0) return MLP_OK;
  return mlp_refuse(e, "%s: %s is 0, and whole numbers cannot be divided by it", c->row->name,
                    mlp_position_text(text, c, 1, place));
}

static mlp_status check_exponent(const mlp_call *c, mlp_error *e) {
  char text[MLP_POSITION_TEXT];
  if (c->in[1]->dtype != MLP_I64) return MLP_OK;
  int64_t place = first_where(c->in[1], is_negative);
  if (place < 0) return MLP_OK;
  return mlp_refuse(e, "pow: %s is negative, which wants floats: x:to(\"float32\") converts",
                    mlp_position_text(text, c, 1, place));
}

/* ---- the rows -------------------------------------------------------------------------------- */

#define OPERANDS(first, second, phrase)                    \
  {                                                        \
    {MLP_ARG_OPERAND, first, phrase, NULL, NULL, false}, { \
      MLP_ARG_OPERAND, second, phrase, NULL, NULL, false   \
    }                                                      \
  }

#define ROW(NAME, DOC, FIRST, SECOND, FLAGS, SAVED, INFER, CHECK, VJP)      \
  static void NAME##_run(mlp_call *c) { run_binary(c, MLP_BINARY_##NAME); } \
  ROW_WITH_RUN(NAME, NAME##_run, DOC, FIRST, SECOND, FLAGS, SAVED, INFER, CHECK, VJP)
#define ROW_WITH_RUN(NAME, RUN, DOC, FIRST, SECOND, FLAGS, SAVED, INFER, CHECK, VJP) \
  extern const mlp_row mlp_row_##NAME;                                               \
  const mlp_row mlp_row_##NAME = {                                                   \
      .name = #NAME,                                                                 \
      .doc = DOC,                                                                    \
      .arg = OPERANDS(FIRST, SECOND, "tensor or number; they broadcast"),            \
      .flags = MLP_STRIDED | (FLAGS),                                                \
      .n_out = 1,                                                                    \
      .save_in = SAVED,                                                              \
      .infer = INFER,                                                                \
      .check = CHECK,                                                                \
      .run = RUN,                                                                    \
      .vjp = VJP,                                                                    \
      .tiling = mlp_tiling_elementwise,                                              \
  };

/* ---- derivatives: g is the gradient of the result -------------------------------------------- */

static mlp_tensor *emit(mlp_vjp *v, const mlp_row *row, mlp_tensor *a, mlp_tensor *b) {
  return mlp_emit(v, row, MLP_IN(a, b), MLP_NO_VALUES);
}

/* Sums away what broadcasting stretched. */
static void give(mlp_vjp *v, int i, mlp_tensor *grad) {
  mlp_give_grad(v, i, mlp_sum_like(v, grad, i));
}

static void add_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  if (mlp_wanted(v, 0)) give(v, 0, g);
  if (mlp_wanted(v, 1)) give(v, 1, g);
}

static void sub_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  if (mlp_wanted(v, 0)) give(v, 0, g);
  if (mlp_wanted(v, 1)) mlp_give_grad(v, 1, mlp_neg(v, mlp_sum_like(v, g, 1)));
}

static void mul_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  if (mlp_wanted(v, 0)) give(v, 0, mlp_mul(v, g, mlp_input(v, 1)));
  if (mlp_wanted(v, 1)) give(v, 1, mlp_mul(v, g, mlp_input(v, 0)));
}

/* d (a/b) / db = -(a/b) / b */
static void div_vjp(mlp_vjp *v) {
  mlp_tensor *b = mlp_input(v, 1), *da = mlp_div(v, mlp_grad_out(v, 0), b);
  give(v, 0, da);
  if (mlp_wanted(v, 1)) give(v, 1, mlp_neg(v, mlp_mul(v, da, mlp_div(v, mlp_input(v, 0), b))));
}

ROW(share_of_max, "1 where a > b, 0 where a < b, 1/2 where they are equal", "a", "b",
    MLP_NO_GRADIENT | MLP_INTERNAL, 0, infer_float, NULL, NULL)

static void either_vjp(mlp_vjp *v, int first, int second) {
  mlp_tensor *g = mlp_grad_out(v, 0), *a = mlp_input(v, first), *b = mlp_input(v, second);
  if (mlp_wanted(v, 0)) give(v, 0, mlp_mul(v, g, emit(v, &mlp_row_share_of_max, a, b)));
  if (mlp_wanted(v, 1)) give(v, 1, mlp_mul(v, g, emit(v, &mlp_row_share_of_max, b, a)));
}
static void maximum_vjp(mlp_vjp *v) { either_vjp(v, 0, 1); }
static void minimum_vjp(mlp_vjp *v) { either_vjp(v, 1, 0); }

/* The angle of (b, a): d/da = b / (a^2 + b^2), d/db = -a / (a^2 + b^2) */
static void atan2_vjp(mlp_vjp *v) {
  mlp_tensor *a = mlp_input(v, 0), *b = mlp_input(v, 1);
  mlp_tensor *square = mlp_add(v, mlp_mul(v, a, a), mlp_mul(v, b, b));
  mlp_tensor *g = mlp_div(v, mlp_grad_out(v, 0), square);
  if (mlp_wanted(v, 0)) give(v, 0, mlp_mul(v, g, b));
  if (mlp_wanted(v, 1)) give(v, 1, mlp_neg(v, mlp_mul(v, g, a)));
}

/* The partial derivatives of a^b, with the limits at a = 0 that a^0 = 1 and 0^b = 0 suggest. */
#define PARTIAL(NAME, DOC, VJP) ROW(NAME, DOC, "a", "b", MLP_INTERNAL, 3, infer_float, NULL, VJP)

PARTIAL(pow_aa, "d^2 a^b / da^2 = b (b - 1) a^(b - 2)", NULL)
PARTIAL(pow_ab, "d^2 a^b / da db = a^(b - 1) (1 + b log a)", NULL)
PARTIAL(pow_bb, "d^2 a^b / db^2 = a^b (log a)^2", NULL)

static void partials_vjp(mlp_vjp *v, const mlp_row *by_a, const mlp_row *by_b) {
  mlp_tensor *g = mlp_grad_out(v, 0), *a = mlp_input(v, 0), *b = mlp_input(v, 1);
  if (mlp_wanted(v, 0)) give(v, 0, mlp_mul(v, g, emit(v, by_a, a, b)));
  if (mlp_wanted(v, 1)) give(v, 1, mlp_mul(v, g, emit(v, by_b, a, b)));
}
static void pow_a_vjp(mlp_vjp *v) { partials_vjp(v, &mlp_row_pow_aa, &mlp_row_pow_ab); }
static void pow_b_vjp(mlp_vjp *v) { partials_vjp(v, &mlp_row_pow_ab, &mlp_row_pow_bb); }

ROW_WITH_RUN(pow_a, run_pow_a, "d a^b / da = b a^(b - 1), 0 for b = 0", "a", "b", MLP_INTERNAL, 3,
             infer_float, NULL, pow_a_vjp)
PARTIAL(pow_b, "d a^b / db = a^b log a, 0 for a = 0 and b >= 0", pow_b_vjp)

static void pow_vjp(mlp_vjp *v) { partials_vjp(v, &mlp_row_pow_a, &mlp_row_pow_b); }

extern const mlp_row mlp_row_floor_divide;

/* a % b = a - b floor(a / b) */
static void remainder_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  if (mlp_wanted(v, 0)) give(v, 0, g);
  if (!mlp_wanted(v, 1)) return;
  mlp_tensor *whole = emit(v, &mlp_row_floor_divide, mlp_input(v, 0), mlp_input(v, 1));
  give(v, 1, mlp_neg(v, mlp_mul(v, g, whole)));
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

#define ARITHMETIC(NAME, DOC, SAVED, INFER, CHECK, VJP) \
  ROW(NAME, DOC, "a", "b", MLP_IN_PLACE, SAVED, INFER, CHECK, VJP)

ARITHMETIC(add, "a + b", 0, infer_same, NULL, add_vjp)
ARITHMETIC(sub, "a - b", 0, infer_same, NULL, sub_vjp)
ARITHMETIC(mul, "a b, element by element", 3, infer_factors, NULL, mul_vjp)
ARITHMETIC(div, "a / b, for floats", 3, infer_float, NULL, div_vjp)
ROW_WITH_RUN(pow, run_pow, "a^b; whole numbers want b >= 0", "a", "b", MLP_IN_PLACE, 3, infer_same,
             check_exponent, pow_vjp)
ARITHMETIC(
    maximum,
    "the larger of a and b, NaN where either is; where they are equal both get half the gradient",
    3, infer_same, NULL, maximum_vjp)
ARITHMETIC(
    minimum,
    "the smaller of a and b, NaN where either is; where they are equal both get half the gradient",
    3, infer_same, NULL, minimum_vjp)
ROW(atan2, "the angle of the point (x, y) from the x axis, in radians, from -pi to pi", "y", "x",
    MLP_IN_PLACE, 3, infer_float, NULL, atan2_vjp)
ROW(floor_divide, "a // b as in Lua: the quotient rounded down", "a", "b",
    MLP_IN_PLACE | MLP_NO_GRADIENT, 0, infer_same, check_divisor, NULL)
ARITHMETIC(remainder, "a % b as in Lua: it takes the sign of b", 3, infer_same, check_divisor,
           remainder_vjp)

/* ---- comparisons and logic ------------------------------------------------------------------- */

#define COMPARISON(NAME, SIGN)                                                          \
  ROW(NAME, "1 where a " SIGN " b, else 0: a uint8 mask", "a", "b", MLP_NO_GRADIENT, 0, \
      infer_mask, NULL, NULL)
#define LOGICAL(NAME, WORDS) \
  ROW(NAME, WORDS, "a", "b", MLP_NO_GRADIENT | MLP_IN_PLACE, 0, infer_logical, NULL, NULL)

COMPARISON(lt, "<")
COMPARISON(le, "<=")
COMPARISON(gt, ">")
COMPARISON(ge, ">=")
COMPARISON(eq, "==")
COMPARISON(ne, "~=")
LOGICAL(logical_and, "1 where the masks a and b are both nonzero, else 0")
LOGICAL(logical_or, "1 where the mask a or b is nonzero, else 0")
LOGICAL(logical_xor, "1 where exactly one of the masks a and b is nonzero, else 0")
