#include "op/loop.h"

#include <string.h>

/* A block holds one stretch of an input that is neither contiguous nor a single number. Rows
** shorter than SHORT_ROW are gathered many at a time, so that a call of the kernel is worth it. */
enum { BLOCK = 512, SHORT_ROW = 64, BLOCK_BYTES = BLOCK * 8 };

typedef struct {
  const char *data;
  int64_t bytes;                /* of an element */
  int64_t stride[MLP_MAX_DIMS]; /* in bytes, along the axes of the walk */
  bool may_be_single;
} source;

typedef struct {
  int ndim, n_in;
  int64_t dim[MLP_MAX_DIMS];
  source in[MLP_LOOP_INPUTS];
  int64_t out_bytes;
  mlp_span_run *run;
  const void *context;
} walk;

mlp_status mlp_loop_shape(const mlp_call *c, mlp_shape *shape, mlp_error *e) {
  *shape = c->in[0]->shape;
  for (int i = 1; i < c->n_in; i++) {
    if (mlp_shape_equal(shape, &c->in[i]->shape)) continue;
    MLP_TRY(mlp_shape_broadcast(shape, shape, &c->in[i]->shape, c->row->name, e));
  }
  return MLP_OK;
}

/* ---- axes ------------------------------------------------------------------------------------ */

/* Strides of an input along the axes of the output: 0 where it is stretched. */
static void align(source *s, const mlp_tensor *t, const mlp_shape *out) {
  int lead = out->ndim - t->shape.ndim;
  s->data = mlp_tensor_data(t);
  s->bytes = (int64_t)mlp_dtype_bytes(t->dtype);
  for (int i = 0; i < out->ndim; i++) {
    bool stretched = i < lead || t->shape.dim[i - lead] == 1;
    s->stride[i] = stretched ? 0 : t->stride[i - lead] * s->bytes;
  }
}

/* Can axis i be walked as a continuation of axis `last` for every input? */
static bool continues(const walk *w, int last, int64_t dim, int i) {
  for (int k = 0; k < w->n_in; k++) {
    if (w->in[k].stride[last] != w->in[k].stride[i] * dim) return false;
  }
  return true;
}

/* Drops axes of length 1 and joins axes that every input walks in one stride. */
static void collapse(walk *w, const mlp_shape *out) {
  for (int i = 0; i < out->ndim; i++) {
    int64_t dim = out->dim[i];
    if (dim == 1) continue;
    int to = w->ndim;
    if (to > 0 && continues(w, to - 1, dim, i))
      w->dim[--to] *= dim;
    else
      w->dim[to] = dim;
    for (int k = 0; k < w->n_in; k++) w->in[k].stride[to] = w->in[k].stride[i];
    w->ndim = to + 1;
  }
  while (w->ndim < 2) { /* the last two axes always exist: rows and columns of a span */
    for (int i = w->ndim; i > 0; i--) {
      w->dim[i] = w->dim[i - 1];
      for (int k = 0; k < w->n_in; k++) w->in[k].stride[i] = w->in[k].stride[i - 1];
    }
    w->dim[0] = 1;
    for (int k = 0; k < w->n_in; k++) w->in[k].stride[0] = 0;
    w->ndim++;
  }
}

/* ---- spans ----------------------------------------------------------------------------------- */

#define GATHER_ROWS(type, columns)                         \
  for (int64_t r = 0; r < rows; r++, from += down) {       \
    for (int64_t j = 0; j < (columns); j++)                \
      *(type *)(void *)(to + j * (int64_t)sizeof(type)) =  \
          *(const type *)(const void *)(from + j * along); \
    to += (columns) * (int64_t)sizeof(type);               \
  }
/* Points and colours have two, three or four numbers: then a row is no loop. */
#define GATHER(type)                    \
  switch (columns) {                    \
    case 2: GATHER_ROWS(type, 2) break; \
    case 3: GATHER_ROWS(type, 3) break; \
    case 4: GATHER_ROWS(type, 4) break; \
    default: GATHER_ROWS(type, columns) \
  }

static void gather_rows(char *to, const char *from, int64_t rows, int64_t columns, int64_t down,
                        int64_t along, int64_t bytes) {
  if (bytes == 4) {
    GATHER(uint32_t)
  } else if (bytes == 8) {
    GATHER(uint64_t)
  } else {
    GATHER(uint8_t)
  }
}

/* A row that stays the same is doubled until there are enough. */
static void gather(char *to, const char *from, int64_t rows, int64_t columns, int64_t down,
                   int64_t along, int64_t bytes) {
  gather_rows(to, from, down == 0 ? 1 : rows, columns, down, along, bytes);
  for (int64_t done = 1, more; down == 0 && done < rows; done += more) {
    more = done < rows - done ? done : rows - done;
    memcpy(to + done * columns * bytes, to, (size_t)(more * columns * bytes));
  }
}

/* The part of an input that lies under a span of rows x columns, as an array or a single number. */
static const void *view_of(const walk *w, int k, const char *data, int64_t rows, int64_t columns,
                           bool array, char *block, unsigned *single) {
  const source *s = &w->in[k];
  int64_t down = s->stride[w->ndim - 2], along = s->stride[w->ndim - 1];
  if (along == s->bytes && (rows == 1 || down == columns * s->bytes)) return data;
  if (along == 0 && (rows == 1 || down == 0) && s->may_be_single && !array) {
    *single |= 1u << k;
    return data;
  }
  gather(block, data, rows, columns, down, along, s->bytes);
  return block;
}

static void span(const walk *w, char *out, const char *const *data, int64_t rows, int64_t columns) {
  _Alignas(64) char block[MLP_LOOP_INPUTS][BLOCK_BYTES];
  mlp_span s = {.out = out, .n = rows * columns};
  for (int k = 0; k < w->n_in; k++)
    s.in[k] = view_of(w, k, data[k], rows, columns, false, block[k], &s.single);
  if (s.single == (1u << w->n_in) - 1) {
    s.single = 0;
    s.in[0] = view_of(w, 0, data[0], rows, columns, true, block[0], &s.single);
    s.single = ((1u << w->n_in) - 1) & ~1u;
  }
  w->run(&s, w->context);
}

static bool needs_no_block(const walk *w) {
  bool array = false;
  for (int k = 0; k < w->n_in; k++) {
    int64_t along = w->in[k].stride[w->ndim - 1];
    if (along != w->in[k].bytes && (along != 0 || !w->in[k].may_be_single)) return false;
    array = array || along != 0;
  }
  return array;
}

/* One plane: the last two axes. Long rows go one by one, short ones in blocks. */
static char *plane(const walk *w, char *out, const char *const *data) {
  int64_t rows = w->dim[w->ndim - 2], columns = w->dim[w->ndim - 1];
  int64_t high = columns < SHORT_ROW ? BLOCK / columns : 1;
  int64_t wide = high > 1 || needs_no_block(w) ? columns : BLOCK;
  for (int64_t r = 0; r < rows; r += high) {
    int64_t h = high < rows - r ? high : rows - r;
    for (int64_t j = 0; j < columns; j += wide) {
      const char *here[MLP_LOOP_INPUTS];
      int64_t n = wide < columns - j ? wide : columns - j;
      for (int k = 0; k < w->n_in; k++)
        here[k] = data[k] + r * w->in[k].stride[w->ndim - 2] + j * w->in[k].stride[w->ndim - 1];
      span(w, out, here, h, n);
      out += h * n * w->out_bytes;
    }
  }
  return out;
}

static void run_walk(const walk *w, char *out) {
  int64_t at[MLP_MAX_DIMS] = {0};
  const char *data[MLP_LOOP_INPUTS];
  for (int k = 0; k < w->n_in; k++) data[k] = w->in[k].data;
  for (;;) {
    out = plane(w, out, data);
    int axis = w->ndim - 3;
    for (; axis >= 0; axis--) { /* the next plane: an odometer over the outer axes */
      bool carry = ++at[axis] == w->dim[axis];
      int64_t steps = carry ? 1 - w->dim[axis] : 1;
      for (int k = 0; k < w->n_in; k++) data[k] += steps * w->in[k].stride[axis];
      if (!carry) break;
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/* ---- the short way --------------------------------------------------------------------------- */

/* Does t lie in memory as the contiguous `out` does? */
static bool lies_like(const mlp_tensor *t, const mlp_tensor *out) {
  bool same = t->shape.ndim == out->shape.ndim;
  for (int i = 0; same && i < out->shape.ndim; i++) {
    int64_t dim = out->shape.dim[i];
    same = t->shape.dim[i] == dim && (t->stride[i] == out->stride[i] || dim == 1);
  }
  return same;
}

/* Every input an array like the output, or a single number. */
static bool one_span(const mlp_call *c, unsigned may_be_single, mlp_span *s) {
  bool array = false;
  s->single = 0;
  for (int i = 0; i < c->n_in; i++) {
    const mlp_tensor *t = c->in[i];
    s->in[i] = mlp_tensor_data(t);
    if (lies_like(t, c->out[0]))
      array = true;
    else if (may_be_single >> i & 1 && mlp_tensor_count(t) == 1)
      s->single |= 1u << i;
    else
      return false;
  }
  return array;
}

static void many_spans(const mlp_call *c, unsigned may_be_single, mlp_span_run *run,
                       const void *context) {
  const mlp_tensor *out = c->out[0];
  walk w;
  w.ndim = 0, w.n_in = c->n_in, w.run = run, w.context = context;
  w.out_bytes = (int64_t)mlp_dtype_bytes(out->dtype);
  for (int i = 0; i < c->n_in; i++) {
    align(&w.in[i], c->in[i], &out->shape);
    w.in[i].may_be_single = may_be_single >> i & 1;
  }
  collapse(&w, &out->shape);
  run_walk(&w, mlp_tensor_data(out));
}

void mlp_loop(const mlp_call *c, unsigned may_be_single, mlp_span_run *run, const void *context) {
  mlp_span s;
  s.n = mlp_tensor_count(c->out[0]);
  if (s.n == 0) return;
  if (!one_span(c, may_be_single, &s)) {
    many_spans(c, may_be_single, run, context);
    return;
  }
  s.out = mlp_tensor_data(c->out[0]);
  run(&s, context);
}
