/*
** Rows that take positions from a tensor. Families:
**
**   whole slices   index_select: y[.., k, ..] = x[.., index[k], ..]    index is a vector
**                  index_add, index_copy: the way back, adding or replacing
**   one_hot        a position as a line of zeros with a 1
**   elements       gather: y[i, k, j] = x[i, index[i, k, j], j]        index has the axes of x
**                  scatter, scatter_add: the way back, replacing or adding
**
** A position that occurs twice is added twice; where values are replaced the last one wins. The
** order is always that of the index, so results are the same at every run. The derivative of a
** reading row is a `_back` row, which adds into zeros, and whose derivative is the reading row.
*/
#include <string.h>

#include "kernel/kernel.h"
#include "op/build.h"
#include "op/positions.h"
#include "op/strided.h"

extern const mlp_row mlp_row_index_select, mlp_row_index_back, mlp_row_index_copy, mlp_row_gather;
extern const mlp_row mlp_row_gather_back, mlp_row_scatter, mlp_row_scatter_back;

#define ARG_X \
  { MLP_ARG_TENSOR, "x", "the tensor", NULL, NULL, false }
#define ARG_AXIS \
  { MLP_ARG_AXIS, "axis", "the axis along which positions count", NULL, NULL, false }
#define ARG_INDEX \
  { MLP_ARG_POSITIONS, "index", "positions along the axis, from 1", NULL, NULL, false }

static size_t element_bytes(const mlp_call *c) { return mlp_dtype_bytes(c->spec[0].dtype); }

static int64_t axis_of(const mlp_call *c) { return c->value[0].integer; }

static void clear_result(mlp_call *c) {
  memset(mlp_result(c, 0), 0, (size_t)mlp_tensor_count(c->out[0]) * element_bytes(c));
}

/* The result starts as x; in place it already is. */
static void start_from_input(mlp_call *c) {
  if (c->out[0] != c->in[0])
    memcpy(mlp_result(c, 0), mlp_in(c, 0), (size_t)mlp_tensor_count(c->out[0]) * element_bytes(c));
}

static int64_t product(const mlp_shape *s, int from, int to) {
  int64_t n = 1;
  for (int i = from; i < to; i++) n *= s->dim[i];
  return n;
}

static mlp_status refuse_shapes(const mlp_call *c, int i, int j, const char *wanted, mlp_error *e) {
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  return mlp_refuse(e, "%s: %s is %s but %s is %s; %s", c->row->name, mlp_in_name(c, i),
                    mlp_shape_text(ta, &c->in[i]->shape), mlp_in_name(c, j),
                    mlp_shape_text(tb, &c->in[j]->shape), wanted);
}

/* ---- whole slices ---------------------------------------------------------------------------- */

/* The tensor with the axis of positions seen as (outer, length, inner); the other one has `taken`
** in place of length. */
typedef struct {
  int64_t outer, length, taken, inner;
  const int64_t *place;
} slices;

static slices slices_of(const mlp_call *c, const mlp_shape *full, const mlp_tensor *index) {
  int axis = (int)axis_of(c);
  return (slices){product(full, 0, axis), full->dim[axis], mlp_tensor_count(index),
                  product(full, axis + 1, full->ndim), mlp_tensor_data(index)};
}

static mlp_status want_vector(const mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_dtype(c, 1, MLP_I64, e));
  return mlp_want_ndim(c, 1, 0, 1, e);
}

static mlp_status index_select_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = c->in[0]->shape;
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  MLP_TRY(want_vector(c, e));
  shape.dim[axis_of(c)] = mlp_tensor_count(c->in[1]);
  return mlp_out(c, c->in[0]->dtype, &shape, e);
}

static mlp_status check_in_x(const mlp_call *c, mlp_error *e) {
  return mlp_check_positions(c, 1, c->in[0]->shape.dim[axis_of(c)], e);
}

static void index_select_run(mlp_call *c) {
  slices s = slices_of(c, &c->in[0]->shape, c->in[1]);
  int64_t bytes = (int64_t)element_bytes(c), line = s.inner * bytes;
  const char *x = mlp_in(c, 0);
  char *y = mlp_result(c, 0);
  for (int64_t o = 0; o < s.outer; o++, x += s.length * line) {
    if (s.inner == 1) {
      mlp_kernel()->move.gather[mlp_width_index(bytes)](y, x, 1, 0, s.place, s.taken);
      y += s.taken * line;
      continue;
    }
    for (int64_t k = 0; k < s.taken; k++, y += line)
      memcpy(y, x + (s.place[k] - 1) * line, (size_t)line);
  }
}

static void index_select_vjp(mlp_vjp *v) {
  mlp_value axis = *mlp_value_of(v, 0);
  mlp_value length = {.integer = mlp_input(v, 0)->shape.dim[axis.integer]};
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_index_back, MLP_IN(mlp_grad_out(v, 0), mlp_input(v, 1)),
                         MLP_VALUES(axis, length)));
}

static bool is_shared(const mlp_tile *t) { return t->spread == MLP_SHARED; }

/* Rows of x are selected from apart from each other; rows of the index look up a shared table. */
static void index_select_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  int64_t axis = axis_of(c);
  if (is_shared(&in[1]) && (in[0].spread != MLP_ROWS || in[0].axis != axis))
    out[0] = in[0];
  else if (is_shared(&in[0]) && in[1].spread == MLP_ROWS)
    out[0] = (mlp_tile){MLP_ROWS, (int)axis, in[1].multiple};
  else
    mlp_tiling_whole(c, in, out);
}

const mlp_row mlp_row_index_select = {
    .name = "index_select",
    .doc = "y[.., k, ..] = x[.., index[k], ..] along an axis.",
    .arg = {ARG_X, ARG_AXIS, ARG_INDEX},
    .n_out = 1,
    .save_in = 2,
    .infer = index_select_infer,
    .check = check_in_x,
    .run = index_select_run,
    .vjp = index_select_vjp,
    .tiling = index_select_tiling,
};

/* y[.., index[k], ..] += x[.., k, ..]; y has the full length of the axis. */
static void add_slices(const mlp_call *c, char *y, const char *x, slices s) {
  mlp_binary_kernel *add = mlp_kernel()->binary.run[c->spec[0].dtype][MLP_BINARY_add][MLP_VV];
  int64_t line = s.inner * (int64_t)element_bytes(c);
  for (int64_t o = 0; o < s.outer; o++, y += s.length * line) {
    for (int64_t k = 0; k < s.taken; k++, x += line) {
      char *row = y + (s.place[k] - 1) * line;
      add(row, row, x, s.inner);
    }
  }
}

static mlp_status index_back_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = c->in[0]->shape;
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  MLP_TRY(want_vector(c, e));
  if (shape.dim[axis_of(c)] != mlp_tensor_count(c->in[1]))
    return refuse_shapes(c, 0, 1, "one position per slice is wanted", e);
  shape.dim[axis_of(c)] = c->value[1].integer;
  return mlp_out(c, c->in[0]->dtype, &shape, e);
}

static mlp_status index_back_check(const mlp_call *c, mlp_error *e) {
  return mlp_check_positions(c, 1, c->value[1].integer, e);
}

static void index_back_run(mlp_call *c) {
  clear_result(c);
  add_slices(c, mlp_result(c, 0), mlp_in(c, 0), slices_of(c, &c->spec[0].shape, c->in[1]));
}

static void index_back_vjp(mlp_vjp *v) {
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_index_select, MLP_IN(mlp_grad_out(v, 0), mlp_input(v, 1)),
                         MLP_VALUES(*mlp_value_of(v, 0))));
}

/* Rows that each add into a shared table make a sum over the batch. */
static void index_back_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool along = in[0].spread == MLP_ROWS && in[0].axis == axis_of(c);
  if (is_shared(&in[1]) && !along)
    out[0] = in[0];
  else if (along && in[1].spread == MLP_ROWS && in[1].multiple == in[0].multiple)
    out[0] = (mlp_tile){.spread = MLP_REDUCED};
  else
    mlp_tiling_whole(c, in, out);
}

const mlp_row mlp_row_index_back = {
    .name = "index_back",
    .doc = "Zeros with y[.., index[k], ..] += x[.., k, ..]; the derivative of index_select.",
    .arg = {ARG_X,
            ARG_AXIS,
            ARG_INDEX,
            {MLP_ARG_INTEGER, "length", "of the axis in the result", NULL, NULL, false}},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 2,
    .infer = index_back_infer,
    .check = index_back_check,
    .run = index_back_run,
    .vjp = index_back_vjp,
    .tiling = index_back_tiling,
};

/* in: x, index, source. */
static mlp_status write_slices_infer(mlp_call *c, mlp_error *e) {
  mlp_shape wanted = c->in[0]->shape;
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  MLP_TRY(want_vector(c, e));
  MLP_TRY(mlp_want_same_dtype(c, 0, 2, e));
  wanted.dim[axis_of(c)] = mlp_tensor_count(c->in[1]);
  if (!mlp_shape_equal(&wanted, &c->in[2]->shape))
    return mlp_refuse(e, "%s: source is %s but %s is wanted, one slice of x per position",
                      c->row->name, mlp_shape_text(ta, &c->in[2]->shape),
                      mlp_shape_text(tb, &wanted));
  return mlp_out_like(c, c->in[0], e);
}

static void index_add_run(mlp_call *c) {
  start_from_input(c);
  add_slices(c, mlp_result(c, 0), mlp_in(c, 2), slices_of(c, &c->in[0]->shape, c->in[1]));
}

static void index_add_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  mlp_give_grad(v, 0, g);
  if (mlp_wanted(v, 2))
    mlp_give_grad(v, 2,
                  mlp_emit(v, &mlp_row_index_select, MLP_IN(g, mlp_input(v, 1)),
                           MLP_VALUES(*mlp_value_of(v, 0))));
}

/* Along any other axis than that of the positions rows stay apart. */
static void write_slices_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool alike = mlp_rows_alike(&in[0], &in[2]) && is_shared(&in[1]);
  if (alike && in[0].axis != axis_of(c))
    out[0] = in[0];
  else
    mlp_tiling_whole(c, in, out);
}

const mlp_row mlp_row_index_add = {
    .name = "index_add",
    .doc = "x with y[.., index[k], ..] += source[.., k, ..]; a position may occur more than once.",
    .arg = {ARG_X,
            ARG_AXIS,
            ARG_INDEX,
            {MLP_ARG_TENSOR, "source", "one slice of x per position", NULL, NULL, false}},
    .flags = MLP_IN_PLACE,
    .n_out = 1,
    .save_in = 2,
    .infer = write_slices_infer,
    .check = check_in_x,
    .run = index_add_run,
    .vjp = index_add_vjp,
    .tiling = write_slices_tiling,
};

static void index_copy_run(mlp_call *c) {
  slices s = slices_of(c, &c->in[0]->shape, c->in[1]);
  int64_t line = s.inner * (int64_t)element_bytes(c);
  start_from_input(c);
  char *y = mlp_result(c, 0);
  const char *x = mlp_in(c, 2);
  for (int64_t o = 0; o < s.outer; o++, y += s.length * line) {
    for (int64_t k = 0; k < s.taken; k++, x += line)
      memcpy(y + (s.place[k] - 1) * line, x, (size_t)line);
  }
}

/* The index of slices as an index of elements: (taken) stretched to the shape of the source. */
static mlp_tensor *element_index(mlp_vjp *v, const mlp_shape *source) {
  mlp_shape column = {.ndim = source->ndim};
  int64_t axis = mlp_value_of(v, 0)->integer;
  for (int i = 0; i < column.ndim; i++) column.dim[i] = i == axis ? source->dim[i] : 1;
  return mlp_expand(v, mlp_reshape(v, mlp_input(v, 1), &column), source);
}

/* What was overwritten gets no gradient: neither x nor a source that a later one replaced. */
static void index_copy_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *index = element_index(v, &mlp_input(v, 2)->shape);
  mlp_value axis = *mlp_value_of(v, 0);
  if (mlp_wanted(v, 0))
    mlp_give_grad(
        v, 0,
        mlp_emit(v, &mlp_row_scatter, MLP_IN(g, index, mlp_scalar(v, g, 0)), MLP_VALUES(axis)));
  if (mlp_wanted(v, 2))
    mlp_give_grad(v, 2, mlp_emit(v, &mlp_row_scatter_back, MLP_IN(g, index), MLP_VALUES(axis)));
}

const mlp_row mlp_row_index_copy = {
    .name = "index_copy",
    .doc = "x with y[.., index[k], ..] = source[.., k, ..]; of equal positions the last wins.",
    .arg = {ARG_X,
            ARG_AXIS,
            ARG_INDEX,
            {MLP_ARG_TENSOR, "source", "one slice of x per position", NULL, NULL, false}},
    .flags = MLP_IN_PLACE,
    .n_out = 1,
    .save_in = 2,
    .infer = write_slices_infer,
    .check = check_in_x,
    .run = index_copy_run,
    .vjp = index_copy_vjp,
    .tiling = write_slices_tiling,
};

/* ---- one_hot --------------------------------------------------------------------------------- */

enum { CLASSES, DTYPE };

static mlp_status one_hot_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = c->in[0]->shape;
  MLP_TRY(mlp_want_dtype(c, 0, MLP_I64, e));
  if (shape.ndim == MLP_MAX_DIMS)
    return mlp_refuse(e, "one_hot: a tensor has at most %d axes", MLP_MAX_DIMS);
  shape.dim[shape.ndim++] = c->value[CLASSES].integer;
  return mlp_out(c, (mlp_dtype)c->value[DTYPE].integer, &shape, e);
}

static mlp_status one_hot_check(const mlp_call *c, mlp_error *e) {
  return mlp_check_positions(c, 0, c->value[CLASSES].integer, e);
}

static void one_hot_run(mlp_call *c) {
  static const float one_f32 = 1;
  static const double one_f64 = 1;
  static const int64_t one_i64 = 1;
  static const uint8_t one_u8 = 1;
  static const void *const one[MLP_DTYPES] = {&one_f32, &one_f64, &one_i64, &one_u8};
  const int64_t *place = mlp_in(c, 0);
  int64_t n = mlp_tensor_count(c->in[0]), classes = c->value[CLASSES].integer;
  size_t bytes = element_bytes(c);
  char *y = mlp_result(c, 0);
  clear_result(c);
  for (int64_t i = 0; i < n; i++)
    memcpy(y + (size_t)(i * classes + place[i] - 1) * bytes, one[c->spec[0].dtype], bytes);
}

static void one_hot_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  (void)c;
  out[0] = in[0];
}

const mlp_row mlp_row_one_hot = {
    .name = "one_hot",
    .doc = "y[.., k] = 1 where k = index[..], otherwise 0: one axis more, of length `classes`.",
    .arg = {{MLP_ARG_POSITIONS, "index", "classes from 1, of any shape", NULL, NULL, false},
            {MLP_ARG_INTEGER, "classes", "how many there are", NULL, NULL, false},
            {MLP_ARG_DTYPE, "dtype", "of the result", "float32", NULL, true}},
    .flags = MLP_NO_GRADIENT,
    .n_out = 1,
    .infer = one_hot_infer,
    .check = one_hot_check,
    .run = one_hot_run,
    .tiling = one_hot_tiling,
};

/* ---- elements -------------------------------------------------------------------------------- */

/* The index is walked line by line along its last axis. Element k of a line belongs to element
** base + (place[k] - 1) * step + k * drift of the full tensor. */
typedef struct {
  int64_t from;        /* of the line: its first element in the index */
  int64_t base;        /* of the line: in the full tensor */
  int64_t step, drift; /* in the full tensor, contiguous */
  const int64_t *place;
  int64_t n;
} line;

typedef void line_run(mlp_call *c, const line *l);

static void each_line(mlp_call *c, const mlp_shape *full, const mlp_tensor *index, line_run *run) {
  const mlp_shape *shape = &index->shape;
  int64_t stride[MLP_MAX_DIMS], at[MLP_MAX_DIMS] = {0}, axis = axis_of(c);
  const int64_t *place = mlp_tensor_data(index);
  int last = shape->ndim - 1;
  mlp_shape_strides(stride, full);
  line l = {.step = stride[axis], .drift = axis == last ? 0 : 1, .n = shape->dim[last]};
  if (mlp_tensor_count(index) == 0) return;
  for (;;) {
    l.place = place + l.from;
    run(c, &l);
    l.from += l.n;
    int a = last - 1;
    for (; a >= 0; a--) {
      int64_t step = a == axis ? 0 : stride[a];
      l.base += step;
      if (++at[a] < shape->dim[a]) break;
      l.base -= step * shape->dim[a];
      at[a] = 0;
    }
    if (a < 0) return;
  }
}

static char *element(void *data, int64_t i, const mlp_call *c) {
  return (char *)data + i * (int64_t)element_bytes(c);
}

/* The index has the axes of the full tensor and, off the axis of positions, at most its lengths. */
static mlp_status want_within(const mlp_call *c, const mlp_shape *full, mlp_error *e) {
  const mlp_shape *index = &c->in[1]->shape;
  char ta[MLP_SHAPE_TEXT], tb[MLP_SHAPE_TEXT];
  bool fits = index->ndim == full->ndim;
  MLP_TRY(mlp_want_dtype(c, 1, MLP_I64, e));
  for (int i = 0; fits && i < full->ndim; i++)
    fits = i == axis_of(c) || index->dim[i] <= full->dim[i];
  if (fits) return MLP_OK;
  return mlp_refuse(e, "%s: index is %s but x is %s; apart from axis %lld it must fit inside x",
                    c->row->name, mlp_shape_text(ta, index), mlp_shape_text(tb, full),
                    (long long)axis_of(c) + 1);
}

static mlp_status gather_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  MLP_TRY(want_within(c, &c->in[0]->shape, e));
  return mlp_out(c, c->in[0]->dtype, &c->in[1]->shape, e);
}

static void gather_line(mlp_call *c, const line *l) {
  mlp_move_gather *gather = mlp_kernel()->move.gather[mlp_width_index((int64_t)element_bytes(c))];
  gather(element(mlp_result(c, 0), l->from, c), element(mlp_in(c, 0), l->base, c), l->step,
         l->drift, l->place, l->n);
}

static void gather_run(mlp_call *c) { each_line(c, &c->in[0]->shape, c->in[1], gather_line); }

static mlp_value shape_value(const mlp_shape *shape) {
  mlp_value value = {.list = {.n = shape->ndim}};
  memcpy(value.list.item, shape->dim, sizeof shape->dim);
  return value;
}

static void gather_vjp(mlp_vjp *v) {
  mlp_value shape = shape_value(&mlp_input(v, 0)->shape);
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_gather_back, MLP_IN(mlp_grad_out(v, 0), mlp_input(v, 1)),
                         MLP_VALUES(*mlp_value_of(v, 0), shape)));
}

/* Rows stay apart where every input is cut alike, off the axis of positions. */
static void elements_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool apart = in[0].spread == MLP_ROWS && in[0].axis != axis_of(c);
  for (int i = 1; i < c->n_in; i++) {
    bool number = i == 2 && c->in[i]->shape.ndim == 0 && is_shared(&in[i]);
    apart = apart && (number || mlp_rows_alike(&in[i], &in[0]));
  }
  if (apart)
    out[0] = in[0];
  else
    mlp_tiling_whole(c, in, out);
}

const mlp_row mlp_row_gather = {
    .name = "gather",
    .doc = "y[i, k, j] = x[i, index[i, k, j], j] along an axis; y has the shape of index.",
    .arg = {ARG_X, ARG_AXIS, ARG_INDEX},
    .n_out = 1,
    .save_in = 2,
    .infer = gather_infer,
    .check = check_in_x,
    .run = gather_run,
    .vjp = gather_vjp,
    .tiling = elements_tiling,
};

/* y[place] += x, by dtype. */
#define ADD_LINE(T, name)                                                                     \
  static void name(void *dst, int64_t step, int64_t drift, const void *src, int64_t src_step, \
                   const int64_t *place, int64_t n) {                                         \
    T *y = dst;                                                                               \
    const T *x = src;                                                                         \
    for (int64_t i = 0; i < n; i++) {                                                         \
      T *at = &y[(place[i] - 1) * step + i * drift];                                          \
      *at = (T)(*at + x[i * src_step]);                                                       \
    }                                                                                         \
  }
ADD_LINE(float, add_f32)
ADD_LINE(double, add_f64)
ADD_LINE(uint64_t, add_i64) /* whole numbers wrap around */
ADD_LINE(uint8_t, add_u8)
#undef ADD_LINE
static mlp_move_scatter *const add_line[MLP_DTYPES] = {add_f32, add_f64, add_i64, add_u8};

static mlp_status gather_back_infer(mlp_call *c, mlp_error *e) {
  mlp_shape shape = {.ndim = c->value[1].list.n};
  memcpy(shape.dim, c->value[1].list.item, sizeof shape.dim);
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  MLP_TRY(want_within(c, &shape, e));
  if (!mlp_shape_equal(&c->in[0]->shape, &c->in[1]->shape))
    return refuse_shapes(c, 0, 1, "one position per element is wanted", e);
  return mlp_out(c, c->in[0]->dtype, &shape, e);
}

static mlp_status gather_back_check(const mlp_call *c, mlp_error *e) {
  return mlp_check_positions(c, 1, c->spec[0].shape.dim[axis_of(c)], e);
}

static void add_back_line(mlp_call *c, const line *l) {
  add_line[c->spec[0].dtype](element(mlp_result(c, 0), l->base, c), l->step, l->drift,
                             element(mlp_in(c, 0), l->from, c), 1, l->place, l->n);
}

static void gather_back_run(mlp_call *c) {
  clear_result(c);
  each_line(c, &c->spec[0].shape, c->in[1], add_back_line);
}

static void gather_back_vjp(mlp_vjp *v) {
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_gather, MLP_IN(mlp_grad_out(v, 0), mlp_input(v, 1)),
                         MLP_VALUES(*mlp_value_of(v, 0))));
}

const mlp_row mlp_row_gather_back = {
    .name = "gather_back",
    .doc = "Zeros with y[i, index[i, k, j], j] += x[i, k, j]; the derivative of gather.",
    .arg = {ARG_X,
            ARG_AXIS,
            ARG_INDEX,
            {MLP_ARG_SHAPE, "shape", "of the result", NULL, NULL, false}},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 2,
    .infer = gather_back_infer,
    .check = gather_back_check,
    .run = gather_back_run,
    .vjp = gather_back_vjp,
    .tiling = elements_tiling,
};

/* in: x, index, source: one element per position, or one for all. */
static mlp_status write_elements_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_call_axis(c, 0, 0, e));
  MLP_TRY(want_within(c, &c->in[0]->shape, e));
  MLP_TRY(mlp_want_same_dtype(c, 0, 2, e));
  if (c->in[2]->shape.ndim > 0 && !mlp_shape_equal(&c->in[2]->shape, &c->in[1]->shape))
    return refuse_shapes(c, 2, 1, "equal shapes are wanted", e);
  return mlp_out_like(c, c->in[0], e);
}

static void write_line(mlp_call *c, const line *l, mlp_move_scatter *scatter) {
  int64_t src_step = c->in[2]->shape.ndim > 0;
  scatter(element(mlp_result(c, 0), l->base, c), l->step, l->drift,
          element(mlp_in(c, 2), l->from * src_step, c), src_step, l->place, l->n);
}

static void scatter_add_line(mlp_call *c, const line *l) {
  write_line(c, l, add_line[c->spec[0].dtype]);
}

static void scatter_add_run(mlp_call *c) {
  start_from_input(c);
  each_line(c, &c->in[0]->shape, c->in[1], scatter_add_line);
}

static void scatter_add_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  mlp_give_grad(v, 0, g);
  if (mlp_wanted(v, 2))
    mlp_give_grad(v, 2,
                  mlp_sum_like(v,
                               mlp_emit(v, &mlp_row_gather, MLP_IN(g, mlp_input(v, 1)),
                                        MLP_VALUES(*mlp_value_of(v, 0))),
                               2));
}

#define ARG_SOURCE \
  { MLP_ARG_OPERAND, "source", "a tensor of the shape of index, or a number", NULL, NULL, false }

const mlp_row mlp_row_scatter_add = {
    .name = "scatter_add",
    .doc = "x with y[i, index[i, k, j], j] += source[i, k, j] along an axis.",
    .arg = {ARG_X, ARG_AXIS, ARG_INDEX, ARG_SOURCE},
    .flags = MLP_IN_PLACE,
    .n_out = 1,
    .save_in = 2,
    .infer = write_elements_infer,
    .check = check_in_x,
    .run = scatter_add_run,
    .vjp = scatter_add_vjp,
    .tiling = elements_tiling,
};

static void scatter_line(mlp_call *c, const line *l) {
  write_line(c, l, mlp_kernel()->move.scatter[mlp_width_index((int64_t)element_bytes(c))]);
}

static void scatter_run(mlp_call *c) {
  start_from_input(c);
  each_line(c, &c->in[0]->shape, c->in[1], scatter_line);
}

static void scatter_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *index = mlp_input(v, 1);
  mlp_value axis = *mlp_value_of(v, 0);
  if (mlp_wanted(v, 0))
    mlp_give_grad(
        v, 0,
        mlp_emit(v, &mlp_row_scatter, MLP_IN(g, index, mlp_scalar(v, g, 0)), MLP_VALUES(axis)));
  if (mlp_wanted(v, 2))
    mlp_give_grad(
        v, 2,
        mlp_sum_like(v, mlp_emit(v, &mlp_row_scatter_back, MLP_IN(g, index), MLP_VALUES(axis)), 2));
}

const mlp_row mlp_row_scatter = {
    .name = "scatter",
    .doc =
        "x with y[i, index[i, k, j], j] = source[i, k, j] along an axis; of equal positions the "
        "last wins.",
    .arg = {ARG_X, ARG_AXIS, ARG_INDEX, ARG_SOURCE},
    .flags = MLP_IN_PLACE,
    .n_out = 1,
    .save_in = 2,
    .infer = write_elements_infer,
    .check = check_in_x,
    .run = scatter_run,
    .vjp = scatter_vjp,
    .tiling = elements_tiling,
};

/* ---- which element scatter kept -------------------------------------------------------------- */

/* work: for every element of x, the element of the index that wrote it last. */
static mlp_status scatter_back_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(gather_infer(c, e));
  c->work_bytes = (size_t)mlp_tensor_count(c->in[0]) * sizeof(int64_t);
  return MLP_OK;
}

static void claim_line(mlp_call *c, const line *l) {
  int64_t *writer = c->work;
  for (int64_t k = 0; k < l->n; k++)
    writer[l->base + (l->place[k] - 1) * l->step + k * l->drift] = l->from + k;
}

static void keep_winners_line(mlp_call *c, const line *l) {
  const int64_t *writer = c->work;
  size_t bytes = element_bytes(c);
  for (int64_t k = 0; k < l->n; k++) {
    int64_t target = l->base + (l->place[k] - 1) * l->step + k * l->drift;
    if (writer[target] != l->from + k) memset(element(mlp_result(c, 0), l->from + k, c), 0, bytes);
  }
}

static void scatter_back_run(mlp_call *c) {
  const mlp_shape *full = &c->in[0]->shape;
  each_line(c, full, c->in[1], claim_line);
  each_line(c, full, c->in[1], gather_line);
  each_line(c, full, c->in[1], keep_winners_line);
}

/* The winners write back where they were read, over zeros; the losers' zeros come before them. */
static void scatter_back_vjp(mlp_vjp *v) {
  mlp_tensor *zeros = mlp_full_like(v, mlp_input(v, 0), 0);
  mlp_give_grad(v, 0,
                mlp_emit(v, &mlp_row_scatter, MLP_IN(zeros, mlp_input(v, 1), mlp_grad_out(v, 0)),
                         MLP_VALUES(*mlp_value_of(v, 0))));
}

const mlp_row mlp_row_scatter_back = {
    .name = "scatter_back",
    .doc = "gather, with 0 for every element that a later one of the index replaced.",
    .arg = {ARG_X, ARG_AXIS, ARG_INDEX},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 2,
    .infer = scatter_back_infer,
    .check = check_in_x,
    .run = scatter_back_run,
    .vjp = scatter_back_vjp,
    .tiling = elements_tiling,
};
