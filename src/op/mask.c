/*
** Rows that make a mask from each number by itself. Comparisons and the logic of two masks are in
** binary.c.
*/
#include "kernel/kernel.h"
#include "op/loop.h"

static void test_span(const mlp_span *s, const void *context) {
  mlp_test_kernel *const *kernel = context;
  (*kernel)(s->out, s->in[0], s->n);
}

static void run_test(mlp_call *c, mlp_test_id id) {
  mlp_loop(c, 0, test_span, &mlp_kernel()->mask.test[c->in[0]->dtype][id]);
}

static mlp_status infer_test(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, 0, e));
  return mlp_out(c, MLP_U8, &c->in[0]->shape, e);
}

static mlp_status infer_mask(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_dtype(c, 0, MLP_U8, e));
  return mlp_out_like(c, c->in[0], e);
}

#define ROW(NAME, ID, DOC, FLAGS, INFER)                                  \
  static void NAME##_run(mlp_call *c) { run_test(c, ID); }                \
  extern const mlp_row mlp_row_##NAME;                                    \
  const mlp_row mlp_row_##NAME = {                                        \
      .name = #NAME,                                                      \
      .doc = DOC,                                                         \
      .arg = {{MLP_ARG_TENSOR, "input", "any shape", NULL, NULL, false}}, \
      .flags = MLP_STRIDED | MLP_NO_GRADIENT | (FLAGS),                   \
      .n_out = 1,                                                         \
      .infer = INFER,                                                     \
      .run = NAME##_run,                                                  \
      .tiling = mlp_tiling_elementwise,                                   \
  };

ROW(isnan, MLP_ISNAN, "1 where x is not a number, else 0: a uint8 mask", 0, infer_test)
ROW(isinf, MLP_ISINF, "1 where x is infinite, else 0: a uint8 mask", 0, infer_test)
ROW(isfinite, MLP_ISFINITE, "1 where x is neither infinite nor NaN, else 0: a uint8 mask", 0,
    infer_test)
ROW(logical_not, MLP_IS_ZERO, "1 where the mask is 0, else 0", MLP_IN_PLACE, infer_mask)
