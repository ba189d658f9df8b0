#include "graph/plan.h"

#include <string.h>

#include "base/pool.h"
#include "graph/layout.h"
#include "graph/place.h"

/* ---- sweeps ---------------------------------------------------------------------------------- */

static int *take_ints(mlp_program *p, int n) {
  return mlp_bag_take(&p->bag, ((size_t)n + 1) * sizeof(int));
}

/* Seconds of one thread, from multiplications and bytes alone. */
static double guess_seconds(const mlp_program *p, const mlp_step *s) {
  const double FLOPS = 5e10, BYTES = 1e10;
  double bytes = 0;
  for (int i = 0; i < mlp_step_views(s); i++) {
    int v = mlp_step_view(s, i);
    if (v != MLP_NOWHERE) bytes += mlp_view_bytes(p, v);
  }
  return mlp_step_flops(p, s) / FLOPS + bytes / BYTES;
}

static mlp_status list_sweep(mlp_plan *plan, int number, mlp_error *e) {
  mlp_program *p = &plan->program;
  mlp_sweep *w = &plan->sweep[number];
  w->once = take_ints(p, p->n_step);
  w->tiled = take_ints(p, p->n_step);
  w->sum = take_ints(p, p->n_buffer);
  if (!w->once || !w->tiled || !w->sum) return mlp_no_memory(e, (size_t)p->n_step * sizeof(int));
  for (int k = 0; k < p->n_step; k++) {
    const mlp_step *s = &p->step[k];
    if (s->sweep != number || s->idle) continue;
    if (!s->tiled) {
      w->once[w->n_once++] = k;
      continue;
    }
    w->tiled[w->n_tiled++] = k;
    w->tiled_seconds += guess_seconds(p, s);
    for (int i = 0; i < s->call.n_out; i++) {
      bool sum = p->view[s->out[i]].tile.spread == MLP_REDUCED && !(i == 0 && s->call.accumulate);
      if (sum) w->sum[w->n_sum++] = p->view[s->out[i]].buffer;
    }
  }
  return MLP_OK;
}

/* ---- lifetimes ------------------------------------------------------------------------------- */

typedef struct {
  int first, last;
} lifetime;

/* Buffers that take another's place live as one. */
static int place_of(const mlp_program *p, int b) {
  while (p->buffer[b].place_of != MLP_NOWHERE) b = p->buffer[b].place_of;
  return b;
}

static void touch(const mlp_program *p, lifetime *life, int view, int k) {
  if (view == MLP_NOWHERE) return;
  int b = place_of(p, p->view[view].buffer);
  int now = mlp_moment_of(p, k, p->buffer[b].home == MLP_IN_LANE);
  if (life[b].first < 0 || now < life[b].first) life[b].first = now;
  if (now > life[b].last) life[b].last = now;
}

static lifetime *lifetimes_of(mlp_program *p) {
  lifetime *life = mlp_bag_take(&p->bag, ((size_t)p->n_buffer + 1) * sizeof *life);
  for (int b = 0; life && b < p->n_buffer; b++) life[b].first = life[b].last = -1;
  for (int k = 0; life && k < p->n_step; k++) {
    const mlp_step *s = &p->step[k];
    for (int i = 0; i < mlp_step_views(s) && !s->idle; i++) touch(p, life, mlp_step_view(s, i), k);
  }
  return life;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static bool lies_in(const mlp_plan *plan, int b, mlp_home home) {
  const mlp_buffer *buffer = &plan->program.buffer[b];
  bool sum_in_arena = home == MLP_IN_ARENA && buffer->home == MLP_IN_SUM && !buffer->kept;
  return buffer->origin == MLP_FROM_STEP && (buffer->home == home || sum_in_arena);
}

/* Places all buffers of one home; the bytes of it. A row takes count / batch elements. */
static mlp_status place_home(mlp_plan *plan, mlp_home home, int64_t rows, const lifetime *life,
                             size_t *bytes, mlp_error *e) {
  mlp_program *p = &plan->program;
  mlp_block *block = mlp_bag_take(&p->bag, ((size_t)p->n_buffer + 1) * sizeof *block);
  int n = 0;
  if (!block) return mlp_no_memory(e, (size_t)p->n_buffer * sizeof *block);
  for (int b = 0; b < p->n_buffer; b++) {
    if (!lies_in(plan, b, home) || place_of(p, b) != b || life[b].first < 0) continue;
    int64_t count = p->buffer[b].count;
    if (home == MLP_IN_LANE) count = count / p->batch * rows;
    block[n++] = (mlp_block){(size_t)count * mlp_dtype_bytes(p->buffer[b].dtype), life[b].first,
                             life[b].last, 0};
  }
  *bytes = mlp_place(block, n, &p->bag);
  n = 0;
  for (int b = 0; b < p->n_buffer; b++) {
    if (lies_in(plan, b, home) && place_of(p, b) == b && life[b].first >= 0)
      plan->place[b] = block[n++].at;
  }
  for (int b = 0; b < p->n_buffer; b++) plan->place[b] = plan->place[place_of(p, b)];
  return MLP_OK;
}

/* Lanes but the first have their own part of every sum. */
static size_t place_sums(mlp_plan *plan, size_t at) {
  mlp_program *p = &plan->program;
  for (int b = 0; b < p->n_buffer; b++) {
    if (p->buffer[b].origin != MLP_FROM_STEP || p->buffer[b].home != MLP_IN_SUM) continue;
    plan->sum_place[b] = at;
    at += mlp_whole_lines((size_t)p->buffer[b].count * mlp_dtype_bytes(p->buffer[b].dtype));
  }
  return at;
}

/* ---- tiles ----------------------------------------------------------------------------------- */

static mlp_status choose_height(mlp_plan *plan, int64_t wish, const lifetime *life, mlp_error *e) {
  enum { SAMPLE = 64 }; /* rows, enough to tell what one needs in a lane */
  const mlp_program *p = &plan->program;
  size_t bytes;
  if (wish > 0) {
    plan->height = wish < p->batch ? wish : p->batch;
    return MLP_OK;
  }
  MLP_TRY(place_home(plan, MLP_IN_LANE, SAMPLE, life, &bytes, e));
  plan->height = mlp_tile_height(p, plan->n_lane, plan->lines, (double)bytes / SAMPLE);
  return MLP_OK;
}

static mlp_status make_lanes(mlp_plan *plan, mlp_error *e) {
  mlp_program *p = &plan->program;
  plan->n_tile = (p->batch + plan->height - 1) / plan->height;
  if (plan->n_lane > plan->n_tile) plan->n_lane = (int)plan->n_tile;
  int64_t rest = p->batch % plan->height;
  plan->lane = mlp_bag_take(&p->bag, (size_t)plan->n_lane * sizeof *plan->lane);
  if (!plan->lane) return mlp_no_memory(e, (size_t)plan->n_lane * sizeof *plan->lane);
  for (int l = 0; l < plan->n_lane; l++) {
    mlp_lane *lane = &plan->lane[l];
    MLP_TRY(mlp_fragment_make(&lane->full, p, plan->height, true, e));
    if (rest && l == plan->n_lane - 1) MLP_TRY(mlp_fragment_make(&lane->rest, p, rest, true, e));
  }
  mlp_lane *last = &plan->lane[plan->n_lane - 1];
  plan->lane_work =
      mlp_whole_lines(last->full.work_bytes > last->rest.work_bytes ? last->full.work_bytes
                                                                    : last->rest.work_bytes);
  plan->lane_aside = mlp_whole_lines(last->full.aside_bytes);
  return MLP_OK;
}

/* ---- addresses that stay --------------------------------------------------------------------- */

/* Workspace, and where parts of sums are put aside. */
static void equip(mlp_plan *plan, mlp_fragment *f, char *work, char *aside) {
  for (int k = 0; k < plan->program.n_step; k++) {
    size_t used = 0;
    if (f->call[k].row) f->call[k].work = f->call[k].work_bytes ? work : NULL;
    for (int i = 0; i < MLP_MAX_OUTPUTS; i++) {
      mlp_tensor *t = f->aside[k * MLP_MAX_OUTPUTS + i];
      if (!t) continue;
      t->storage->data = aside + used;
      used += mlp_whole_lines((size_t)mlp_tensor_count(t) * mlp_dtype_bytes(t->dtype));
    }
  }
}

static void settle_lane(mlp_plan *plan, int l, mlp_fragment *f) {
  mlp_program *p = &plan->program;
  mlp_lane *lane = &plan->lane[l];
  if (f->rows == 0) return;
  for (int b = 0; b < p->n_buffer; b++) {
    const mlp_buffer *buffer = &p->buffer[b];
    if (buffer->origin != MLP_FROM_STEP) continue;
    if (buffer->home == MLP_IN_LANE) f->storage[b].data = lane->memory + plan->place[b];
  }
  char *end = lane->memory + plan->lane_bytes;
  equip(plan, f, end - plan->lane_work, end - plan->lane_work - plan->lane_aside);
}

/* How far a buffer that is cut, but lies whole, moves on with each row. */
static int64_t row_step(const mlp_program *p, int b) {
  const mlp_buffer *buffer = &p->buffer[b];
  if (buffer->base == MLP_NOWHERE || p->view[buffer->base].tile.spread != MLP_ROWS) return 0;
  const mlp_view *v = &p->view[buffer->base];
  bool in_lane = buffer->origin == MLP_FROM_STEP && buffer->home == MLP_IN_LANE;
  int64_t elements = v->tile.multiple * v->stride[v->tile.axis];
  return in_lane ? 0 : elements * (int64_t)mlp_dtype_bytes(buffer->dtype);
}

static mlp_status settle_addresses(mlp_plan *plan, mlp_error *e) {
  mlp_program *p = &plan->program;
  mlp_memory *m = &p->context->memory;
  plan->arena = mlp_take(m, plan->arena_bytes);
  if (!plan->arena) return mlp_no_memory(e, plan->arena_bytes);
  for (int b = 0; b < p->n_buffer; b++) {
    const mlp_buffer *buffer = &p->buffer[b];
    plan->row_bytes[b] = row_step(p, b);
    if (buffer->origin == MLP_FROM_OUTSIDE && buffer->outside)
      plan->data[b] = buffer->outside->storage->data;
    if (lies_in(plan, b, MLP_IN_ARENA)) plan->data[b] = plan->arena + plan->place[b];
    plan->once.storage[b].data = plan->data[b];
  }
  equip(plan, &plan->once, plan->arena + plan->arena_bytes - plan->once_work, NULL);
  for (int l = 0; l < plan->n_lane && plan->lane; l++) {
    plan->lane[l].memory = mlp_take(m, plan->lane_bytes);
    if (!plan->lane[l].memory) return mlp_no_memory(e, plan->lane_bytes);
    settle_lane(plan, l, &plan->lane[l].full);
    settle_lane(plan, l, &plan->lane[l].rest);
  }
  return MLP_OK;
}

/* ---- keepers --------------------------------------------------------------------------------- */

static mlp_tensor *leaf_of(const mlp_program *p, int buffer) {
  for (int i = 0; i < p->n_grad; i++) {
    int v = p->grad[i].view;
    if (v != MLP_NOWHERE && p->view[v].buffer == buffer) return p->grad[i].leaf;
  }
  return NULL;
}

static mlp_status list_keepers(mlp_plan *plan, mlp_error *e) {
  mlp_program *p = &plan->program;
  plan->keeper = mlp_bag_take(&p->bag, ((size_t)p->n_buffer + 1) * sizeof *plan->keeper);
  if (!plan->keeper) return mlp_no_memory(e, (size_t)p->n_buffer * sizeof *plan->keeper);
  for (int b = 0; b < p->n_buffer; b++) {
    const mlp_buffer *buffer = &p->buffer[b];
    if (!buffer->kept || buffer->origin != MLP_FROM_STEP || buffer->base == MLP_NOWHERE) continue;
    mlp_keeper *k = &plan->keeper[plan->n_keeper];
    k->buffer = b;
    k->leaf = leaf_of(p, b);
    k->tensor = mlp_tensor_new(p->context, buffer->dtype, &p->view[buffer->base].shape);
    if (!k->tensor) return mlp_no_memory(e, (size_t)buffer->count);
    plan->n_keeper++;
  }
  return MLP_OK;
}

/* ---- making ---------------------------------------------------------------------------------- */

static mlp_status take_lists(mlp_plan *plan, mlp_error *e) {
  mlp_program *p = &plan->program;
  size_t n = (size_t)p->n_buffer + 1;
  plan->sweep = mlp_bag_take(&p->bag, ((size_t)p->sweeps + 1) * sizeof *plan->sweep);
  plan->place = mlp_bag_take(&p->bag, n * sizeof *plan->place);
  plan->sum_place = mlp_bag_take(&p->bag, n * sizeof *plan->sum_place);
  plan->data = mlp_bag_take(&p->bag, n * sizeof *plan->data);
  plan->row_bytes = mlp_bag_take(&p->bag, n * sizeof *plan->row_bytes);
  if (!plan->sweep || !plan->place || !plan->sum_place || !plan->data || !plan->row_bytes)
    return mlp_no_memory(e, n * sizeof *plan->place);
  for (int i = 0; i < p->sweeps; i++) MLP_TRY(list_sweep(plan, i, e));
  return MLP_OK;
}

static bool has_tiles(const mlp_program *p) {
  for (int k = 0; k < p->n_step; k++) {
    if (p->step[k].tiled && !p->step[k].idle) return true;
  }
  return false;
}

static mlp_status list_effects(mlp_plan *plan, mlp_error *e) {
  mlp_program *p = &plan->program;
  plan->drawn = take_ints(p, p->n_step);
  plan->changed = take_ints(p, p->n_buffer);
  if (!plan->drawn || !plan->changed) return mlp_no_memory(e, (size_t)p->n_step * sizeof(int));
  for (int k = 0; k < p->n_step; k++) {
    if (p->step[k].call.row->flags & MLP_RANDOM) plan->drawn[plan->n_drawn++] = k;
  }
  for (int b = 0; b < p->n_buffer; b++) {
    if (p->buffer[b].origin != MLP_FROM_STEP && p->buffer[b].written)
      plan->changed[plan->n_changed++] = b;
  }
  return MLP_OK;
}

static mlp_status lay_out(mlp_plan *plan, const mlp_plan_wish *wish, mlp_error *e) {
  mlp_program *p = &plan->program;
  const lifetime *life = lifetimes_of(p);
  if (!life) return mlp_no_memory(e, (size_t)p->n_buffer * sizeof *life);
  MLP_TRY(take_lists(plan, e));
  MLP_TRY(mlp_fragment_make(&plan->once, p, p->batch, false, e));
  MLP_TRY(place_home(plan, MLP_IN_ARENA, 0, life, &plan->arena_bytes, e));
  plan->once_work = mlp_whole_lines(plan->once.work_bytes);
  plan->arena_bytes += plan->once_work;
  plan->n_lane = wish->lanes;
  if (has_tiles(p)) {
    MLP_TRY(choose_height(plan, wish->height, life, e));
    MLP_TRY(make_lanes(plan, e));
    MLP_TRY(place_home(plan, MLP_IN_LANE, plan->height, life, &plan->lane_bytes, e));
    plan->lane_bytes = place_sums(plan, plan->lane_bytes) + plan->lane_work + plan->lane_aside;
  }
  MLP_TRY(settle_addresses(plan, e));
  MLP_TRY(list_effects(plan, e));
  return list_keepers(plan, e);
}

static mlp_plan *make(const mlp_recording *r, const mlp_face *face, const mlp_plan_wish *wish,
                      int64_t lines, mlp_error *e) {
  mlp_memory *m = &r->context->memory;
  mlp_plan *plan = mlp_take_zeroed(m, sizeof *plan);
  if (!plan) {
    mlp_no_memory(e, sizeof *plan);
    return NULL;
  }
  plan->lines = lines;
  if (mlp_program_make(&plan->program, r, face, e) != MLP_OK) {
    mlp_give(m, plan, sizeof *plan);
    return NULL;
  }
  if (lay_out(plan, wish, e) == MLP_OK) return plan;
  mlp_plan_drop(plan);
  return NULL;
}

/* The rows of the batch, 0 when no argument carries it; refuses batches of different lengths. */
static mlp_status batch_of(const mlp_face *face, int64_t *rows, mlp_error *e) {
  char text[MLP_SHAPE_TEXT];
  *rows = 0;
  for (int k = 0, first = 0; k < face->n_argument; k++) {
    const mlp_shape *s = &face->argument[k]->shape;
    if (!face->has_batch[k]) continue;
    if (s->ndim == 0)
      return mlp_refuse(e, "compile: argument %d has no axis that could be the batch", k + 1);
    if (first++ == 0) *rows = s->dim[0];
    if (s->dim[0] != *rows)
      return mlp_refuse(e, "compile: argument %d is %s but the batch has %lld rows", k + 1,
                        mlp_shape_text(text, s), (long long)*rows);
  }
  return MLP_OK;
}

/* Tiles pay when every lane has some lines of its own; a smaller batch is one whole, whose products
** are split by their rows and columns instead. A row that does not follow its tiling is a mistake
** of ours, not of the caller's: then too the batch is one whole, and dump says why. */
mlp_plan *mlp_plan_make(const mlp_recording *r, const mlp_face *face, const mlp_plan_wish *wish,
                        mlp_error *e) {
  mlp_memory *m = &r->context->memory;
  mlp_face whole = *face;
  int64_t rows;
  size_t bytes = (size_t)face->n_argument + 1;
  if (batch_of(face, &rows, e) != MLP_OK) return NULL;
  int64_t lines = rows > 0 ? mlp_lines_of_row(r, rows) : 1;
  bool tiles = rows > 0 && (wish->height > 0 || mlp_tiles_pay(rows, lines, wish->lanes));
  mlp_plan *plan = tiles ? make(r, face, wish, lines, e) : NULL;
  if (plan) return plan;
  bool *none = mlp_take_zeroed(m, bytes);
  whole.has_batch = none;
  plan = none ? make(r, &whole, wish, 1, e) : NULL;
  if (plan && tiles) memcpy(plan->untiled, e->text, sizeof plan->untiled);
  mlp_give(m, none, bytes);
  return plan;
}

void mlp_plan_drop(mlp_plan *plan) {
  mlp_memory *m = &plan->program.context->memory;
  for (int i = 0; i < plan->n_keeper; i++) mlp_tensor_drop(plan->keeper[i].tensor);
  for (int l = 0; plan->lane && l < plan->n_lane; l++)
    mlp_give(m, plan->lane[l].memory, plan->lane_bytes);
  mlp_give(m, plan->arena, plan->arena_bytes);
  mlp_program_drop(&plan->program);
  mlp_give(m, plan, sizeof *plan);
}

int mlp_plan_results(const mlp_plan *p) { return p->program.n_result; }
size_t mlp_plan_bytes(const mlp_plan *p) {
  return p->arena_bytes + (p->lane ? (size_t)p->n_lane * p->lane_bytes : 0);
}
