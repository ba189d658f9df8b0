/*
** Rows that look at the same numbers in another way. infer does all the work: it describes shape,
** steps and offset of a view; run has nothing to do. Only reshape and flatten may have to copy,
** when no steps describe the wanted shape over a strided tensor: then infer asks for fresh memory
** and run fills it. A derivative is the movement back; no values are saved.
*/
#include <string.h>

#include "op/build.h"
#include "op/strided.h"

#define VIEW (MLP_VIEW | MLP_STRIDED)

extern const mlp_row mlp_row_transpose, mlp_row_permute;

static const mlp_shape *shape_in(const mlp_call *c) { return &c->in[0]->shape; }

static void look(mlp_call *c) { (void)c; }

/* `shift` elements after the first of in[0]. */
static mlp_status view(mlp_call *c, const mlp_shape *shape, const int64_t *stride, int64_t shift,
                       mlp_error *e) {
  return mlp_out_view(c, shape, stride, c->in[0]->offset + shift, e);
}

static void copy_unless_view(mlp_call *c) {
  if (c->spec[0].view_of < 0) mlp_copy_packed(mlp_result(c, 0), c->in[0]);
}

/* Every movement that keeps all elements in order is undone by a reshape. */
static void reshape_vjp(mlp_vjp *v) {
  mlp_give_grad(v, 0, mlp_reshape(v, mlp_grad_out(v, 0), &mlp_input(v, 0)->shape));
}

/* The batch axis moves to `axis`; -1: it is cut, so all rows are wanted at once. */
static void tile_to(const mlp_tile *in, mlp_tile *out, int axis) {
  out[0] = in[0];
  out[0].axis = axis;
  if (in[0].spread == MLP_ROWS && axis < 0) out[0] = (mlp_tile){.spread = MLP_WHOLE};
}

/* ---- reshape, flatten ------------------------------------------------------------------------ */

/* Replaces one -1 by what makes the counts agree. */
static mlp_status complete_shape(const mlp_call *c, mlp_shape *wanted, mlp_error *e) {
  int64_t known = 1, count = mlp_shape_count(shape_in(c));
  int free_axis = -1;
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  mlp_shape_text(tb, wanted);
  for (int i = 0; i < wanted->ndim; i++) {
    if (wanted->dim[i] == -1 && free_axis >= 0)
      return mlp_refuse(e, "reshape: the shape %s has more than one -1", tb);
    if (wanted->dim[i] == -1) free_axis = i, wanted->dim[i] = 1;
  }
  MLP_TRY(mlp_shape_check(wanted, "reshape", e));
  known = mlp_shape_count(wanted);
  if (free_axis >= 0 && known > 0 && count % known == 0) wanted->dim[free_axis] = count / known;
  if (free_axis >= 0 && known == 0)
    return mlp_refuse(e, "reshape: -1 in %s beside an axis of length 0 could be any length", tb);
  if (mlp_shape_count(wanted) == count) return MLP_OK;
  return mlp_refuse(e, "reshape: %s has %lld elements, which do not fill the shape %s",
                    mlp_shape_text(ta, shape_in(c)), (long long)count, tb);
}

/* A run of axes, `from` .. `to` - 1, none of length 1, steps evenly when each step is the one
** inside it times its length. */
static bool steps_evenly(const int64_t *dim, const int64_t *stride, int from, int to) {
  for (int i = from; i + 1 < to; i++) {
    if (stride[i] != dim[i + 1] * stride[i + 1]) return false;
  }
  return true;
}

/*
** Finds steps by which t is read as `shape` (same count). Both shapes are cut, from the left, into
** the shortest groups of axes with equal products; a group is regrouped only where it steps evenly.
*/
static bool regrouped_strides(int64_t *stride, const mlp_tensor *t, const mlp_shape *shape) {
  int64_t dim[MLP_MAX_DIMS], step[MLP_MAX_DIMS];
  int n = 0, to = 0, i = 0;
  mlp_shape_strides(stride, shape);
  if (mlp_shape_count(shape) == 0 || mlp_tensor_contiguous(t)) return true;
  for (int a = 0; a < t->shape.ndim; a++) {
    if (t->shape.dim[a] != 1) dim[n] = t->shape.dim[a], step[n++] = t->stride[a];
  }
  for (int from = 0; from < n; from = to) {
    int first = i;
    int64_t have = dim[from], want = shape->dim[i++];
    to = from + 1;
    while (have != want) {
      if (have < want)
        have *= dim[to++];
      else
        want *= shape->dim[i++];
    }
    if (!steps_evenly(dim, step, from, to)) return false;
    int64_t inner = step[to - 1];
    for (int k = i - 1; k >= first; k--) stride[k] = inner, inner *= shape->dim[k];
  }
  return true;
}

static mlp_status reshape_to(mlp_call *c, const mlp_shape *shape, mlp_error *e) {
  int64_t stride[MLP_MAX_DIMS];
  if (regrouped_strides(stride, c->in[0], shape)) return view(c, shape, stride, 0, e);
  return mlp_out(c, c->in[0]->dtype, shape, e);
}

static mlp_status reshape_infer(mlp_call *c, mlp_error *e) {
  mlp_shape wanted = {.ndim = c->value[0].list.n};
  memcpy(wanted.dim, c->value[0].list.item, sizeof wanted.dim);
  MLP_TRY(complete_shape(c, &wanted, e));
  return reshape_to(c, &wanted, e);
}

/* The batch survives where some axis of the new shape starts after as many outer elements as
** before and is a whole multiple of the batch. */
static void reshape_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  const mlp_shape *from = shape_in(c), *to = &c->spec[0].shape;
  int64_t outer = 1, before = 1;
  tile_to(in, out, in[0].axis);
  if (in[0].spread != MLP_ROWS) return;
  for (int i = 0; i < in[0].axis; i++) outer *= from->dim[i];
  int64_t batch = from->dim[in[0].axis] / in[0].multiple;
  for (int i = 0; i < to->ndim && batch > 0; before *= to->dim[i++]) {
    if (before != outer || to->dim[i] % batch != 0 || (to->dim[i] == 1 && batch != 1)) continue;
    out[0].axis = i;
    out[0].multiple = to->dim[i] / batch;
    return;
  }
  tile_to(in, out, -1);
}

const mlp_row mlp_row_reshape = {
    .name = "reshape",
    .doc =
        "The same elements in row-major order under another shape.\n"
        "A view where the steps of x allow it, otherwise a copy.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false},
            {MLP_ARG_SHAPE, "shape", "the lengths; one may be -1 and follows from the others", NULL,
             NULL, false}},
    .flags = VIEW,
    .n_out = 1,
    .infer = reshape_infer,
    .run = copy_unless_view,
    .vjp = reshape_vjp,
    .tiling = reshape_tiling,
};

static mlp_status flatten_infer(mlp_call *c, mlp_error *e) {
  const mlp_shape *x = shape_in(c);
  mlp_shape flat = {.ndim = 1, .dim = {1}};
  if (x->ndim == 0) return reshape_to(c, &flat, e);
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  MLP_TRY(mlp_call_axis(c, 1, 0, e));
  int64_t first = c->value[0].integer, last = c->value[1].integer;
  if (first > last)
    return mlp_refuse(e, "flatten: the first axis is %lld but the last is %lld",
                      (long long)first + 1, (long long)last + 1);
  flat.ndim = 0;
  for (int i = 0; i < x->ndim; i++) {
    if (i <= first || i > last)
      flat.dim[flat.ndim++] = x->dim[i];
    else
      flat.dim[first] *= x->dim[i];
  }
  return reshape_to(c, &flat, e);
}

const mlp_row mlp_row_flatten = {
    .name = "flatten",
    .doc = "Axes first to last merged into one. A view where the steps of x allow it.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false},
            {MLP_ARG_AXIS, "first", "first axis to merge", "1", NULL, false},
            {MLP_ARG_AXIS, "last", "last axis to merge", "-1", NULL, false}},
    .flags = VIEW,
    .n_out = 1,
    .infer = flatten_infer,
    .run = copy_unless_view,
    .vjp = reshape_vjp,
    .tiling = reshape_tiling,
};

/* ---- squeeze, unsqueeze ---------------------------------------------------------------------- */

/* Which axes go: those named, which must have length 1, or without names all that have it. */
static mlp_status squeezed_axes(const mlp_call *c, bool *gone, mlp_error *e) {
  const mlp_shape *x = shape_in(c);
  const mlp_value *v = &c->value[0];
  char text[MLP_SHAPE_TEXT];
  for (int i = 0; i < x->ndim; i++) gone[i] = v->list.n < 0 && x->dim[i] == 1;
  for (int i = 0; i < v->list.n; i++) {
    int64_t a = v->list.item[i];
    MLP_TRY(mlp_axis_resolve(&a, x->ndim, "squeeze", e));
    if (x->dim[a] != 1)
      return mlp_refuse(e, "squeeze: axis %lld of %s has length %lld, but only length 1 goes away",
                        (long long)a + 1, mlp_shape_text(text, x), (long long)x->dim[a]);
    gone[a] = true;
  }
  return MLP_OK;
}

static mlp_status squeeze_infer(mlp_call *c, mlp_error *e) {
  const mlp_shape *x = shape_in(c);
  bool gone[MLP_MAX_DIMS];
  int64_t stride[MLP_MAX_DIMS];
  mlp_shape shape = {0};
  MLP_TRY(squeezed_axes(c, gone, e));
  for (int i = 0; i < x->ndim; i++) {
    if (gone[i]) continue;
    stride[shape.ndim] = c->in[0]->stride[i];
    shape.dim[shape.ndim++] = x->dim[i];
  }
  return view(c, &shape, stride, 0, e);
}

const mlp_row mlp_row_squeeze = {
    .name = "squeeze",
    .doc =
        "Axes of length 1 taken away: those named, or all of them. A view.\n"
        "Naming an axis of another length is an error.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false},
            {MLP_ARG_AXES, "axis", "an axis or a list of axes", "nil", NULL, false}},
    .flags = VIEW,
    .n_out = 1,
    .infer = squeeze_infer,
    .run = look,
    .vjp = reshape_vjp,
    .tiling = reshape_tiling,
};

static mlp_status unsqueeze_infer(mlp_call *c, mlp_error *e) {
  const mlp_tensor *x = c->in[0];
  mlp_shape shape = {.ndim = x->shape.ndim + 1};
  int64_t stride[MLP_MAX_DIMS + 1];
  if (shape.ndim > MLP_MAX_DIMS)
    return mlp_refuse(e, "unsqueeze: a tensor has at most %d axes", MLP_MAX_DIMS);
  MLP_TRY(mlp_axis_resolve(&c->value[0].integer, shape.ndim, "unsqueeze", e));
  int64_t axis = c->value[0].integer;
  for (int i = 0; i < shape.ndim; i++) {
    int from = i < axis ? i : i - 1;
    shape.dim[i] = i == axis ? 1 : x->shape.dim[from];
    stride[i] = i == axis ? 1 : x->stride[from];
  }
  return view(c, &shape, stride, 0, e);
}

static void unsqueeze_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  tile_to(in, out, in[0].axis + (in[0].axis >= c->value[0].integer));
}

const mlp_row mlp_row_unsqueeze = {
    .name = "unsqueeze",
    .doc = "A new axis of length 1 at place `axis` of the result. A view.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false},
            {MLP_ARG_AXIS, "axis", "where the new axis stands in the result", NULL, NULL, false}},
    .flags = VIEW,
    .n_out = 1,
    .infer = unsqueeze_infer,
    .run = look,
    .vjp = reshape_vjp,
    .tiling = unsqueeze_tiling,
};

/* ---- transpose, t, permute ------------------------------------------------------------------- */

/* Axis i of the result is axis order[i] of x. */
static mlp_status reordered(mlp_call *c, const int *order, mlp_error *e) {
  const mlp_tensor *x = c->in[0];
  mlp_shape shape = {.ndim = x->shape.ndim};
  int64_t stride[MLP_MAX_DIMS];
  for (int i = 0; i < shape.ndim; i++) {
    shape.dim[i] = x->shape.dim[order[i]];
    stride[i] = x->stride[order[i]];
  }
  return view(c, &shape, stride, 0, e);
}

static void exchange(int *order, int ndim, int64_t a, int64_t b) {
  for (int i = 0; i < ndim; i++) order[i] = i == a ? (int)b : i == b ? (int)a : i;
}

static mlp_status transpose_infer(mlp_call *c, mlp_error *e) {
  int order[MLP_MAX_DIMS];
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  MLP_TRY(mlp_call_axis(c, 1, 0, e));
  exchange(order, shape_in(c)->ndim, c->value[0].integer, c->value[1].integer);
  return reordered(c, order, e);
}

static void transpose_vjp(mlp_vjp *v) {
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_transpose, MLP_IN(mlp_grad_out(v, 0)),
                         MLP_VALUES(*mlp_value_of(v, 0), *mlp_value_of(v, 1))));
}

static void transpose_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  int order[MLP_MAX_DIMS];
  exchange(order, MLP_MAX_DIMS, c->value[0].integer, c->value[1].integer);
  tile_to(in, out, order[in[0].axis]);
}

const mlp_row mlp_row_transpose = {
    .name = "transpose",
    .doc = "Two axes exchanged. A view.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false},
            {MLP_ARG_AXIS, "a", "one axis", NULL, NULL, false},
            {MLP_ARG_AXIS, "b", "the other axis", NULL, NULL, false}},
    .flags = VIEW,
    .n_out = 1,
    .infer = transpose_infer,
    .run = look,
    .vjp = transpose_vjp,
    .tiling = transpose_tiling,
};

static mlp_status t_infer(mlp_call *c, mlp_error *e) {
  static const int order[] = {1, 0};
  MLP_TRY(mlp_want_ndim(c, 0, 2, 2, e));
  return reordered(c, order, e);
}

static void t_vjp(mlp_vjp *v) { mlp_give_grad(v, 0, mlp_swap(v, mlp_grad_out(v, 0))); }

static void t_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  (void)c;
  tile_to(in, out, 1 - in[0].axis);
}

const mlp_row mlp_row_t = {
    .name = "t",
    .doc = "The transpose of a matrix. A view.",
    .arg = {{MLP_ARG_TENSOR, "x", "a matrix", NULL, NULL, false}},
    .flags = VIEW,
    .n_out = 1,
    .infer = t_infer,
    .run = look,
    .vjp = t_vjp,
    .tiling = t_tiling,
};

static mlp_status permute_infer(mlp_call *c, mlp_error *e) {
  int ndim = shape_in(c)->ndim, order[MLP_MAX_DIMS];
  bool seen[MLP_MAX_DIMS] = {false};
  mlp_value *v = &c->value[0];
  if (v->list.n != ndim)
    return mlp_refuse(e, "permute: %d axes are named but the tensor has %d",
                      v->list.n < 0 ? 0 : v->list.n, ndim);
  for (int i = 0; i < ndim; i++) {
    MLP_TRY(mlp_axis_resolve(&v->list.item[i], ndim, "permute", e));
    order[i] = (int)v->list.item[i];
    if (seen[order[i]]) return mlp_refuse(e, "permute: axis %d is named twice", order[i] + 1);
    seen[order[i]] = true;
  }
  return reordered(c, order, e);
}

static void permute_vjp(mlp_vjp *v) {
  const mlp_value *order = mlp_value_of(v, 0);
  mlp_value back = {.list = {.n = order->list.n}};
  for (int i = 0; i < order->list.n; i++) back.list.item[order->list.item[i]] = i;
  mlp_give_grad(v, 0, mlp_emit(v, &mlp_row_permute, MLP_IN(mlp_grad_out(v, 0)), MLP_VALUES(back)));
}

static void permute_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  const mlp_value *order = &c->value[0];
  int axis = 0;
  while (axis + 1 < order->list.n && order->list.item[axis] != in[0].axis) axis++;
  tile_to(in, out, axis);
}

const mlp_row mlp_row_permute = {
    .name = "permute",
    .doc = "The axes in another order: axis i of the result is axis axes[i] of x. A view.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false},
            {MLP_ARG_AXES, "axes", "every axis of x once", NULL, NULL, false}},
    .flags = VIEW,
    .n_out = 1,
    .infer = permute_infer,
    .run = look,
    .vjp = permute_vjp,
    .tiling = permute_tiling,
};

/* ---- expand ---------------------------------------------------------------------------------- */

static mlp_status expanded_shape(const mlp_call *c, mlp_shape *shape, mlp_error *e) {
  const mlp_shape *x = shape_in(c);
  int lead = shape->ndim - x->ndim;
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  mlp_shape_text(ta, x), mlp_shape_text(tb, shape);
  if (lead < 0) return mlp_refuse(e, "expand: %s has more axes than the shape %s", ta, tb);
  for (int i = 0; i < shape->ndim; i++) {
    int64_t have = i < lead ? 1 : x->dim[i - lead], *want = &shape->dim[i];
    if (*want == -1 && i < lead)
      return mlp_refuse(e, "expand: axis %d of %s is new, so -1 gives it no length", i + 1, tb);
    if (*want == -1) *want = have;
    if (have != 1 && have != *want)
      return mlp_refuse(e,
                        "expand: %s does not stretch to %s: axis %d has length %lld, and only "
                        "length 1 stretches",
                        ta, tb, i - lead + 1, (long long)have);
  }
  return MLP_OK;
}

static mlp_status expand_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = {.ndim = c->value[0].list.n};
  int64_t stride[MLP_MAX_DIMS];
  memcpy(shape.dim, c->value[0].list.item, sizeof shape.dim);
  MLP_TRY(expanded_shape(c, &shape, e));
  mlp_stretched_strides(stride, c->in[0], &shape);
  return view(c, &shape, stride, 0, e);
}

static void expand_vjp(mlp_vjp *v) { mlp_give_grad(v, 0, mlp_sum_like(v, mlp_grad_out(v, 0), 0)); }

/* A batch of one row that stretches is no longer a batch. */
static void expand_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  const mlp_shape *x = shape_in(c), *y = &c->spec[0].shape;
  int axis = in[0].axis + y->ndim - x->ndim;
  bool cut = in[0].spread == MLP_ROWS && y->dim[axis] != x->dim[in[0].axis];
  tile_to(in, out, cut ? -1 : axis);
}

const mlp_row mlp_row_expand = {
    .name = "expand",
    .doc =
        "Axes of length 1 stretched, new axes put in front, without copying. A view that cannot "
        "be written.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false},
            {MLP_ARG_SHAPE, "shape", "the lengths; -1 keeps the length of x", NULL, NULL, false}},
    .flags = VIEW,
    .n_out = 1,
    .infer = expand_infer,
    .run = look,
    .vjp = expand_vjp,
    .tiling = expand_tiling,
};
