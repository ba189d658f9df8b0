#include "graph/fragment.h"

#include <string.h>

/* ---- tensors --------------------------------------------------------------------------------- */

/* View v as the program has it, cut to the fragment's rows where it is cut at all. */
static void import(mlp_fragment *f, const mlp_program *p, int v) {
  const mlp_view *view = &p->view[v];
  mlp_tensor *t = &f->tensor[v];
  if (t->refs) return; /* a step of the fragment made it */
  *t = (mlp_tensor){.refs = 1,
                    .context = p->context,
                    .storage = &f->storage[view->buffer],
                    .offset = view->offset,
                    .shape = view->shape,
                    .dtype = view->dtype};
  memcpy(t->stride, view->stride, sizeof t->stride);
  if (f->tiled && view->tile.spread == MLP_ROWS)
    t->shape.dim[view->tile.axis] = view->tile.multiple * f->rows;
}

static void describe(mlp_tensor *t, const mlp_program *p, const mlp_spec *s, mlp_storage *storage) {
  *t = (mlp_tensor){
      .refs = 1, .context = p->context, .storage = storage, .shape = s->shape, .dtype = s->dtype};
  mlp_shape_strides(t->stride, &s->shape);
}

/* ---- one step -------------------------------------------------------------------------------- */

static mlp_status take_inputs(mlp_fragment *f, mlp_program *p, const mlp_step *s, mlp_call *c,
                              mlp_error *e) {
  size_t bytes = ((size_t)c->n_in + 1) * sizeof *c->in;
  c->in = mlp_bag_take(&p->bag, bytes);
  if (!c->in) return mlp_no_memory(e, bytes);
  for (int i = 0; i < c->n_in; i++) {
    if (s->in[i] == MLP_NOWHERE) continue;
    import(f, p, s->in[i]);
    c->in[i] = &f->tensor[s->in[i]];
    if (f->tiled && p->view[s->in[i]].tile.spread == MLP_ROWS) c->cut |= 1ull << (i < 63 ? i : 63);
  }
  return MLP_OK;
}

/* Cuts values that are shapes. */
static void cut_values(const mlp_fragment *f, const mlp_program *p, const mlp_step *s,
                       mlp_call *c) {
  const mlp_tile *out = &p->view[s->out[0]].tile;
  int k = 0;
  if (out->spread != MLP_ROWS) return;
  for (const mlp_arg *a = c->row->arg; a < c->row->arg + MLP_MAX_ARGS && a->kind; a++) {
    if (a->kind == MLP_ARG_SHAPE) c->value[k].list.item[out->axis] = out->multiple * f->rows;
    k += a->kind == MLP_ARG_LIST || (a->kind >= MLP_ARG_NUMBER && a->kind != MLP_ARG_STREAM);
  }
}

/* The row's answer for the tile must be the part of its answer for the whole that was foreseen. */
static mlp_status want_foreseen(const mlp_fragment *f, const mlp_program *p, const mlp_step *s,
                                const mlp_call *c, mlp_error *e) {
  bool fits = c->n_out == s->call.n_out;
  for (int i = 0; i < c->n_out && fits; i++) {
    mlp_shape whole = s->call.spec[i].shape;
    const mlp_tile *tile = &p->view[s->out[i]].tile;
    if (tile->spread == MLP_ROWS) whole.dim[tile->axis] = tile->multiple * f->rows;
    fits = mlp_shape_equal(&c->spec[i].shape, &whole) &&
           (c->spec[i].view_of < 0) == (s->call.spec[i].view_of < 0);
  }
  return fits ? MLP_OK : mlp_refuse(e, "compile: %s does not follow its tiling", c->row->name);
}

static mlp_status infer_again(const mlp_fragment *f, const mlp_program *p, const mlp_step *s,
                              mlp_call *c, mlp_error *e) {
  c->n_out = 0;
  c->work_bytes = 0;
  cut_values(f, p, s, c);
  MLP_TRY(c->row->infer(c, e));
  return want_foreseen(f, p, s, c, e);
}

/* A part of a sum that run cannot add by itself goes beside it first. */
static mlp_status put_aside(mlp_fragment *f, mlp_program *p, int k, int i, mlp_error *e) {
  mlp_call *c = &f->call[k];
  size_t bytes = sizeof(mlp_tensor) + sizeof(mlp_storage);
  mlp_tensor *t = mlp_bag_take(&p->bag, bytes);
  if (!t) return mlp_no_memory(e, bytes);
  describe(t, p, &c->spec[i], (mlp_storage *)(t + 1));
  f->aside[k * MLP_MAX_OUTPUTS + i] = t;
  c->out[i] = t;
  f->aside_bytes += mlp_whole_lines((size_t)mlp_tensor_count(t) * mlp_dtype_bytes(t->dtype));
  return MLP_OK;
}

static mlp_status make_output(mlp_fragment *f, mlp_program *p, int k, int i, mlp_error *e) {
  const mlp_step *s = &p->step[k];
  mlp_call *c = &f->call[k];
  mlp_tensor *t = &f->tensor[s->out[i]];
  bool sum = f->tiled && p->view[s->out[i]].tile.spread == MLP_REDUCED;
  if (!f->tiled || (c->in_place && i == 0) || c->accumulate) {
    import(f, p, s->out[i]);
  } else if (c->spec[i].view_of >= 0) {
    *t = *c->in[c->spec[i].view_of];
    t->shape = c->spec[i].shape;
    t->offset = c->spec[i].offset;
    memcpy(t->stride, c->spec[i].stride, sizeof t->stride);
  } else {
    describe(t, p, &c->spec[i], &f->storage[p->view[s->out[i]].buffer]);
  }
  c->out[i] = t;
  bool adds = i == 0 && (c->row->flags & MLP_ADDS);
  return sum && !adds ? put_aside(f, p, k, i, e) : MLP_OK;
}

static mlp_status make_call(mlp_fragment *f, mlp_program *p, int k, mlp_error *e) {
  const mlp_step *s = &p->step[k];
  mlp_call *c = &f->call[k];
  size_t aside_before = f->aside_bytes;
  *c = s->call;
  c->part_rows = f->tiled ? f->rows : 0;
  MLP_TRY(take_inputs(f, p, s, c, e));
  if (f->tiled) MLP_TRY(infer_again(f, p, s, c, e));
  f->aside_bytes = 0;
  for (int i = 0; i < c->n_out; i++) MLP_TRY(make_output(f, p, k, i, e));
  if (f->aside_bytes < aside_before) f->aside_bytes = aside_before;
  if (!s->idle && c->work_bytes > f->work_bytes) f->work_bytes = c->work_bytes;
  return MLP_OK;
}

/* ---- the fragment ---------------------------------------------------------------------------- */

mlp_status mlp_fragment_make(mlp_fragment *f, mlp_program *p, int64_t rows, bool tiled,
                             mlp_error *e) {
  size_t n_step = (size_t)p->n_step + 1;
  *f = (mlp_fragment){.rows = rows, .tiled = tiled};
  f->storage = mlp_bag_take(&p->bag, ((size_t)p->n_buffer + 1) * sizeof *f->storage);
  f->tensor = mlp_bag_take(&p->bag, ((size_t)p->n_view + 1) * sizeof *f->tensor);
  f->call = mlp_bag_take(&p->bag, n_step * sizeof *f->call);
  f->aside = mlp_bag_take(&p->bag, n_step * MLP_MAX_OUTPUTS * sizeof *f->aside);
  if (!f->storage || !f->tensor || !f->call || !f->aside)
    return mlp_no_memory(e, n_step * sizeof *f->call);
  for (int k = 0; k < p->n_step; k++) {
    if (p->step[k].tiled == tiled) MLP_TRY(make_call(f, p, k, e));
  }
  return MLP_OK;
}
