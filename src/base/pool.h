/*
** Worker threads: one pool per process, made at first use. Work is cut into parts; results depend
** on the parts alone, never on who runs them: with no worker free (another Lua state has them all,
** threads cannot be made, a part asks for parts of its own) the caller runs every part itself, in
** order. Workers have all signals blocked, spin for a moment before they sleep, own nothing of any
** Lua state, and are forgotten in a forked child.
**
** Waking workers costs microseconds: work of less than MLP_PARALLEL_SECONDS is not worth it.
*/
#ifndef MLP_BASE_POOL_H
#define MLP_BASE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#define MLP_PARALLEL_SECONDS 50e-6

enum { MLP_MOST_LANES = 64 };

typedef void mlp_part(void *context, int part);

/* Runs run(context, 0 .. parts - 1), each once, and returns when all have run. */
void mlp_parallel(int parts, mlp_part *run, void *context);

/* Into how many parts work is cut, a setting of the process. At first: MLP_THREADS of the
** environment, or the processors this process may use; 1 with MLP_KEEP_BLAS_THREADS=1. */
int mlp_lanes(void);
void mlp_set_lanes(int lanes); /* 1 .. MLP_MOST_LANES */

/* How many threads at most run parts, the caller's among them; more than the lanes change nothing.
** For specs: results do not depend on it. */
void mlp_set_threads(int threads);

/* As mlp_lanes, but 1 inside a part: what an operation may cut its own work into. */
int mlp_free_lanes(void);

/* Part `part` of `parts` of 0 .. n - 1, cut at multiples of `grain`: from *first, the number of it
** is returned. */
int64_t mlp_share(int64_t n, int64_t grain, int parts, int part, int64_t *first);

#endif
