/*
** How many rows a tile has. Law: what the steps of a tile hand to each other stays in a cache until
** the last of them has read it.
**
** Products read their weights again for every tile, and want tall ones: as many rows as fill half
** of the L2 cache. Weights that overflow that half themselves come from memory for every tile: then
** tiles are as tall as may be.
**
** Without products there is nothing to read again, and each step does little with each number: half
** of the L1 cache, so that a chain of elementwise steps costs little more than one pass over what
** it begins and ends with.
*/
#include <unistd.h>

#include "graph/program.h"

enum { LEAST_HEIGHT = 64, MOST_HEIGHT = 512, LEAST_OF_CHAINS = 16 };
enum { GRAIN = 16 }; /* products like multiples of it */

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

static int64_t height_with_products(const tiled_work *w, double lane_bytes) {
  double half = cache_bytes(L2) / 2;
  if (w->factors > half || half > MOST_HEIGHT * lane_bytes) return MOST_HEIGHT;
  int64_t height = (int64_t)(half / lane_bytes);
  return height > LEAST_HEIGHT ? height : LEAST_HEIGHT;
}

static int64_t height_of_chains(const tiled_work *w, double lane_bytes) {
  int64_t height = (int64_t)(cache_bytes(L1) / 2 / (w->widest + lane_bytes));
  return height > LEAST_OF_CHAINS ? height : LEAST_OF_CHAINS;
}

int64_t mlp_tile_height(const mlp_program *p, int lanes, double lane_bytes) {
  tiled_work w = {.widest = 1};
  for (int k = 0; k < p->n_step; k++) {
    if (p->step[k].tiled && !p->step[k].idle) look_at(p, &p->step[k], &w);
  }
  int64_t most =
      w.products ? height_with_products(&w, lane_bytes) : height_of_chains(&w, lane_bytes);
  int64_t per_lane = (p->batch + lanes - 1) / lanes;
  int64_t tiles = (per_lane + most - 1) / most;
  int64_t height = (per_lane + tiles - 1) / tiles;
  if (w.products) height = (height + GRAIN - 1) / GRAIN * GRAIN;
  return height < p->batch ? height : p->batch;
}
