#include "tensor/shape.h"

#include <stdio.h>
#include <string.h>

#define LARGEST_COUNT ((int64_t)1 << 48)

static const char *const dtype_names[MLP_DTYPES] = {"float32", "float64", "int64", "uint8"};
static const uint8_t dtype_bytes[MLP_DTYPES] = {4, 8, 8, 1};

const char *mlp_dtype_name(mlp_dtype dtype) { return dtype_names[dtype]; }
size_t mlp_dtype_bytes(mlp_dtype dtype) { return dtype_bytes[dtype]; }

int64_t mlp_shape_count(const mlp_shape *s) {
  int64_t count = 1;
  for (int i = 0; i < s->ndim; i++) count *= s->dim[i];
  return count;
}

bool mlp_shape_equal(const mlp_shape *a, const mlp_shape *b) {
  if (a->ndim != b->ndim) return false;
  for (int i = 0; i < a->ndim; i++) {
    if (a->dim[i] != b->dim[i]) return false;
  }
  return true;
}

mlp_status mlp_shape_check(const mlp_shape *s, const char *who, mlp_error *e) {
  int64_t count = 1;
  if (s->ndim > MLP_MAX_DIMS)
    return mlp_refuse(e, "%s: a tensor has at most %d axes, but %d are wanted", who, MLP_MAX_DIMS,
                      s->ndim);
  for (int i = 0; i < s->ndim; i++) {
    if (s->dim[i] < 0)
      return mlp_refuse(e, "%s: axis %d has length %lld, but lengths are 0 or more", who, i + 1,
                        (long long)s->dim[i]);
    if (s->dim[i] > 0 && count > LARGEST_COUNT / s->dim[i])
      return mlp_refuse(e, "%s: a tensor of more than 2^48 elements is wanted", who);
    if (s->dim[i] > 0) count *= s->dim[i];
  }
  return MLP_OK;
}

const char *mlp_shape_text(char *text, const mlp_shape *s) {
  int n = snprintf(text, MLP_SHAPE_TEXT, "(");
  for (int i = 0; i < s->ndim; i++) {
    n += snprintf(text + n, (size_t)(MLP_SHAPE_TEXT - n), i ? ", %lld" : "%lld",
                  (long long)s->dim[i]);
  }
  snprintf(text + n, (size_t)(MLP_SHAPE_TEXT - n), s->ndim == 1 ? ",)" : ")");
  return text;
}

void mlp_shape_strides(int64_t *stride, const mlp_shape *s) {
  int64_t step = 1;
  for (int i = s->ndim - 1; i >= 0; i--) {
    stride[i] = step;
    step *= s->dim[i] > 0 ? s->dim[i] : 1;
  }
}

mlp_status mlp_shape_broadcast(mlp_shape *out, const mlp_shape *a, const mlp_shape *b,
                               const char *who, mlp_error *e) {
  const mlp_shape *longer = a->ndim >= b->ndim ? a : b;
  const mlp_shape *shorter = longer == a ? b : a;
  int lead = longer->ndim - shorter->ndim;
  mlp_shape result = *longer;
  for (int i = 0; i < shorter->ndim; i++) {
    int64_t p = longer->dim[lead + i], q = shorter->dim[i];
    if (p != q && p != 1 && q != 1) {
      char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
      return mlp_refuse(e, "%s: shapes %s and %s do not broadcast: axis %d is %lld against %lld",
                        who, mlp_shape_text(ta, a), mlp_shape_text(tb, b), lead + i + 1,
                        (long long)(longer == a ? p : q), (long long)(longer == a ? q : p));
    }
    result.dim[lead + i] = p == 1 ? q : p;
  }
  *out = result;
  return MLP_OK;
}

mlp_status mlp_axis_resolve(int64_t *axis, int ndim, const char *who, mlp_error *e) {
  int64_t wanted = *axis < 0 ? *axis + ndim : *axis;
  if (wanted < 0 || wanted >= ndim)
    return mlp_refuse(e, "%s: axis %lld does not exist in a tensor of %d %s", who,
                      (long long)(*axis < 0 ? *axis : *axis + 1), ndim,
                      ndim == 1 ? "axis" : "axes");
  *axis = wanted;
  return MLP_OK;
}
