/*
** Rows about parts of a tensor: views of a part (slice, select, diagonal), the way back from a part
** into zeros (slice_back, diagonal_back: the derivatives), putting parts together (cat, stack), and
** parts that change places (flip, roll). Every derivative is another row of this file.
**
** Bounds stay in the values as the user wrote them, from 1 and inclusive, because only then an
** empty slice (last = first - 1) and a count from the end (-1) cannot be mistaken for each other.
*/
#include <string.h>

#include "op/build.h"
#include "op/strided.h"

extern const mlp_row mlp_row_slice, mlp_row_slice_back, mlp_row_diagonal, mlp_row_diagonal_back;
extern const mlp_row mlp_row_select, mlp_row_unsqueeze, mlp_row_flip, mlp_row_roll;

static void look(mlp_call *c) { (void)c; }

static size_t element_bytes(const mlp_call *c) { return mlp_dtype_bytes(c->spec[0].dtype); }

/* `shift` elements after the first of the only result. */
static void *result_at(const mlp_call *c, int64_t shift) {
  return (char *)mlp_result(c, 0) + shift * (int64_t)element_bytes(c);
}

static const void *input_at(const mlp_call *c, int i, int64_t shift) {
  return (const char *)mlp_in(c, i) + shift * (int64_t)element_bytes(c);
}

static void clear_result(mlp_call *c) {
  memset(mlp_result(c, 0), 0, (size_t)mlp_tensor_count(c->out[0]) * element_bytes(c));
}

static const mlp_tile whole = {.spread = MLP_WHOLE};

/* Rows stay rows unless the movement runs along the batch axis. */
static void tile_across(const mlp_tile *in, mlp_tile *out, int64_t moved_axis) {
  out[0] = in[0].spread == MLP_ROWS && in[0].axis == moved_axis ? whole : in[0];
}

/* ---- slice ----------------------------------------------------------------------------------- */

typedef struct {
  int64_t first, step, count; /* first counts from 0 */
} run_of;

static mlp_status bad_bound(const char *what, int64_t value, int64_t length, mlp_error *e) {
  if (value == 0) return mlp_refuse(e, "slice: %s is 0, but positions count from 1", what);
  return mlp_refuse(e, "slice: %s is %lld, but the axis has length %lld", what, (long long)value,
                    (long long)length);
}

/* value[k ..] holds first, last, step. */
static mlp_status read_bounds(const mlp_value *value, int64_t length, run_of *r, mlp_error *e) {
  int64_t first = value[0].integer, last = value[1].integer, step = value[2].integer;
  int64_t from = first > 0 ? first - 1 : first + length;
  int64_t to = last >= 0 ? last - 1 : last + length;
  if (step < 1)
    return mlp_refuse(e, "slice: step is %lld, but at least 1 is wanted (flip reverses)",
                      (long long)step);
  if (first == 0 || from < 0 || from > length) return bad_bound("first", first, length, e);
  if (to < -1 || to >= length || (last == 0 && from > 0)) return bad_bound("last", last, length, e);
  if (from > to + 1)
    return mlp_refuse(e,
                      "slice: first is %lld but last is %lld; an empty slice has last = first - 1",
                      (long long)first, (long long)last);
  if (step > length) step = length > 0 ? length : 1; /* the same places, within numbers */
  *r = (run_of){from, step, (to - from + step) / step};
  return MLP_OK;
}

static mlp_status slice_infer(mlp_call *c, mlp_error *e) {
  const mlp_tensor *x = c->in[0];
  mlp_shape shape = x->shape;
  int64_t stride[MLP_MAX_DIMS];
  run_of r;
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  int64_t axis = c->value[0].integer;
  MLP_TRY(read_bounds(&c->value[1], shape.dim[axis], &r, e));
  memcpy(stride, x->stride, sizeof stride);
  shape.dim[axis] = r.count;
  stride[axis] *= r.step;
  int64_t shift = r.count > 0 ? r.first * x->stride[axis] : 0;
  return mlp_out_view(c, &shape, stride, x->offset + shift, e);
}

static void slice_vjp(mlp_vjp *v) {
  int64_t axis = mlp_value_of(v, 0)->integer;
  mlp_value length = {.integer = mlp_input(v, 0)->shape.dim[axis]};
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_slice_back, MLP_IN(mlp_grad_out(v, 0)),
                         MLP_VALUES(*mlp_value_of(v, 0), *mlp_value_of(v, 1), *mlp_value_of(v, 2),
                                    *mlp_value_of(v, 3), length)));
}

static void slice_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  tile_across(in, out, c->value[0].integer);
}

#define ARG_AXIS \
  { MLP_ARG_AXIS, "axis", "the axis that is cut", NULL, NULL, false }
#define ARG_FIRST \
  { MLP_ARG_INTEGER, "first", "first position, from 1, or from -1 at the end", "1", NULL, false }
#define ARG_LAST \
  { MLP_ARG_INTEGER, "last", "last position, included; first - 1 for nothing", "-1", NULL, false }
#define ARG_STEP \
  { MLP_ARG_INTEGER, "step", "every step-th position, at least 1", "1", NULL, false }

const mlp_row mlp_row_slice = {
    .name = "slice",
    .doc = "Positions first to last of an axis. A view.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false},
            ARG_AXIS,
            ARG_FIRST,
            ARG_LAST,
            ARG_STEP},
    .flags = MLP_VIEW | MLP_STRIDED,
    .n_out = 1,
    .infer = slice_infer,
    .run = look,
    .vjp = slice_vjp,
    .tiling = slice_tiling,
};

static mlp_status slice_back_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = c->in[0]->shape;
  run_of r;
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  MLP_TRY(read_bounds(&c->value[1], c->value[4].integer, &r, e));
  shape.dim[c->value[0].integer] = c->value[4].integer;
  return mlp_out(c, c->in[0]->dtype, &shape, e);
}

static void slice_back_run(mlp_call *c) {
  const mlp_tensor *g = c->in[0];
  int64_t stride[MLP_MAX_DIMS], axis = c->value[0].integer;
  mlp_error unused;
  run_of r;
  clear_result(c);
  read_bounds(&c->value[1], c->value[4].integer, &r, &unused);
  mlp_shape_strides(stride, &c->spec[0].shape);
  int64_t shift = r.first * stride[axis];
  stride[axis] *= r.step;
  mlp_copy_strided(result_at(c, shift), stride, mlp_tensor_data(g), g->stride, &g->shape,
                   element_bytes(c));
}

static void slice_back_vjp(mlp_vjp *v) {
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_slice, MLP_IN(mlp_grad_out(v, 0)),
                         MLP_VALUES(*mlp_value_of(v, 0), *mlp_value_of(v, 1), *mlp_value_of(v, 2),
                                    *mlp_value_of(v, 3))));
}

const mlp_row mlp_row_slice_back = {
    .name = "slice_back",
    .doc = "Zeros with x written into positions first to last of an axis.",
    .arg = {{MLP_ARG_TENSOR, "x", "what slice gave", NULL, NULL, false},
            ARG_AXIS,
            ARG_FIRST,
            ARG_LAST,
            ARG_STEP,
            {MLP_ARG_INTEGER, "length", "of the axis before it was cut", NULL, NULL, false}},
    .flags = MLP_STRIDED | MLP_INTERNAL,
    .n_out = 1,
    .infer = slice_back_infer,
    .run = slice_back_run,
    .vjp = slice_back_vjp,
    .tiling = slice_tiling,
};

/* ---- select ---------------------------------------------------------------------------------- */

static mlp_status select_infer(mlp_call *c, mlp_error *e) {
  const mlp_tensor *x = c->in[0];
  mlp_shape shape = {0};
  int64_t stride[MLP_MAX_DIMS];
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  int64_t axis = c->value[0].integer, i = c->value[1].integer, length = x->shape.dim[axis];
  if (i < -length || i >= length)
    return mlp_refuse(e, "select: position %lld is outside axis %lld, which has length %lld",
                      (long long)(i < 0 ? i : i + 1), (long long)axis + 1, (long long)length);
  if (i < 0) c->value[1].integer = i += length;
  for (int a = 0; a < x->shape.ndim; a++) {
    if (a == axis) continue;
    stride[shape.ndim] = x->stride[a];
    shape.dim[shape.ndim++] = x->shape.dim[a];
  }
  return mlp_out_view(c, &shape, stride, x->offset + i * x->stride[axis], e);
}

static void select_vjp(mlp_vjp *v) {
  mlp_value axis = *mlp_value_of(v, 0), place = {.integer = mlp_value_of(v, 1)->integer + 1};
  mlp_value length = {.integer = mlp_input(v, 0)->shape.dim[axis.integer]}, step = {.integer = 1};
  mlp_tensor *g = mlp_emit(v, &mlp_row_unsqueeze, MLP_IN(mlp_grad_out(v, 0)), MLP_VALUES(axis));
  mlp_give_grad(
      v, 0,
      mlp_emit(v, &mlp_row_slice_back, MLP_IN(g), MLP_VALUES(axis, place, place, step, length)));
}

static void select_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  tile_across(in, out, c->value[0].integer);
  if (out[0].spread == MLP_ROWS && out[0].axis > c->value[0].integer) out[0].axis--;
}

const mlp_row mlp_row_select = {
    .name = "select",
    .doc = "One position of an axis, which goes away. A view.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false},
            {MLP_ARG_AXIS, "axis", "the axis that goes away", NULL, NULL, false},
            {MLP_ARG_INDEX, "index", "the position, from 1, or from -1 at the end", NULL, NULL,
             false}},
    .flags = MLP_VIEW | MLP_STRIDED,
    .n_out = 1,
    .infer = select_infer,
    .run = look,
    .vjp = select_vjp,
    .tiling = select_tiling,
};

/* ---- diagonal -------------------------------------------------------------------------------- */

typedef struct {
  mlp_shape shape;
  int64_t stride[MLP_MAX_DIMS];
  int64_t shift; /* of its first element */
} part;

/* The diagonal of axes a and b, `offset` columns to the right, as the last axis. */
static part diagonal_of(const mlp_shape *x, const int64_t *stride, int64_t offset, int64_t a,
                        int64_t b) {
  part p = {.shift = offset >= 0 ? offset * stride[b] : -offset * stride[a]};
  int64_t down = x->dim[a] - (offset < 0 ? -offset : 0);
  int64_t right = x->dim[b] - (offset > 0 ? offset : 0);
  int64_t length = down < right ? down : right;
  for (int i = 0; i < x->ndim; i++) {
    if (i == a || i == b) continue;
    p.stride[p.shape.ndim] = stride[i];
    p.shape.dim[p.shape.ndim++] = x->dim[i];
  }
  p.stride[p.shape.ndim] = stride[a] + stride[b];
  p.shape.dim[p.shape.ndim++] = length > 0 ? length : 0;
  if (length <= 0) p.shift = 0;
  return p;
}

static mlp_status diagonal_infer(mlp_call *c, mlp_error *e) {
  const mlp_tensor *x = c->in[0];
  MLP_TRY(mlp_want_ndim(c, 0, 2, MLP_MAX_DIMS, e));
  MLP_TRY(mlp_call_axis(c, 1, 0, e));
  MLP_TRY(mlp_call_axis(c, 2, 0, e));
  int64_t a = c->value[1].integer, b = c->value[2].integer;
  if (a == b)
    return mlp_refuse(e, "diagonal: two different axes are wanted, but both are %lld",
                      (long long)a + 1);
  part p = diagonal_of(&x->shape, x->stride, c->value[0].integer, a, b);
  return mlp_out_view(c, &p.shape, p.stride, x->offset + p.shift, e);
}

static void diagonal_vjp(mlp_vjp *v) {
  const mlp_shape *x = &mlp_input(v, 0)->shape;
  mlp_value shape = {.list = {.n = x->ndim}};
  memcpy(shape.list.item, x->dim, sizeof x->dim);
  mlp_give_grad(
      v, 0,
      mlp_emit(v, &mlp_row_diagonal_back, MLP_IN(mlp_grad_out(v, 0)),
               MLP_VALUES(*mlp_value_of(v, 0), *mlp_value_of(v, 1), *mlp_value_of(v, 2), shape)));
}

static void diagonal_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  int64_t a = c->value[1].integer, b = c->value[2].integer;
  out[0] = in[0];
  if (in[0].spread != MLP_ROWS) return;
  if (in[0].axis == a || in[0].axis == b) out[0] = whole;
  out[0].axis = in[0].axis - (in[0].axis > a) - (in[0].axis > b);
}

#define DIAGONAL                                                                              \
  {MLP_ARG_INTEGER, "offset", "columns to the right of the main diagonal", "0", NULL, false}, \
      {MLP_ARG_AXIS, "a", "axis of the rows", "1", NULL, false}, {                            \
    MLP_ARG_AXIS, "b", "axis of the columns", "2", NULL, false                                \
  }

const mlp_row mlp_row_diagonal = {
    .name = "diagonal",
    .doc = "y[.., i] = x[.., i, i + offset], the diagonal of two axes as the last axis. A view.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false}, DIAGONAL},
    .flags = MLP_VIEW | MLP_STRIDED,
    .n_out = 1,
    .infer = diagonal_infer,
    .run = look,
    .vjp = diagonal_vjp,
    .tiling = diagonal_tiling,
};

static mlp_status diagonal_back_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = {.ndim = c->value[3].list.n};
  memcpy(shape.dim, c->value[3].list.item, sizeof shape.dim);
  return mlp_out(c, c->in[0]->dtype, &shape, e);
}

static void diagonal_back_run(mlp_call *c) {
  const mlp_tensor *g = c->in[0];
  int64_t stride[MLP_MAX_DIMS];
  clear_result(c);
  mlp_shape_strides(stride, &c->spec[0].shape);
  part p = diagonal_of(&c->spec[0].shape, stride, c->value[0].integer, c->value[1].integer,
                       c->value[2].integer);
  mlp_copy_strided(result_at(c, p.shift), p.stride, mlp_tensor_data(g), g->stride, &p.shape,
                   element_bytes(c));
}

static void diagonal_back_vjp(mlp_vjp *v) {
  mlp_give_grad(
      v, 0,
      mlp_emit(v, &mlp_row_diagonal, MLP_IN(mlp_grad_out(v, 0)),
               MLP_VALUES(*mlp_value_of(v, 0), *mlp_value_of(v, 1), *mlp_value_of(v, 2))));
}

const mlp_row mlp_row_diagonal_back = {
    .name = "diagonal_back",
    .doc = "Zeros with x written on a diagonal.",
    .arg = {{MLP_ARG_TENSOR, "x", "what diagonal gave", NULL, NULL, false},
            DIAGONAL,
            {MLP_ARG_SHAPE, "shape", "of the result", NULL, NULL, false}},
    .flags = MLP_STRIDED | MLP_INTERNAL,
    .n_out = 1,
    .infer = diagonal_back_infer,
    .run = diagonal_back_run,
    .vjp = diagonal_back_vjp,
    .tiling = mlp_tiling_whole,
};

/* ---- cat, stack ------------------------------------------------------------------------------ */

/* All inputs have the dtype and the shape of the first, except along `free_axis` (-1: none). */
static mlp_status want_alike(const mlp_call *c, int64_t free_axis, mlp_error *e) {
  const mlp_tensor *first = c->in[0];
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  for (int i = 1; i < c->n_in; i++) {
    const mlp_tensor *t = c->in[i];
    mlp_shape wanted = first->shape;
    if (free_axis >= 0 && t->shape.ndim == wanted.ndim)
      wanted.dim[free_axis] = t->shape.dim[free_axis];
    if (t->dtype != first->dtype)
      return mlp_refuse(e, "%s: tensors[%d] is %s but tensors[1] is %s; dtypes never mix",
                        c->row->name, i + 1, mlp_dtype_name(t->dtype),
                        mlp_dtype_name(first->dtype));
    if (mlp_shape_equal(&t->shape, &wanted)) continue;
    mlp_shape_text(ta, &t->shape), mlp_shape_text(tb, &first->shape);
    if (free_axis < 0)
      return mlp_refuse(e, "%s: tensors[%d] is %s but tensors[1] is %s; equal shapes are wanted",
                        c->row->name, i + 1, ta, tb);
    return mlp_refuse(e, "%s: tensors[%d] is %s but tensors[1] is %s; only axis %lld may differ",
                      c->row->name, i + 1, ta, tb, (long long)free_axis + 1);
  }
  return MLP_OK;
}

static mlp_status want_some(const mlp_call *c, mlp_error *e) {
  return c->n_in > 0 ? MLP_OK : mlp_refuse(e, "%s: the list of tensors is empty", c->row->name);
}

static mlp_status cat_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(want_some(c, e));
  MLP_TRY(mlp_want_ndim(c, 0, 1, MLP_MAX_DIMS, e));
  MLP_TRY(mlp_call_axis(c, 1, 0, e));
  int64_t axis = c->value[1].integer;
  MLP_TRY(want_alike(c, axis, e));
  mlp_shape shape = c->in[0]->shape;
  for (int i = 1; i < c->n_in; i++) shape.dim[axis] += c->in[i]->shape.dim[axis];
  return mlp_out(c, c->in[0]->dtype, &shape, e);
}

static void cat_run(mlp_call *c) {
  int64_t stride[MLP_MAX_DIMS], axis = c->value[1].integer, shift = 0;
  mlp_shape_strides(stride, &c->spec[0].shape);
  for (int i = 0; i < c->n_in; i++) {
    const mlp_tensor *t = c->in[i];
    mlp_copy_strided(result_at(c, shift), stride, mlp_tensor_data(t), t->stride, &t->shape,
                     element_bytes(c));
    shift += t->shape.dim[axis] * stride[axis];
  }
}

static void cat_vjp(mlp_vjp *v) {
  mlp_value axis = *mlp_value_of(v, 1), step = {.integer = 1}, first = {.integer = 1}, last;
  for (int i = 0; i < v->call->n_in; i++) {
    last.integer = first.integer + mlp_input(v, i)->shape.dim[axis.integer] - 1;
    if (mlp_wanted(v, i))
      mlp_give_grad(v, i,
                    mlp_emit(v, &mlp_row_slice, MLP_IN(mlp_grad_out(v, 0)),
                             MLP_VALUES(axis, first, last, step)));
    first.integer = last.integer + 1;
  }
}

/* The common tile of all inputs; whole when they differ: a shared one would have to be cut. */
static mlp_tile common_tile(const mlp_call *c, const mlp_tile *in) {
  for (int i = 1; i < c->n_in; i++) {
    bool alike = in[i].spread == in[0].spread && in[i].axis == in[0].axis &&
                 in[i].multiple == in[0].multiple;
    if (!alike && (in[i].spread != MLP_SHARED || in[0].spread != MLP_SHARED)) return whole;
  }
  return in[0];
}

static void cat_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  mlp_tile common = common_tile(c, in);
  tile_across(&common, out, c->value[1].integer);
}

const mlp_row mlp_row_cat = {
    .name = "cat",
    .doc = "Tensors put one after the other along an axis.",
    .arg = {{MLP_ARG_LIST, "tensors", "a list of tensors", NULL, NULL, false},
            {MLP_ARG_AXIS, "axis", "the axis that grows", "1", NULL, false}},
    .flags = MLP_STRIDED | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = cat_infer,
    .run = cat_run,
    .vjp = cat_vjp,
    .tiling = cat_tiling,
};

static mlp_status stack_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(want_some(c, e));
  MLP_TRY(want_alike(c, -1, e));
  mlp_shape shape = c->in[0]->shape;
  if (shape.ndim == MLP_MAX_DIMS)
    return mlp_refuse(e, "stack: a tensor has at most %d axes", MLP_MAX_DIMS);
  shape.ndim++;
  MLP_TRY(mlp_axis_resolve(&c->value[1].integer, shape.ndim, "stack", e));
  int64_t axis = c->value[1].integer;
  for (int i = shape.ndim - 1; i > axis; i--) shape.dim[i] = shape.dim[i - 1];
  shape.dim[axis] = c->n_in;
  return mlp_out(c, c->in[0]->dtype, &shape, e);
}

static void stack_run(mlp_call *c) {
  int64_t stride[MLP_MAX_DIMS], axis = c->value[1].integer;
  mlp_shape_strides(stride, &c->spec[0].shape);
  int64_t step = stride[axis];
  for (int i = (int)axis; i + 1 < c->spec[0].shape.ndim; i++) stride[i] = stride[i + 1];
  for (int i = 0; i < c->n_in; i++) {
    const mlp_tensor *t = c->in[i];
    mlp_copy_strided(result_at(c, i * step), stride, mlp_tensor_data(t), t->stride, &t->shape,
                     element_bytes(c));
  }
}

static void stack_vjp(mlp_vjp *v) {
  for (int i = 0; i < v->call->n_in; i++) {
    if (!mlp_wanted(v, i)) continue;
    mlp_give_grad(v, i,
                  mlp_emit(v, &mlp_row_select, MLP_IN(mlp_grad_out(v, 0)),
                           MLP_VALUES(*mlp_value_of(v, 1), {.integer = i})));
  }
}

static void stack_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  out[0] = common_tile(c, in);
  if (out[0].axis >= c->value[1].integer) out[0].axis++;
}

const mlp_row mlp_row_stack = {
    .name = "stack",
    .doc = "Tensors of one shape put beside each other along a new axis.",
    .arg = {{MLP_ARG_LIST, "tensors", "a list of tensors", NULL, NULL, false},
            {MLP_ARG_AXIS, "axis", "where the new axis stands in the result", "1", NULL, false}},
    .flags = MLP_STRIDED | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = stack_infer,
    .run = stack_run,
    .vjp = stack_vjp,
    .tiling = stack_tiling,
};

/* ---- flip, roll ------------------------------------------------------------------------------ */

static mlp_status flip_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_call_axes(c, 0, 0, e));
  return mlp_out_like(c, c->in[0], e);
}

static void flip_run(mlp_call *c) {
  const mlp_tensor *x = c->in[0];
  int64_t packed[MLP_MAX_DIMS], back[MLP_MAX_DIMS], shift = 0;
  mlp_shape_strides(packed, &x->shape);
  memcpy(back, x->stride, sizeof back);
  if (mlp_tensor_count(x) == 0) return;
  for (int i = 0; i < c->value[0].list.n; i++) {
    int64_t axis = c->value[0].list.item[i];
    shift += (x->shape.dim[axis] - 1) * x->stride[axis];
    back[axis] = -x->stride[axis];
  }
  mlp_copy_strided(mlp_result(c, 0), packed, input_at(c, 0, shift), back, &x->shape,
                   element_bytes(c));
}

static void flip_vjp(mlp_vjp *v) {
  mlp_give_grad(
      v, 0,
      mlp_emit(v, &mlp_row_flip, MLP_IN(mlp_grad_out(v, 0)), MLP_VALUES(*mlp_value_of(v, 0))));
}

static void flip_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  out[0] = in[0];
  for (int i = 0; i < c->value[0].list.n && out[0].spread == MLP_ROWS; i++)
    tile_across(in, out, c->value[0].list.item[i]);
}

const mlp_row mlp_row_flip = {
    .name = "flip",
    .doc = "The order of positions reversed along the axes named, or along all.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false},
            {MLP_ARG_AXES, "axes", "an axis or a list of axes", "nil", NULL, false}},
    .flags = MLP_STRIDED,
    .n_out = 1,
    .infer = flip_infer,
    .run = flip_run,
    .vjp = flip_vjp,
    .tiling = flip_tiling,
};

static mlp_status roll_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_call_axis(c, 1, 0, e));
  return mlp_out_like(c, c->in[0], e);
}

/* What falls off the end comes back at the start: two slices change places. */
static void roll_run(mlp_call *c) {
  const mlp_tensor *x = c->in[0];
  int64_t packed[MLP_MAX_DIMS], axis = c->value[1].integer, length = x->shape.dim[axis];
  if (length == 0) return;
  int64_t shift = c->value[0].integer % length;
  if (shift < 0) shift += length;
  mlp_shape_strides(packed, &x->shape);
  mlp_shape head = x->shape, tail = x->shape;
  head.dim[axis] = length - shift, tail.dim[axis] = shift;
  mlp_copy_strided(result_at(c, shift * packed[axis]), packed, mlp_in(c, 0), x->stride, &head,
                   element_bytes(c));
  mlp_copy_strided(mlp_result(c, 0), packed, input_at(c, 0, (length - shift) * x->stride[axis]),
                   x->stride, &tail, element_bytes(c));
}

static void roll_vjp(mlp_vjp *v) {
  mlp_value back = {.integer = -mlp_value_of(v, 0)->integer};
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_roll, MLP_IN(mlp_grad_out(v, 0)),
                         MLP_VALUES(back, *mlp_value_of(v, 1))));
}

static void roll_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  tile_across(in, out, c->value[1].integer);
}

const mlp_row mlp_row_roll = {
    .name = "roll",
    .doc =
        "Positions moved `shift` places along an axis; what falls off the end comes back at the "
        "start.",
    .arg = {{MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false},
            {MLP_ARG_INTEGER, "shift", "places, negative for backwards", NULL, NULL, false},
            {MLP_ARG_AXIS, "axis", "the axis", "1", NULL, false}},
    .flags = MLP_STRIDED,
    .n_out = 1,
    .infer = roll_infer,
    .run = roll_run,
    .vjp = roll_vjp,
    .tiling = roll_tiling,
};
