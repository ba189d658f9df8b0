/*
** The table of rows, and what their infer functions share. Messages speak Lua: axes and positions
** count from 1.
*/
#include "op/op.h"

#include <string.h>

#define FAMILY(title)
#define X(name) extern const mlp_row mlp_row_##name;
#include "op/list.h"
#undef X

const mlp_row *const mlp_rows[] = {
#define X(name) &mlp_row_##name,
#include "op/list.h"
#undef X
    NULL};
#undef FAMILY

/* The list with its headings. */
static const struct {
  const char *family;
  const mlp_row *row;
} listed[] = {
#define FAMILY(title) {title, NULL},
#define X(name) {NULL, &mlp_row_##name},
#include "op/list.h"
#undef X
#undef FAMILY
};

const char *mlp_row_family(const mlp_row *row) {
  const char *family = "";
  for (size_t i = 0; i < sizeof listed / sizeof *listed; i++) {
    if (listed[i].family) family = listed[i].family;
    if (listed[i].row == row) break;
  }
  return family;
}

/* ---- outputs --------------------------------------------------------------------------------- */

mlp_status mlp_out(mlp_call *c, mlp_dtype dtype, const mlp_shape *shape, mlp_error *e) {
  MLP_TRY(mlp_shape_check(shape, c->row->name, e));
  mlp_spec *s = &c->spec[c->n_out++];
  s->dtype = dtype;
  s->shape = *shape;
  s->view_of = -1;
  return MLP_OK;
}

mlp_status mlp_out_like(mlp_call *c, const mlp_tensor *like, mlp_error *e) {
  return mlp_out(c, like->dtype, &like->shape, e);
}

mlp_status mlp_out_view(mlp_call *c, const mlp_shape *shape, const int64_t *stride, int64_t offset,
                        mlp_error *e) {
  MLP_TRY(mlp_out(c, c->in[0]->dtype, shape, e));
  mlp_spec *s = &c->spec[c->n_out - 1];
  s->view_of = 0;
  s->offset = offset;
  memcpy(s->stride, stride, (size_t)shape->ndim * sizeof *stride);
  return MLP_OK;
}

/* ---- what an input may be -------------------------------------------------------------------- */

static bool is_tensor(mlp_arg_kind kind) { return kind >= MLP_ARG_TENSOR && kind <= MLP_ARG_LIST; }

/* The argument that in[i] stands for; *place is its number among the tensor arguments. */
static const mlp_arg *argument_of(const mlp_call *c, int i, int *place) {
  int seen = 0, value = 0;
  *place = 0;
  for (const mlp_arg *a = c->row->arg; a < c->row->arg + MLP_MAX_ARGS && a->kind; a++) {
    if (a->kind == MLP_ARG_LIST) seen += (int)c->value[value].integer;
    if (is_tensor(a->kind) && a->kind != MLP_ARG_LIST) seen++;
    if (is_tensor(a->kind) && i < seen) return a;
    if (is_tensor(a->kind)) ++*place;
    if (!is_tensor(a->kind) || a->kind == MLP_ARG_LIST) value++;
  }
  return NULL;
}

const char *mlp_in_name(const mlp_call *c, int i) {
  int place;
  const mlp_arg *a = argument_of(c, i, &place);
  return a ? a->name : "input";
}

bool mlp_in_written(const mlp_call *c, int i) {
  int place;
  return c->row->writes && argument_of(c, i, &place) && c->row->writes >> place & 1;
}

mlp_status mlp_want_float(const mlp_call *c, int i, mlp_error *e) {
  if (!c->in[i] || mlp_is_float(c->in[i]->dtype)) return MLP_OK;
  return mlp_refuse(e, "%s: %s is %s but float32 or float64 is wanted (x:to(\"float32\") converts)",
                    c->row->name, mlp_in_name(c, i), mlp_dtype_name(c->in[i]->dtype));
}

mlp_status mlp_want_dtype(const mlp_call *c, int i, mlp_dtype dtype, mlp_error *e) {
  if (!c->in[i] || c->in[i]->dtype == dtype) return MLP_OK;
  return mlp_refuse(e, "%s: %s is %s but %s is wanted", c->row->name, mlp_in_name(c, i),
                    mlp_dtype_name(c->in[i]->dtype), mlp_dtype_name(dtype));
}

mlp_status mlp_want_same_dtype(const mlp_call *c, int i, int j, mlp_error *e) {
  if (!c->in[i] || !c->in[j] || c->in[i]->dtype == c->in[j]->dtype) return MLP_OK;
  return mlp_refuse(e, "%s: %s is %s but %s is %s; dtypes never mix, x:to(dtype) converts",
                    c->row->name, mlp_in_name(c, j), mlp_dtype_name(c->in[j]->dtype),
                    mlp_in_name(c, i), mlp_dtype_name(c->in[i]->dtype));
}

mlp_status mlp_want_ndim(const mlp_call *c, int i, int least, int most, mlp_error *e) {
  const mlp_tensor *t = c->in[i];
  char text[MLP_SHAPE_TEXT];
  if (!t || (t->shape.ndim >= least && t->shape.ndim <= most)) return MLP_OK;
  if (least == most)
    return mlp_refuse(e, "%s: %s is %s but a tensor of %d %s is wanted", c->row->name,
                      mlp_in_name(c, i), mlp_shape_text(text, &t->shape), least,
                      least == 1 ? "axis" : "axes");
  return mlp_refuse(e, "%s: %s is %s but a tensor of %d to %d axes is wanted", c->row->name,
                    mlp_in_name(c, i), mlp_shape_text(text, &t->shape), least, most);
}

mlp_status mlp_call_axis(mlp_call *c, int k, int i, mlp_error *e) {
  return mlp_axis_resolve(&c->value[k].integer, c->in[i]->shape.ndim, c->row->name, e);
}

mlp_status mlp_call_axes(mlp_call *c, int k, int i, mlp_error *e) {
  int ndim = c->in[i]->shape.ndim;
  bool chosen[MLP_MAX_DIMS] = {false};
  mlp_value *v = &c->value[k];
  for (int a = 0; v->list.n < 0 && a < ndim; a++) chosen[a] = true;
  for (int a = 0; a < v->list.n; a++) {
    int64_t axis = v->list.item[a];
    MLP_TRY(mlp_axis_resolve(&axis, ndim, c->row->name, e));
    if (chosen[axis])
      return mlp_refuse(e, "%s: axis %lld is named twice", c->row->name, (long long)axis + 1);
    chosen[axis] = true;
  }
  v->list.n = 0;
  for (int a = 0; a < ndim; a++) {
    if (chosen[a]) v->list.item[v->list.n++] = a;
  }
  return MLP_OK;
}

/* ---- tilings --------------------------------------------------------------------------------- */

static mlp_tile whole_tile(void) { return (mlp_tile){.spread = MLP_WHOLE}; }

void mlp_tiling_whole(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool shared = true;
  for (int i = 0; i < c->n_in; i++) shared = shared && (!c->in[i] || in[i].spread == MLP_SHARED);
  for (int i = 0; i < c->n_out; i++)
    out[i] = shared ? (mlp_tile){.spread = MLP_SHARED} : whole_tile();
}

/* Broadcasting aligns axes at the end, so the batch axis is compared by its distance from there.
** A shared input may not itself run along the batch axis: it would have to be cut. */
void mlp_tiling_elementwise(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  mlp_tile result = {.spread = MLP_SHARED};
  int ndim = c->spec[0].shape.ndim, from_end = 0;
  for (int i = 0; i < c->n_in; i++) {
    if (!c->in[i] || in[i].spread == MLP_SHARED) continue;
    int place = c->in[i]->shape.ndim - in[i].axis;
    if (in[i].spread != MLP_ROWS ||
        (from_end && (place != from_end || in[i].multiple != result.multiple))) {
      mlp_tiling_whole(c, in, out);
      return;
    }
    from_end = place;
    result = (mlp_tile){MLP_ROWS, ndim - place, in[i].multiple};
  }
  for (int i = 0; from_end && i < c->n_in; i++) {
    const mlp_tensor *t = c->in[i];
    if (t && in[i].spread == MLP_SHARED && t->shape.ndim >= from_end &&
        t->shape.dim[t->shape.ndim - from_end] != 1) {
      mlp_tiling_whole(c, in, out);
      return;
    }
  }
  for (int i = 0; i < c->n_out; i++) out[i] = result;
}

void mlp_tiling_rows(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  for (int i = 0; i < c->n_in; i++) {
    if (!c->in[i] || in[i].spread == MLP_SHARED) continue;
    bool last = in[i].spread == MLP_ROWS && in[i].axis == c->in[i]->shape.ndim - 1;
    if (in[i].spread != MLP_ROWS || last || i > 0) {
      mlp_tiling_whole(c, in, out);
      return;
    }
  }
  for (int i = 0; i < c->n_out; i++) out[i] = in[0];
}
