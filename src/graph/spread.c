/*
** What is cut along the batch, and in how many sweeps over it.
**
** A type inference: arguments that carry the batch are ROWS, everything from outside is SHARED, and
** each row's `tiling` says what its outputs are. A step with ROWS or REDUCED outputs is tiled, one
** that needs all rows at once (WHOLE) or none runs once. Law of cutting: the batch leads in every
** buffer that is cut (a tile is then a slice without gaps, with the steps of the whole), and no
** tiled step changes what it did not make.
**
** A sweep runs its single steps, in order, and then its tiled steps, tile by tile. Law of order: a
** step follows what it depends on. What a tiled step makes of rows is there for tiled steps of the
** same sweep; sums, and rows for a single step, are there in the next. What is finished (a sum, a
** whole) is SHARED for who reads it.
*/
#include <string.h>

#include "graph/program.h"

/* The latest sweeps in which a buffer was written and read so far. */
typedef struct {
  int written_once, written_tiled, read_once, read_tiled;
} traffic;

typedef struct {
  mlp_program *p;
  traffic *seen; /* (n_buffer) */
  int tested;    /* the latest sweep with a step that may end the replay */
} spreading;

/* ---- tiles ----------------------------------------------------------------------------------- */

/* The step's inputs as tensors that rows can look at. */
static void show_inputs(const mlp_program *p, const mlp_step *s, mlp_tensor *tensor,
                        mlp_tensor **in, mlp_tile *tile) {
  for (int i = 0; i < s->call.n_in; i++) {
    in[i] = NULL;
    tile[i] = (mlp_tile){.spread = MLP_SHARED};
    if (s->in[i] == MLP_NOWHERE) continue;
    const mlp_view *v = &p->view[s->in[i]];
    tensor[i] = (mlp_tensor){.refs = 1, .shape = v->shape, .dtype = v->dtype, .offset = v->offset};
    memcpy(tensor[i].stride, v->stride, sizeof v->stride);
    in[i] = &tensor[i];
    if (v->tile.spread == MLP_ROWS) tile[i] = v->tile;
  }
}

static bool leads(const mlp_shape *s, int axis) {
  for (int i = 0; i < axis; i++) {
    if (s->dim[i] != 1) return false;
  }
  return true;
}

static bool is_cut(const mlp_step *s, const mlp_tile *out) {
  bool rows = false;
  for (int i = 0; i < s->call.n_out; i++) {
    bool fresh = s->call.spec[i].view_of < 0;
    if (out[i].spread == MLP_WHOLE || out[i].spread == MLP_SHARED) return false;
    if (out[i].spread == MLP_ROWS && fresh && !leads(&s->call.spec[i].shape, out[i].axis))
      return false;
    rows = true;
  }
  return rows;
}

/* A tensor that is stretched over the batch is the same for every row, and can be cut with it. */
static bool try_stretched(const mlp_program *p, mlp_call *c, mlp_tile *in, mlp_tile rows, int i,
                          const mlp_step *s, mlp_tile *out) {
  const mlp_tensor *t = c->in[i];
  for (int a = 0; a < t->shape.ndim; a++) {
    if (t->stride[a] != 0 || t->shape.dim[a] != rows.multiple * p->batch || p->batch == 1) continue;
    in[i] = (mlp_tile){MLP_ROWS, a, rows.multiple};
    c->row->tiling(c, in, out);
    if (is_cut(s, out)) return true;
    in[i] = (mlp_tile){.spread = MLP_SHARED};
  }
  return false;
}

/* Asks the row; when it refuses, whether it would with stretched inputs cut too. */
static bool infer_tiles(const mlp_program *p, const mlp_step *s, mlp_call *c, mlp_tile *in,
                        mlp_tile *out) {
  mlp_tile rows = {.spread = MLP_SHARED};
  for (int i = 0; i < c->n_in; i++) {
    if (in[i].spread == MLP_ROWS) rows = in[i];
  }
  if (rows.spread != MLP_ROWS) return false;
  c->row->tiling(c, in, out);
  if (is_cut(s, out)) return true;
  for (int i = 0; i < c->n_in; i++) {
    if (c->in[i] && in[i].spread == MLP_SHARED && try_stretched(p, c, in, rows, i, s, out))
      return true;
  }
  return false;
}

/* In place on rows that a tiled step made. */
static bool may_write(const mlp_program *p, const mlp_step *s) {
  if (s->call.row->writes) return false;
  if (!s->call.in_place) return true;
  const mlp_buffer *b = mlp_buffer_of(p, s->in[0]);
  return b->origin == MLP_FROM_STEP && p->view[b->base].tile.spread == MLP_ROWS &&
         p->view[s->in[0]].tile.spread == MLP_ROWS;
}

static bool draws_in_order(const mlp_step *s, const mlp_tile *out) {
  if (!(s->call.row->flags & MLP_RANDOM)) return true;
  return out[0].spread == MLP_ROWS && leads(&s->call.spec[0].shape, out[0].axis);
}

/* What is added to must be cut as what is added. */
static bool adds_alike(const mlp_program *p, const mlp_step *s, const mlp_tile *out) {
  if (!s->call.accumulate) return true;
  const mlp_tile *to = &p->view[s->out[0]].tile;
  return to->spread == out[0].spread && to->axis == out[0].axis;
}

/* A large sum of products over a small batch: the product of all rows at once, split by its rows
** and columns, moves fewer bytes than adding to it tile after tile. */
static bool better_whole(const mlp_program *p, const mlp_step *s, const mlp_tile *out) {
  enum { LARGE = 1 << 19 };
  if (s->call.n_out != 1 || out[0].spread != MLP_REDUCED || s->call.spec[0].shape.ndim != 2)
    return false;
  int64_t m = s->call.spec[0].shape.dim[0], n = s->call.spec[0].shape.dim[1];
  int64_t bytes = m * n * (int64_t)mlp_dtype_bytes(s->call.spec[0].dtype);
  return bytes > LARGE && m * n / (m + n) > 192 && p->batch * (m + n) < 8 * m * n;
}

/* The stretched inputs of a tiled step are other views of the same numbers: cut ones. */
static mlp_status cut_inputs(mlp_program *p, mlp_step *s, const mlp_tile *in, mlp_error *e) {
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] == MLP_NOWHERE || in[i].spread != MLP_ROWS ||
        p->view[s->in[i]].tile.spread == MLP_ROWS)
      continue;
    mlp_view *longer = mlp_bag_grow(&p->bag, p->view, p->n_view, sizeof *longer);
    if (!longer) return mlp_no_memory(e, sizeof *longer);
    p->view = longer;
    mlp_view *cut = &p->view[p->n_view], *whole = &p->view[s->in[i]];
    *cut = *whole;
    cut->tile = in[i];
    whole->next = p->n_view;
    s->in[i] = p->n_view++;
  }
  return MLP_OK;
}

/* ---- sweeps ---------------------------------------------------------------------------------- */

static int later(int a, int b) { return a > b ? a : b; }

/* The first sweep in which s can read what is at view v. */
static int ready_to_read(const spreading *w, const mlp_step *s, int v) {
  const mlp_view *view = &w->p->view[v];
  const traffic *t = &w->seen[view->buffer];
  bool row_by_row = s->tiled && w->p->view[w->p->buffer[view->buffer].base].tile.spread == MLP_ROWS;
  return later(t->written_once, t->written_tiled + (row_by_row ? 0 : 1));
}

/* The first sweep in which s can write there. */
static int ready_to_write(const spreading *w, const mlp_step *s, int v) {
  const traffic *t = &w->seen[w->p->view[v].buffer];
  int after = s->tiled ? 0 : 1;
  return later(later(t->written_once, t->written_tiled + after),
               later(t->read_once, t->read_tiled + after));
}

static int first_sweep(const spreading *w, const mlp_step *s) {
  int sweep = 0;
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] == MLP_NOWHERE) continue;
    sweep = later(sweep, ready_to_read(w, s, s->in[i]));
    if (!mlp_call_writes(&s->call, i)) continue;
    sweep = later(sweep, ready_to_write(w, s, s->in[i]));
    if (mlp_buffer_of(w->p, s->in[i])->origin != MLP_FROM_STEP) sweep = later(sweep, w->tested);
  }
  if (s->call.accumulate) {
    bool sum = s->tiled && w->p->view[s->out[0]].tile.spread == MLP_REDUCED;
    const traffic *t = &w->seen[w->p->view[s->out[0]].buffer];
    sweep = later(sweep, sum ? t->written_tiled : ready_to_write(w, s, s->out[0]));
  }
  return sweep;
}

static void note_traffic(spreading *w, const mlp_step *s) {
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] == MLP_NOWHERE) continue;
    traffic *t = &w->seen[w->p->view[s->in[i]].buffer];
    int *read = s->tiled ? &t->read_tiled : &t->read_once;
    int *written = s->tiled ? &t->written_tiled : &t->written_once;
    *read = later(*read, s->sweep);
    if (mlp_call_writes(&s->call, i)) *written = later(*written, s->sweep);
  }
  for (int i = 0; i < s->call.n_out; i++) {
    if (s->call.spec[i].view_of >= 0) continue;
    traffic *t = &w->seen[w->p->view[s->out[i]].buffer];
    int *written = s->tiled ? &t->written_tiled : &t->written_once;
    *written = later(*written, s->sweep);
  }
  if (mlp_step_is_test(s)) w->tested = later(w->tested, s->sweep);
}

/* ---- homes ----------------------------------------------------------------------------------- */

/* A buffer of rows leaves the lane when a single step, or another sweep, looks at it. */
static void settle_homes(mlp_program *p) {
  for (int b = 0; b < p->n_buffer; b++) {
    mlp_buffer *buffer = &p->buffer[b];
    if (buffer->origin != MLP_FROM_STEP || buffer->base == MLP_NOWHERE) continue;
    mlp_spread spread = p->view[buffer->base].tile.spread;
    buffer->home = spread == MLP_ROWS      ? MLP_IN_LANE
                   : spread == MLP_REDUCED ? MLP_IN_SUM
                                           : MLP_IN_ARENA;
    if (buffer->kept && buffer->home != MLP_IN_SUM) buffer->home = MLP_IN_STORAGE;
  }
}

static void look_from(mlp_program *p, const mlp_step *s, int view, int *sweep_of) {
  if (view == MLP_NOWHERE) return;
  int b = p->view[view].buffer;
  if (p->buffer[b].home != MLP_IN_LANE) return;
  if (sweep_of[b] == MLP_NOWHERE) sweep_of[b] = s->sweep;
  if (!s->tiled || sweep_of[b] != s->sweep) p->buffer[b].home = MLP_IN_ARENA;
}

static mlp_status find_homes(mlp_program *p, mlp_error *e) {
  int *sweep_of = mlp_bag_take(&p->bag, ((size_t)p->n_buffer + 1) * sizeof *sweep_of);
  if (!sweep_of) return mlp_no_memory(e, (size_t)p->n_buffer * sizeof *sweep_of);
  for (int b = 0; b < p->n_buffer; b++) sweep_of[b] = MLP_NOWHERE;
  settle_homes(p);
  for (int k = 0; k < p->n_step; k++) {
    const mlp_step *s = &p->step[k];
    for (int i = 0; i < mlp_step_views(s) && !s->idle; i++)
      look_from(p, s, mlp_step_view(s, i), sweep_of);
  }
  return MLP_OK;
}

/* ---- the pass -------------------------------------------------------------------------------- */

static mlp_status spread_step(spreading *w, mlp_step *s, mlp_error *e) {
  mlp_program *p = w->p;
  size_t n = (size_t)s->call.n_in + 1;
  mlp_tensor *tensor = mlp_bag_take(&p->bag, n * sizeof *tensor);
  mlp_tensor **in = mlp_bag_take(&p->bag, n * sizeof *in);
  mlp_tile *tile = mlp_bag_take(&p->bag, n * sizeof *tile), out[MLP_MAX_OUTPUTS];
  if (!tensor || !in || !tile) return mlp_no_memory(e, n * sizeof *tensor);
  show_inputs(p, s, tensor, in, tile);
  mlp_call call = s->call;
  call.in = in;
  s->tiled = p->tiles && may_write(p, s) && infer_tiles(p, s, &call, tile, out) &&
             draws_in_order(s, out) && adds_alike(p, s, out) && !better_whole(p, s, out);
  if (s->tiled) MLP_TRY(cut_inputs(p, s, tile, e));
  for (int i = 0; i < s->call.n_out && s->tiled; i++) p->view[s->out[i]].tile = out[i];
  s->sweep = first_sweep(w, s);
  note_traffic(w, s);
  if (s->sweep + 1 > p->sweeps) p->sweeps = s->sweep + 1;
  return MLP_OK;
}

mlp_status mlp_pass_spread(mlp_program *p, mlp_error *e) {
  spreading w = {.p = p};
  size_t bytes = ((size_t)p->n_buffer + 1) * sizeof *w.seen;
  w.seen = mlp_bag_take(&p->bag, bytes);
  if (!w.seen) return mlp_no_memory(e, bytes);
  for (int b = 0; b < p->n_buffer; b++) w.seen[b].written_tiled = w.seen[b].read_tiled = -1;
  for (int k = 0; k < p->n_step; k++) MLP_TRY(spread_step(&w, &p->step[k], e));
  return find_homes(p, e);
}
