/*
** A plan from the inside: what plan.c sets up, replay.c runs and dump.c shows.
*/
#ifndef MLP_GRAPH_LAYOUT_H
#define MLP_GRAPH_LAYOUT_H

#include "graph/fragment.h"
#include "graph/plan.h"

/* The steps of one sweep, by number. Idle steps are in neither list. */
typedef struct {
  int *once, *tiled, *sum; /* sum: buffers that the sweep finishes */
  int n_once, n_tiled, n_sum;
  double tiled_seconds; /* a rough guess at one thread, for the decision to wake workers */
} mlp_sweep;

typedef struct {
  mlp_fragment full, rest; /* tiles of the plan's height, and the shorter last one */
  char *memory;            /* buffers, parts of sums, what is put aside, workspace */
  mlp_status status;
  mlp_error error;
} mlp_lane;

/* A buffer that outlives the replay. */
typedef struct {
  int buffer;
  mlp_tensor *tensor; /* the whole; a reference */
  mlp_tensor *leaf;   /* whose gradient it is, or NULL */
} mlp_keeper;

struct mlp_plan {
  mlp_program program;
  mlp_fragment once;
  mlp_sweep *sweep;
  int n_lane;
  mlp_lane *lane;
  int64_t lines; /* of products, for a row of the batch */
  int64_t height, n_tile;
  size_t *place;     /* (n_buffer) in the arena (IN_ARENA, IN_SUM) or in a lane (IN_LANE) */
  size_t *sum_place; /* (n_buffer) of a sum's part in every lane but the first */
  char *arena;
  size_t arena_bytes, lane_bytes, once_work, lane_work, lane_aside;
  char **data;        /* (n_buffer) where the whole lies, bound for this replay */
  int64_t *row_bytes; /* (n_buffer) a lane moves on by this much a row; 0: it stays */
  mlp_keeper *keeper;
  int n_keeper;
  int *drawn, n_drawn;     /* steps that draw */
  int *changed, n_changed; /* buffers of arguments and from outside that are changed in place */
  char untiled[MLP_ERROR_TEXT]; /* why it is not cut along the batch though it was wished; or "" */
  bool fixed;                   /* addresses that never move are bound */
};

#endif
