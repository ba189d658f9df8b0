/*
** A plan: a program with memory, ready to be replayed. Nothing is allocated while it runs but the
** storages that outlive it (results, gradients), and those only when someone still holds the last
** ones. Memory of the intermediate values is one arena, and one piece for each lane.
**
** Lanes: the tiles of a sweep are cut into `lanes` runs of neighbours. A lane works through its
** tiles in order, in its own memory, and keeps its own part of every sum; parts are added in the
** order of the lanes. So results depend on the number of lanes, never on who runs them.
*/
#ifndef MLP_GRAPH_PLAN_H
#define MLP_GRAPH_PLAN_H

#include "graph/program.h"
#include "graph/recording.h"

typedef struct mlp_plan mlp_plan;

typedef struct {
  int lanes;
  int64_t height; /* rows of a tile; 0: chosen by cache size and widths */
} mlp_plan_wish;

/* NULL when it is refused (see mlp_program_make) or there is no memory. */
mlp_plan *mlp_plan_make(const mlp_recording *r, const mlp_face *face, const mlp_plan_wish *wish,
                        mlp_error *e);
void mlp_plan_drop(mlp_plan *p);

/* Do these arguments, and the state of what was captured, look as they did when it was recorded? */
bool mlp_plan_fits(const mlp_plan *p, mlp_tensor *const *argument, int n);

/* Runs it n times with the same arguments. On success result[] are the last run's, as many as there
** were: references that the caller drops. On failure nothing that comes later than the failing step
** was written. */
mlp_status mlp_plan_repeat(mlp_plan *p, int64_t n, mlp_tensor *const *argument, mlp_tensor **result,
                           mlp_error *e);

/* The results of the last successful replay once more. */
mlp_status mlp_plan_last(mlp_plan *p, mlp_tensor *const *argument, mlp_tensor **result,
                         mlp_error *e);

int mlp_plan_results(const mlp_plan *p);
size_t mlp_plan_bytes(const mlp_plan *p);

/* Describes every step; `line` is handed one line after the other. */
void mlp_plan_dump(const mlp_plan *p, void (*line)(void *context, const char *text), void *context);

#endif
