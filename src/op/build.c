/*
** The builders of build.h: each runs a row through the driver and keeps the result until the
** derivative is done.
*/
#include "op/build.h"

#include <string.h>

extern const mlp_row mlp_row_add, mlp_row_sub, mlp_row_mul, mlp_row_div, mlp_row_neg;
extern const mlp_row mlp_row_matmul, mlp_row_sum, mlp_row_transpose, mlp_row_reshape,
    mlp_row_expand;

static mlp_context *context_of(const mlp_vjp *v) { return v->call->context; }

/* Keeps a counted reference until the derivative is done; drops it when it cannot be kept. */
static mlp_tensor *lend(mlp_vjp *v, mlp_tensor *t) {
  mlp_memory *m = &context_of(v)->memory;
  if (!t) return NULL;
  if (v->n_lent == v->lent_capacity) {
    int capacity = v->lent_capacity ? 2 * v->lent_capacity : 16;
    mlp_tensor **longer = mlp_take(m, (size_t)capacity * sizeof *longer);
    if (!longer) {
      v->status = mlp_no_memory(v->error, (size_t)capacity * sizeof *longer);
      mlp_tensor_drop(t);
      return NULL;
    }
    if (v->n_lent) memcpy(longer, v->lent, (size_t)v->n_lent * sizeof *longer);
    mlp_give(m, v->lent, (size_t)v->lent_capacity * sizeof *longer);
    v->lent = longer;
    v->lent_capacity = capacity;
  }
  return v->lent[v->n_lent++] = t;
}

mlp_tensor *mlp_output(mlp_vjp *v, int i) {
  return v->status == MLP_OK ? lend(v, v->output(v, i)) : NULL;
}

void mlp_give_grad(mlp_vjp *v, int i, mlp_tensor *grad) {
  if (!grad || !v->wanted[i] || v->status != MLP_OK) return;
  mlp_tensor *total = mlp_add(v, v->grad_in[i], grad);
  if (!total) return;
  mlp_tensor_share(total);
  mlp_tensor_drop(v->grad_in[i]);
  v->grad_in[i] = total;
}

bool mlp_emit_all(mlp_vjp *v, const mlp_row *row, int n_in, mlp_tensor *const *in, int n_values,
                  const mlp_value *values, mlp_tensor **out) {
  if (v->status != MLP_OK || (n_in > 0 && !in[0])) return false;
  mlp_call c;
  mlp_call_init(&c, context_of(v), row, n_in, (mlp_tensor **)in);
  if (n_values) memcpy(c.value, values, (size_t)n_values * sizeof *values);
  v->status = v->apply(&c, v->error);
  if (v->status != MLP_OK) return false;
  bool kept = true;
  for (int i = 0; i < row->n_out; i++) {
    out[i] = lend(v, c.out[i]);
    kept = kept && out[i];
  }
  return kept;
}

mlp_tensor *mlp_emit(mlp_vjp *v, const mlp_row *row, int n_in, mlp_tensor *const *in, int n_values,
                     const mlp_value *values) {
  mlp_tensor *out[MLP_MAX_OUTPUTS];
  return mlp_emit_all(v, row, n_in, in, n_values, values, out) ? out[0] : NULL;
}

/* ---- constants ------------------------------------------------------------------------------- */

mlp_tensor *mlp_scalar(mlp_vjp *v, const mlp_tensor *like, double number) {
  if (v->status != MLP_OK || !like) return NULL;
  mlp_shape none = {0};
  mlp_tensor *t = mlp_tensor_new(context_of(v), like->dtype, &none);
  if (!t) {
    v->status = mlp_no_memory(v->error, mlp_dtype_bytes(like->dtype));
    return NULL;
  }
  if (like->dtype == MLP_F32) *(float *)mlp_tensor_data(t) = (float)number;
  if (like->dtype == MLP_F64) *(double *)mlp_tensor_data(t) = number;
  if (like->dtype == MLP_I64) *(int64_t *)mlp_tensor_data(t) = (int64_t)number;
  if (like->dtype == MLP_U8) *(uint8_t *)mlp_tensor_data(t) = (uint8_t)number;
  return lend(v, t);
}

mlp_tensor *mlp_full_like(mlp_vjp *v, const mlp_tensor *like, double number) {
  return like ? mlp_expand(v, mlp_scalar(v, like, number), &like->shape) : NULL;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static mlp_tensor *binary(mlp_vjp *v, const mlp_row *row, mlp_tensor *a, mlp_tensor *b) {
  return a && b ? mlp_emit(v, row, MLP_IN(a, b), MLP_NO_VALUES) : NULL;
}

mlp_tensor *mlp_add(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b) {
  if (!a || !b) return a ? a : b;
  return binary(v, &mlp_row_add, a, b);
}

mlp_tensor *mlp_sub(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b) {
  return binary(v, &mlp_row_sub, a, b);
}

mlp_tensor *mlp_mul(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b) {
  return binary(v, &mlp_row_mul, a, b);
}

mlp_tensor *mlp_div(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b) {
  return binary(v, &mlp_row_div, a, b);
}

mlp_tensor *mlp_matmul(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b) {
  return binary(v, &mlp_row_matmul, a, b);
}

mlp_tensor *mlp_neg(mlp_vjp *v, mlp_tensor *a) {
  return mlp_emit(v, &mlp_row_neg, MLP_IN(a), MLP_NO_VALUES);
}

mlp_tensor *mlp_scale(mlp_vjp *v, mlp_tensor *a, double factor) {
  return a ? mlp_mul(v, a, mlp_scalar(v, a, factor)) : NULL;
}

/* ---- shapes ---------------------------------------------------------------------------------- */

mlp_tensor *mlp_swap(mlp_vjp *v, mlp_tensor *a) {
  return mlp_emit(v, &mlp_row_transpose, MLP_IN(a), MLP_VALUES({.integer = -2}, {.integer = -1}));
}

mlp_tensor *mlp_sum(mlp_vjp *v, mlp_tensor *a, int axis, bool keepdim) {
  return mlp_emit(v, &mlp_row_sum, MLP_IN(a),
                  MLP_VALUES({.list = {1, {axis}}}, {.integer = keepdim}));
}

static mlp_value shape_value(const mlp_shape *shape) {
  mlp_value value = {.list = {.n = shape->ndim}};
  memcpy(value.list.item, shape->dim, sizeof shape->dim);
  return value;
}

mlp_tensor *mlp_reshape(mlp_vjp *v, mlp_tensor *a, const mlp_shape *shape) {
  if (!a || mlp_shape_equal(&a->shape, shape)) return a;
  return mlp_emit(v, &mlp_row_reshape, MLP_IN(a), MLP_VALUES(shape_value(shape)));
}

mlp_tensor *mlp_expand(mlp_vjp *v, mlp_tensor *a, const mlp_shape *shape) {
  if (!a || mlp_shape_equal(&a->shape, shape)) return a;
  return mlp_emit(v, &mlp_row_expand, MLP_IN(a), MLP_VALUES(shape_value(shape)));
}

mlp_tensor *mlp_with_axis(mlp_vjp *v, mlp_tensor *a, int from_end) {
  if (!a) return NULL;
  mlp_shape s = a->shape;
  for (int i = s.ndim; i > s.ndim - from_end; i--) s.dim[i] = s.dim[i - 1];
  s.dim[s.ndim - from_end] = 1;
  s.ndim++;
  return mlp_reshape(v, a, &s);
}

/* The axes that broadcasting added or stretched are summed away; what is left is reshaped. */
mlp_tensor *mlp_sum_to(mlp_vjp *v, mlp_tensor *a, const mlp_shape *shape) {
  if (!a || mlp_shape_equal(&a->shape, shape)) return a;
  mlp_value axes = {.list = {.n = 0}};
  int lead = a->shape.ndim - shape->ndim;
  for (int i = 0; i < a->shape.ndim; i++) {
    if (i < lead || (shape->dim[i - lead] == 1 && a->shape.dim[i] != 1))
      axes.list.item[axes.list.n++] = i;
  }
  mlp_value values[] = {axes, {.integer = 0}};
  return mlp_reshape(v, mlp_emit(v, &mlp_row_sum, MLP_IN(a), 2, values), shape);
}

mlp_tensor *mlp_sum_like(mlp_vjp *v, mlp_tensor *a, int i) {
  return mlp_sum_to(v, a, &v->call->in[i]->shape);
}
