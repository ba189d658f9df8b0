/*
** How many rows a tile has. Law: what the steps of a tile hand to each other stays in a cache until
** the last of them has read it.
**
** Products read their weights again for every tile, and want tall ones: as many rows as fill half
** of the L2 cache. Weights that overflow that half themselves come from memory for every tile: then
** tiles are as tall as may be. What counts for products is lines: a row that is a sequence of T
** positions has T of them.
**
** Without products there is nothing to read again, and each step does little with each number: half
** of the L1 cache, so that a chain of elementwise steps costs little more than one pass over what
** it begins and ends with.
*/
#include <unistd.h>

#include "graph/program.h"

enum { LEAST_LINES = 64, MOST_LINES = 512, LEAST_OF_CHAINS = 16 };
enum { GRAIN = 16 }; /* lines; products like multiples of it */

static int64_t quotient_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t mlp_lines_of_row(const mlp_recording *r, int64_t rows) {
  int64_t lines = 1;
  for (int64_t k = 0; k < r->n_node; k++) {
    const mlp_call *c = &r->node[k]->call;
    const mlp_shape *s = &c->spec[0].shape;
    if (!(c->row->flags & MLP_MATRICES) || s->ndim < 3 || s->dim[0] != rows) continue;
    int64_t width = s->dim[s->ndim - 1];
    int64_t own = width > 0 ? mlp_shape_count(s) / (rows * width) : 0;
    if (own > lines) lines = own;
  }
  return lines;
}

bool mlp_tiles_pay(int64_t rows, int64_t lines, int lanes) {
  return rows >= lanes && rows * lines >= (int64_t)LEAST_LINES * lanes;
}

typedef enum { L1, L2 } level;

static double cache_bytes(level l) {
#if defined(_SC_LEVEL1_DCACHE_SIZE) && defined(_SC_LEVEL2_CACHE_SIZE)
  long bytes = sysconf(l == L1 ? _SC_LEVEL1_DCACHE_SIZE : _SC_LEVEL2_CACHE_SIZE);
  if (bytes > 0) return (double)bytes;
#endif
  return l == L1 ? 1 << 15 : 1 << 20;
}

/* What there is to know of the steps that run tile by tile. */
typedef struct {
  bool products;
  double factors; /* bytes of whole factors (weights), which every tile reads again */
  double widest;  /* bytes of a row of the widest value */
} tiled_work;

static void look_at(const mlp_program *p, const mlp_step *s, tiled_work *w) {
  bool product = s->call.row->flags & MLP_MATRICES;
  w->products = w->products || product;
  for (int i = 0; i < mlp_step_views(s); i++) {
    int v = mlp_step_view(s, i);
    if (v == MLP_NOWHERE) continue;
    double bytes = mlp_view_bytes(p, v);
    bool rows = p->view[v].tile.spread == MLP_ROWS;
    if (rows && bytes / (double)p->batch > w->widest) w->widest = bytes / (double)p->batch;
    if (!rows && product && i < s->call.n_in) w->factors += bytes;
  }
}

static int64_t height_with_products(const tiled_work *w, int64_t lines, double lane_bytes) {
  double half = cache_bytes(L2) / 2;
  int64_t least = quotient_up(LEAST_LINES, lines), most = quotient_up(MOST_LINES, lines);
  if (w->factors > half || half > (double)most * lane_bytes) return most;
  int64_t height = (int64_t)(half / lane_bytes);
  return height > least ? height : least;
}

static int64_t height_of_chains(const tiled_work *w, double lane_bytes) {
  int64_t height = (int64_t)(cache_bytes(L1) / 2 / (w->widest + lane_bytes));
  return height > LEAST_OF_CHAINS ? height : LEAST_OF_CHAINS;
}

int64_t mlp_tile_height(const mlp_program *p, int lanes, int64_t lines, double lane_bytes) {
  tiled_work w = {.widest = 1};
  for (int k = 0; k < p->n_step; k++) {
    if (p->step[k].tiled && !p->step[k].idle) look_at(p, &p->step[k], &w);
  }
  int64_t most =
      w.products ? height_with_products(&w, lines, lane_bytes) : height_of_chains(&w, lane_bytes);
  int64_t per_lane = quotient_up(p->batch, lanes);
  int64_t height = quotient_up(per_lane, quotient_up(per_lane, most));
  int64_t grain = w.products ? quotient_up(GRAIN, lines) : 1;
  height = quotient_up(height, grain) * grain;
  return height < p->batch ? height : p->batch;
}
