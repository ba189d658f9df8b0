/*
** hash_grid: features of points from a table, interpolated between the corners of one cell per
** level (Mueller et al. 2022, "Instant neural graphics primitives", section 3).
**
** Level l of 0 .. L-1 has floor(base growth^l) cells along every axis of the unit box. Its corners
** are numbered one by one while they fit into table_size rows, else hashed to them; the rows of all
** levels stand in one table, one level after another.
**
** With w_c the weight of corner c, D_V its derivative along the directions V, and t_c its features:
**
**   gather (x, t; V)     y = sum_c D_V w_c t_c
**   scatter(g, x; V)     the gradient of t:  t_c += D_V w_c g
**   slope  (g, x, t; V)  the gradient of x:  dx_e = sum_c D_V dw_c/dx_e (t_c . g)
**
** The derivative of each is one of the three with one direction more, or less, so gradients have
** gradients of any order. Weights are linear in each coordinate: with more directions than axes all
** is 0. Inside a cell the derivatives are exact; on the face between two cells they are those of
** the upper cell.
*/
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "kernel/kernel.h"
#include "op/build.h"

extern const mlp_row mlp_row_hash_grid, mlp_row_hash_grid_levels;
extern const mlp_row mlp_row_hash_grid_back, mlp_row_hash_grid_slope;

/* ---- levels ---------------------------------------------------------------------------------- */

enum { LEVELS, BASE, GROWTH, TABLE_SIZE, GRID_VALUES };

#define GRID_OPTIONS                                                                            \
  {MLP_ARG_INTEGER, "levels", "L, 1 to 32", "16", NULL, true},                                  \
      {MLP_ARG_NUMBER, "base", "cells of the coarsest level along an axis, from 1",             \
       "16",           NULL,   true},                                                           \
      {MLP_ARG_NUMBER, "growth", "from level to level, from 1", "1.5", NULL, true}, {           \
    MLP_ARG_INTEGER, "table_size", "most rows of a level, a power of 2 to 2^24", "16384", NULL, \
        true                                                                                    \
  }

static const double MOST_CELLS = 1 << 20; /* float32 tells positions apart to 2^-24 */

static mlp_status want_levels(const mlp_call *c, int axes, mlp_error *e) {
  const mlp_value *v = c->value;
  const char *name = c->row->name;
  int64_t size = v[TABLE_SIZE].integer;
  if (axes < 1 || axes > MLP_GRID_AXES)
    return mlp_refuse(e, "%s: points have %d coordinates but 1 to 3 are wanted", name, axes);
  if (v[LEVELS].integer < 1 || v[LEVELS].integer > MLP_GRID_LEVELS)
    return mlp_refuse(e, "%s: levels is %lld but 1 to %d are wanted", name,
                      (long long)v[LEVELS].integer, (int)MLP_GRID_LEVELS);
  if (!(v[BASE].number >= 1) || !(v[GROWTH].number >= 1))
    return mlp_refuse(e, "%s: base is %g and growth %g but numbers from 1 are wanted", name,
                      v[BASE].number, v[GROWTH].number);
  if (size < 1 || size > 1 << 24 || (size & (size - 1)))
    return mlp_refuse(e, "%s: table_size is %lld but a power of 2 up to 2^24 is wanted", name,
                      (long long)size);
  if (!(v[BASE].number * pow(v[GROWTH].number, (double)(v[LEVELS].integer - 1)) <= MOST_CELLS))
    return mlp_refuse(e, "%s: the finest level has more than 2^20 cells along an axis", name);
  return MLP_OK;
}

/* Rows of all levels together. A growth that was computed as a root may fall short of a whole
** number by its rounding, hence the 1e-9. */
static int64_t read_grid(mlp_grid *grid, const mlp_value *v, int axes, int64_t features) {
  int64_t rows = 0;
  grid->axes = axes;
  grid->levels = (int)v[LEVELS].integer;
  grid->features = features;
  for (int l = 0; l < grid->levels; l++) {
    double cells = floor(v[BASE].number * pow(v[GROWTH].number, l) * (1 + 1e-9));
    double corners = pow(cells + 1, axes);
    bool dense = corners <= (double)v[TABLE_SIZE].integer;
    int64_t entries = dense ? (int64_t)corners : v[TABLE_SIZE].integer;
    grid->level[l] = (mlp_grid_level){rows, entries, (int64_t)cells, dense};
    rows += entries;
  }
  return rows;
}

/* ---- hash_grid_levels ------------------------------------------------------------------------ */

enum { AXES = GRID_VALUES };

static mlp_status levels_infer(mlp_call *c, mlp_error *e) {
  int64_t axes = c->value[AXES].integer;
  MLP_TRY(want_levels(c, axes < 0 || axes > 99 ? 99 : (int)axes, e));
  mlp_shape shape = {2, {c->value[LEVELS].integer, 3}};
  return mlp_out(c, MLP_I64, &shape, e);
}

static void levels_run(mlp_call *c) {
  mlp_grid grid;
  int64_t *y = mlp_result(c, 0);
  read_grid(&grid, c->value, (int)c->value[AXES].integer, 1);
  for (int l = 0; l < grid.levels; l++, y += 3) {
    y[0] = grid.level[l].cells;
    y[1] = grid.level[l].entries;
    y[2] = grid.level[l].dense;
  }
}

const mlp_row mlp_row_hash_grid_levels = {
    .name = "hash_grid_levels",
    .doc =
        "The levels of a hash_grid, int64 (L, 3): cells along an axis, rows of the table, and 1 "
        "where corners are numbered one by one, 0 where they are hashed.",
    .arg = {GRID_OPTIONS, {MLP_ARG_INTEGER, "axes", "D, 1 to 3", "2", NULL, true}},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 1,
    .infer = levels_infer,
    .run = levels_run,
    .tiling = mlp_tiling_whole,
};

/* ---- what the three share -------------------------------------------------------------------- */

/* The grid of a call whose points are in[i]. */
static int64_t grid_of(mlp_grid *grid, const mlp_call *c, int points, int64_t features) {
  const mlp_shape *x = &c->in[points]->shape;
  return read_grid(grid, c->value, (int)x->dim[x->ndim - 1], features);
}

static int64_t points_in(const mlp_call *c, int points) {
  const mlp_shape *x = &c->in[points]->shape;
  return mlp_shape_count(x) / x->dim[x->ndim - 1];
}

/* Directions are the last inputs, from in[first] on. */
static mlp_grid_directions directions_of(const mlp_call *c, int first) {
  mlp_grid_directions v = {0};
  for (int i = first; i < c->n_in; i++) {
    if (c->in[i]) v.of[v.count++] = mlp_in(c, i);
  }
  return v;
}

/* One of the three rows on `head` inputs, with the directions of the call from in[first] on but for
** in[without], and `more` unless NULL. NULL where there are too many: the derivative is 0. */
static mlp_tensor *emit_grid(mlp_vjp *v, const mlp_row *row, int head, mlp_tensor *const *of,
                             int first, int without, mlp_tensor *more) {
  const mlp_call *c = v->call;
  mlp_tensor *in[3 + MLP_GRID_AXES] = {NULL};
  int n = head, most = row == &mlp_row_hash_grid_slope ? MLP_GRID_AXES - 1 : MLP_GRID_AXES;
  for (int i = 0; i < head; i++) {
    if (!of[i]) return NULL;
    in[i] = of[i];
  }
  for (int i = first; i < c->n_in; i++) {
    if (!c->in[i] || i == without) continue;
    if (n == head + most) return NULL;
    in[n++] = c->in[i];
  }
  if (more && n == head + most) return NULL;
  if (more) in[n++] = more;
  return mlp_emit(v, row, head + most, in, GRID_VALUES, c->value);
}

static bool points_tile(const mlp_call *c, const mlp_tile *in, int i) {
  return in[i].spread == MLP_ROWS && in[i].axis < c->in[i]->shape.ndim - 1;
}

/* Do all inputs but in[table], which is not the first, run along the batch alike? */
static bool rows_alike(const mlp_call *c, const mlp_tile *in, int table) {
  for (int i = 0; i < c->n_in; i++) {
    if (i == table || !c->in[i]) continue;
    if (!points_tile(c, in, i) || in[i].axis != in[0].axis || in[i].multiple != in[0].multiple)
      return false;
  }
  return in[table].spread == MLP_SHARED;
}

/* ---- gather: hash_grid ----------------------------------------------------------------------- */

enum { X, TABLE, GATHER_V };

static mlp_status want_table(const mlp_call *c, int axes, mlp_error *e) {
  mlp_grid grid;
  const mlp_shape *t = &c->in[TABLE]->shape;
  int64_t rows = read_grid(&grid, c->value, axes, t->dim[1]);
  char text[MLP_SHAPE_TEXT];
  if (t->dim[0] == rows) return MLP_OK;
  return mlp_refuse(e,
                    "%s: the table is %s but these levels want %lld rows (mlp.nn.HashGrid makes "
                    "it)",
                    c->row->name, mlp_shape_text(text, t), (long long)rows);
}

static mlp_status want_directions(const mlp_call *c, mlp_error *e) {
  char is[MLP_SHAPE_TEXT], want[MLP_SHAPE_TEXT];
  for (int i = GATHER_V; i < c->n_in; i++) {
    MLP_TRY(mlp_want_same_dtype(c, X, i, e));
    if (c->in[i] && !mlp_shape_equal(&c->in[i]->shape, &c->in[X]->shape))
      return mlp_refuse(e, "%s: %s is %s but the points are %s", c->row->name, mlp_in_name(c, i),
                        mlp_shape_text(is, &c->in[i]->shape),
                        mlp_shape_text(want, &c->in[X]->shape));
  }
  return MLP_OK;
}

static mlp_status gather_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, X, e));
  MLP_TRY(mlp_want_same_dtype(c, X, TABLE, e));
  MLP_TRY(mlp_want_ndim(c, X, 1, MLP_MAX_DIMS, e));
  MLP_TRY(mlp_want_ndim(c, TABLE, 2, 2, e));
  mlp_shape shape = c->in[X]->shape;
  int64_t axes = shape.dim[shape.ndim - 1];
  MLP_TRY(want_levels(c, axes > 99 ? 99 : (int)axes, e));
  MLP_TRY(want_table(c, (int)axes, e));
  MLP_TRY(want_directions(c, e));
  shape.dim[shape.ndim - 1] = c->value[LEVELS].integer * c->in[TABLE]->shape.dim[1];
  return mlp_out(c, c->in[X]->dtype, &shape, e);
}

static void gather_run(mlp_call *c) {
  mlp_grid grid;
  mlp_grid_directions v = directions_of(c, GATHER_V);
  grid_of(&grid, c, X, c->in[TABLE]->shape.dim[1]);
  mlp_kernel()->grid.gather[c->in[X]->dtype](mlp_result(c, 0), mlp_in(c, X), mlp_in(c, TABLE), &v,
                                             &grid, 0, grid.levels, points_in(c, X));
}

static void gather_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0), *x = mlp_input(v, X), *t = mlp_input(v, TABLE);
  if (mlp_wanted(v, TABLE))
    mlp_give_grad(
        v, TABLE,
        emit_grid(v, &mlp_row_hash_grid_back, 2, (mlp_tensor *[]){g, x}, GATHER_V, -1, NULL));
  for (int i = 0; i < v->call->n_in; i++) { /* of the points, and of each direction */
    if (i == TABLE || !v->call->in[i] || !mlp_wanted(v, i)) continue;
    mlp_give_grad(
        v, i,
        emit_grid(v, &mlp_row_hash_grid_slope, 3, (mlp_tensor *[]){g, x, t}, GATHER_V, i, NULL));
  }
}

static void gather_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  if (rows_alike(c, in, TABLE))
    out[0] = in[X];
  else
    mlp_tiling_whole(c, in, out);
}

#define ARG_POINTS \
  { MLP_ARG_TENSOR, "x", "points (..., D), D from 1 to 3, in 0..1", NULL, NULL, false }
#define ARG_TABLE \
  { MLP_ARG_TENSOR, "table", "features (rows, F)", NULL, NULL, false }
#define ARG_GRADIENT \
  { MLP_ARG_TENSOR, "g", "gradient (..., L F)", NULL, NULL, false }
#define ARG_ALONG(name)                                                                           \
  {                                                                                               \
    MLP_ARG_MAYBE, name, "(..., D) a direction: the features are differentiated along it", "nil", \
        NULL, true                                                                                \
  }
#define ARG_DIRECTION(name) \
  { MLP_ARG_MAYBE, name, "direction (..., D)", "nil", NULL, false }

const mlp_row mlp_row_hash_grid = {
    .name = "hash_grid",
    .doc =
        "Features (..., L F) of points, interpolated on L grids whose corners look into a table "
        "(Mueller et al. 2022, section 3).\n"
        "Level l of 0 .. L-1 has floor(base growth^l) cells along an axis; its corners are "
        "numbered while they fit into table_size rows, else hashed. Points outside 0..1 count as "
        "the nearest inside, and get no gradient. nn.HashGrid holds a table.",
    .arg = {ARG_POINTS, ARG_TABLE, ARG_ALONG("along"), ARG_ALONG("along2"), ARG_ALONG("along3"),
            GRID_OPTIONS},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 1,
    .save_in = 31,
    .infer = gather_infer,
    .run = gather_run,
    .vjp = gather_vjp,
    .tiling = gather_tiling,
};

/* ---- scatter: hash_grid_back ----------------------------------------------------------------- */

enum { G, SCATTER_X, SCATTER_V };

static mlp_status scatter_infer(mlp_call *c, mlp_error *e) {
  mlp_grid grid;
  const mlp_shape *g = &c->in[G]->shape;
  int64_t features = g->dim[g->ndim - 1] / c->value[LEVELS].integer;
  mlp_shape shape = {2, {grid_of(&grid, c, SCATTER_X, features), features}};
  return mlp_out(c, c->in[G]->dtype, &shape, e);
}

/* Levels share no row of the table, so lanes take levels. */
typedef struct {
  mlp_call *c;
  mlp_grid grid;
  mlp_grid_directions v;
  int parts;
} level_cut;

static void scatter_part(void *context, int part) {
  level_cut *cut = context;
  mlp_call *c = cut->c;
  const mlp_dtype dtype = c->spec[0].dtype;
  int64_t first, count = mlp_share(cut->grid.levels, 1, cut->parts, part, &first);
  const mlp_grid_level *begin = &cut->grid.level[first], *end = begin + count - 1;
  size_t row = (size_t)cut->grid.features * mlp_dtype_bytes(dtype);
  memset((char *)mlp_result(c, 0) + (size_t)begin->offset * row, 0,
         (size_t)(end->offset + end->entries - begin->offset) * row);
  mlp_kernel()->grid.scatter[dtype](mlp_result(c, 0), mlp_in(c, G), mlp_in(c, SCATTER_X), &cut->v,
                                    &cut->grid, (int)first, (int)(first + count),
                                    points_in(c, SCATTER_X));
}

static void scatter_run(mlp_call *c) {
  const double corner_seconds = 2e-9;
  level_cut cut = {.c = c, .v = directions_of(c, SCATTER_V)};
  grid_of(&cut.grid, c, SCATTER_X, c->spec[0].shape.dim[1]);
  int64_t corners = (points_in(c, SCATTER_X) * cut.grid.levels) << cut.grid.axes;
  bool large = (double)corners * corner_seconds > MLP_PARALLEL_SECONDS;
  cut.parts = large ? mlp_free_lanes() : 1;
  if (cut.parts > cut.grid.levels) cut.parts = cut.grid.levels;
  mlp_parallel(cut.parts, scatter_part, &cut);
}

/* Its gradient is itself a table. */
static void scatter_vjp(mlp_vjp *v) {
  mlp_tensor *u = mlp_grad_out(v, 0), *g = mlp_input(v, G), *x = mlp_input(v, SCATTER_X);
  if (mlp_wanted(v, G))
    mlp_give_grad(v, G,
                  emit_grid(v, &mlp_row_hash_grid, 2, (mlp_tensor *[]){x, u}, SCATTER_V, -1, NULL));
  for (int i = SCATTER_X; i < v->call->n_in; i++) {
    if (!v->call->in[i] || !mlp_wanted(v, i)) continue;
    mlp_give_grad(
        v, i,
        emit_grid(v, &mlp_row_hash_grid_slope, 3, (mlp_tensor *[]){g, x, u}, SCATTER_V, i, NULL));
  }
}

const mlp_row mlp_row_hash_grid_back = {
    .name = "hash_grid_back",
    .doc = "the gradient of hash_grid's table: features added up by corner",
    .arg = {ARG_GRADIENT, ARG_POINTS, ARG_DIRECTION("v1"), ARG_DIRECTION("v2"), ARG_DIRECTION("v3"),
            GRID_OPTIONS},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 31,
    .infer = scatter_infer,
    .run = scatter_run,
    .vjp = scatter_vjp,
    .tiling = mlp_tiling_whole, /* a table for each tile would cost more than the points do */
};

/* ---- slope: hash_grid_slope ------------------------------------------------------------------ */

enum { SLOPE_G, SLOPE_X, SLOPE_TABLE, SLOPE_V };

static mlp_status slope_infer(mlp_call *c, mlp_error *e) {
  return mlp_out_like(c, c->in[SLOPE_X], e);
}

static void slope_run(mlp_call *c) {
  mlp_grid grid;
  mlp_grid_directions v = directions_of(c, SLOPE_V);
  grid_of(&grid, c, SLOPE_X, c->in[SLOPE_TABLE]->shape.dim[1]);
  memset(mlp_result(c, 0), 0,
         (size_t)mlp_shape_count(&c->spec[0].shape) * mlp_dtype_bytes(c->spec[0].dtype));
  mlp_kernel()->grid.slope[c->spec[0].dtype](mlp_result(c, 0), mlp_in(c, SLOPE_G),
                                             mlp_in(c, SLOPE_X), mlp_in(c, SLOPE_TABLE), &v, &grid,
                                             0, grid.levels, points_in(c, SLOPE_X));
}

/* The gradient u of dx is one direction more. */
static void slope_vjp(mlp_vjp *v) {
  mlp_tensor *u = mlp_grad_out(v, 0), *g = mlp_input(v, SLOPE_G), *x = mlp_input(v, SLOPE_X);
  mlp_tensor *t = mlp_input(v, SLOPE_TABLE);
  if (!u) return;
  if (mlp_wanted(v, SLOPE_G))
    mlp_give_grad(v, SLOPE_G,
                  emit_grid(v, &mlp_row_hash_grid, 2, (mlp_tensor *[]){x, t}, SLOPE_V, -1, u));
  if (mlp_wanted(v, SLOPE_TABLE))
    mlp_give_grad(v, SLOPE_TABLE,
                  emit_grid(v, &mlp_row_hash_grid_back, 2, (mlp_tensor *[]){g, x}, SLOPE_V, -1, u));
  for (int i = SLOPE_X; i < v->call->n_in; i++) {
    if (i == SLOPE_TABLE || !v->call->in[i] || !mlp_wanted(v, i)) continue;
    mlp_give_grad(
        v, i, emit_grid(v, &mlp_row_hash_grid_slope, 3, (mlp_tensor *[]){g, x, t}, SLOPE_V, i, u));
  }
}

static void slope_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  if (rows_alike(c, in, SLOPE_TABLE))
    out[0] = in[SLOPE_X];
  else
    mlp_tiling_whole(c, in, out);
}

const mlp_row mlp_row_hash_grid_slope = {
    .name = "hash_grid_slope",
    .doc = "the gradient of hash_grid's points",
    .arg = {ARG_GRADIENT, ARG_POINTS, ARG_TABLE, ARG_DIRECTION("v1"), ARG_DIRECTION("v2"),
            GRID_OPTIONS},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 31,
    .infer = slope_infer,
    .run = slope_run,
    .vjp = slope_vjp,
    .tiling = slope_tiling,
};
