/*
** Rows that copy numbers without changing them: into fresh memory (contiguous, clone) or into a
** tensor that is there (copy_). Strides are walked by strided.h.
*/
#include "op/build.h"
#include "op/strided.h"

/* ---- contiguous, clone ----------------------------------------------------------------------- */

static mlp_status copy_infer(mlp_call *c, mlp_error *e) { return mlp_out_like(c, c->in[0], e); }

static void copy_run(mlp_call *c) { mlp_copy_packed(mlp_result(c, 0), c->in[0]); }

static void copy_vjp(mlp_vjp *v) { mlp_give_grad(v, 0, mlp_grad_out(v, 0)); }

static void copy_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  (void)c;
  out[0] = in[0];
}

const mlp_row mlp_row_contiguous = {
    .name = "contiguous",
    .doc = "The elements of x laid out in row-major order, in fresh memory.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false}},
    .flags = MLP_STRIDED,
    .n_out = 1,
    .infer = copy_infer,
    .run = copy_run,
    .vjp = copy_vjp,
    .tiling = copy_tiling,
};

const mlp_row mlp_row_clone = {
    .name = "clone",
    .doc = "A copy with its own memory; gradients flow through.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false}},
    .flags = MLP_STRIDED,
    .n_out = 1,
    .infer = copy_infer,
    .run = copy_run,
    .vjp = copy_vjp,
    .tiling = copy_tiling,
};

/* ---- copy_ ----------------------------------------------------------------------------------- */

static mlp_status write_infer(mlp_call *c, mlp_error *e) {
  const mlp_tensor *x = c->in[0], *source = c->in[1];
  mlp_shape both;
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_same_dtype(c, 0, 1, e));
  if (mlp_repeats_itself(x))
    return mlp_refuse(e,
                      "copy_: x is a stretched view, whose elements share memory; clone it "
                      "before writing");
  if (source->shape.ndim > x->shape.ndim ||
      mlp_shape_broadcast(&both, &x->shape, &source->shape, "copy_", e) != MLP_OK ||
      !mlp_shape_equal(&both, &x->shape))
    return mlp_refuse(e, "copy_: the value is %s, which does not stretch to %s",
                      mlp_shape_text(ta, &source->shape), mlp_shape_text(tb, &x->shape));
  return mlp_out_like(c, x, e);
}

static void write_run(mlp_call *c) {
  const mlp_tensor *x = c->out[0], *source = c->in[1];
  int64_t stride[MLP_MAX_DIMS];
  if (mlp_tensor_data(x) == mlp_tensor_data(source))
    return; /* the very same view: see the driver */
  mlp_stretched_strides(stride, source, &x->shape);
  mlp_copy_strided(mlp_tensor_data(x), x->stride, mlp_tensor_data(source), stride, &x->shape,
                   mlp_dtype_bytes(x->dtype));
}

static void write_vjp(mlp_vjp *v) { mlp_give_grad(v, 1, mlp_sum_like(v, mlp_grad_out(v, 0), 1)); }

static void write_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  mlp_tiling_elementwise(c, in, out);
}

const mlp_row mlp_row_copy_ = {
    .name = "copy_",
    .doc = "Writes the value, stretched to the shape of x, into x; x may be a view.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor that is written", NULL, NULL, false},
            {MLP_ARG_OPERAND, "value", "a tensor that broadcasts to x, or a number", NULL, NULL,
             false}},
    .flags = MLP_STRIDED,
    .n_out = 1,
    .writes = 1,
    .infer = write_infer,
    .run = write_run,
    .vjp = write_vjp,
    .tiling = write_tiling,
};
