#include "tensor/tensor.h"

#include <string.h>

static mlp_storage *storage_new(mlp_context *x, size_t bytes) {
  mlp_storage *s = mlp_take(&x->memory, sizeof *s);
  if (!s) return NULL;
  *s = (mlp_storage){.refs = 1, .id = x->next_storage++, .bytes = bytes};
  s->data = mlp_take(&x->memory, bytes);
  if (s->data) return s;
  mlp_give(&x->memory, s, sizeof *s);
  return NULL;
}

static void storage_drop(mlp_context *x, mlp_storage *s) {
  if (!s || --s->refs > 0) return;
  if (s->lender)
    storage_drop(x, s->lender);
  else
    mlp_give(&x->memory, s->data, s->bytes);
  mlp_give(&x->memory, s, sizeof *s);
}

static mlp_tensor *tensor_blank(mlp_context *x) {
  mlp_tensor *t = mlp_take(&x->memory, sizeof *t);
  if (!t) return NULL;
  x->live_tensors++;
  t->refs = 1;
  t->context = x;
  t->storage = NULL;
  t->storage_id = 0;
  t->offset = 0;
  t->requires_grad = false;
  t->is_view = false;
  t->node_output = 0;
  t->node = NULL;
  t->history_version = 0;
  t->grad = NULL;
  t->pending = NULL;
  t->next_pending = NULL;
  return t;
}

mlp_tensor *mlp_tensor_new(mlp_context *x, mlp_dtype dtype, const mlp_shape *shape) {
  mlp_tensor *t = tensor_blank(x);
  if (!t) return NULL;
  t->dtype = dtype;
  t->shape = *shape;
  mlp_shape_strides(t->stride, shape);
  t->storage = storage_new(x, (size_t)mlp_shape_count(shape) * mlp_dtype_bytes(dtype));
  if (t->storage) return t;
  mlp_tensor_drop(t);
  return NULL;
}

mlp_tensor *mlp_tensor_alias(const mlp_tensor *t) {
  mlp_tensor *alias = tensor_blank(t->context);
  if (!alias) return NULL;
  alias->dtype = t->dtype;
  alias->shape = t->shape;
  memcpy(alias->stride, t->stride, sizeof alias->stride);
  alias->offset = t->offset;
  alias->storage = t->storage;
  alias->storage_id = t->storage_id;
  if (alias->storage) alias->storage->refs++;
  return alias;
}

mlp_tensor *mlp_tensor_borrow(const mlp_tensor *t) {
  mlp_context *x = t->context;
  mlp_tensor *alias = mlp_tensor_alias(t);
  mlp_storage *s = alias ? mlp_take(&x->memory, sizeof *s) : NULL;
  if (!s) {
    mlp_tensor_drop(alias);
    return NULL;
  }
  *s = *t->storage;
  s->refs = 1;
  s->id = x->next_storage++;
  s->lender = alias->storage; /* the alias's own reference */
  alias->storage = s;
  return alias;
}

void mlp_tensor_forget_values(mlp_tensor *t) {
  t->storage_id = mlp_tensor_storage_id(t);
  storage_drop(t->context, t->storage);
  t->storage = NULL;
}

void mlp_tensor_drop(mlp_tensor *t) {
  if (!t || --t->refs > 0) return;
  mlp_context *x = t->context;
  struct mlp_node *node = t->node;
  mlp_tensor_drop(t->grad); /* a gradient has no gradient: one level */
  storage_drop(x, t->storage);
  mlp_give(&x->memory, t, sizeof *t);
  x->live_tensors--;
  if (node) x->drop_node(x, node);
}

bool mlp_tensor_contiguous(const mlp_tensor *t) {
  int64_t step = 1;
  for (int i = t->shape.ndim - 1; i >= 0; i--) {
    if (t->shape.dim[i] == 0) return true;
    if (t->shape.dim[i] != 1 && t->stride[i] != step) return false;
    step *= t->shape.dim[i];
  }
  return true;
}
