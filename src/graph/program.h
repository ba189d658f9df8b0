/*
** A recording, made ready to be replayed: buffers (blocks of numbers), views (tensors over them)
** and steps (calls on views), in the order in which they ran. Passes rewrite it, one law each:
**
**   dead.c        what nobody reads is not computed
**   same.c        what is computed twice is computed once
**   accumulate.c  a sum with a product is added to by the product
**   spread.c      what is cut along the batch, and in how many sweeps over it
**   reuse.c       a result takes the place of an operand that nobody reads again
**
** A plan (plan.h) is what runs it.
*/
#ifndef MLP_GRAPH_PROGRAM_H
#define MLP_GRAPH_PROGRAM_H

#include "graph/recording.h"

enum { MLP_NOWHERE = -1 };

/* Where the numbers of a buffer come from. */
typedef enum {
  MLP_FROM_ARGUMENT, /* of the compiled function, bound anew at every replay */
  MLP_FROM_OUTSIDE,  /* a tensor that the function reached by itself, or a constant */
  MLP_FROM_STEP      /* a step writes it first */
} mlp_origin;

/* Where the numbers of a buffer that a step makes lie. */
typedef enum {
  MLP_IN_LANE,   /* a tile at a time, in the lane's own memory */
  MLP_IN_SUM,    /* a sum over the batch: one part per lane, the first of them is the whole */
  MLP_IN_ARENA,  /* whole, in the memory of the plan */
  MLP_IN_STORAGE /* whole, in a storage that outlives the replay: a result, a gradient */
} mlp_home;

typedef struct {
  mlp_origin origin;
  uint64_t id;         /* of the storage, while it was recorded */
  int argument;        /* MLP_FROM_ARGUMENT: which one, from 0 */
  mlp_tensor *outside; /* MLP_FROM_OUTSIDE: a view of it; the program holds a reference */
  mlp_dtype dtype;
  int64_t count; /* elements of the whole */
  int base;      /* the view that it was first seen through: the whole, when a step makes it */
  bool kept;     /* a result, or the gradient of a leaf */
  bool written;  /* by a step; of an argument or from outside: by a change in place */
  mlp_home home;
  int place_of; /* the buffer whose place it takes, or MLP_NOWHERE */
} mlp_buffer;

typedef struct {
  int buffer;
  int next; /* the next view of the same buffer, or MLP_NOWHERE */
  mlp_dtype dtype;
  mlp_shape shape;
  int64_t stride[MLP_MAX_DIMS];
  int64_t offset; /* in elements; of an argument: after the argument's own */
  mlp_tile tile;
} mlp_view;

typedef struct {
  mlp_call call; /* row, values, spec, modes; in and out are views below */
  int *in;       /* (n_in) views, MLP_NOWHERE where an optional tensor is absent */
  int out[MLP_MAX_OUTPUTS];
  bool idle;  /* all outputs are views: nothing to run */
  bool tiled; /* runs once per tile of its sweep; otherwise once, before its sweep */
  int sweep;  /* from 0 */
} mlp_step;

/* The gradient that a leaf is left with. */
typedef struct {
  mlp_tensor *leaf;   /* references */
  mlp_tensor *before; /* must be there when `read`; may be NULL */
  bool read, written;
  int view; /* MLP_NOWHERE: none */
} mlp_leaf_grad;

typedef struct {
  mlp_context *context;
  mlp_bag bag;
  mlp_buffer *buffer;
  mlp_view *view;
  mlp_step *step;
  int n_buffer, n_view, n_step;
  int *argument; /* (n_argument) views */
  int n_argument;
  int *result; /* (n_result) views */
  int n_result;
  mlp_leaf_grad *grad;
  int n_grad;
  mlp_noted_tensor *outside; /* with references: what must want gradients as it did */
  int n_outside;
  bool tiles;    /* some arguments carry the batch */
  int64_t batch; /* rows */
  int sweeps;
} mlp_program;

typedef struct {
  mlp_tensor *const *argument;
  const bool *has_batch; /* (n_argument): its first axis is the batch */
  int n_argument;
  mlp_tensor *const *result;
  int n_result;
} mlp_face;

/* Refuses results whose history someone could still ask for. */
mlp_status mlp_program_make(mlp_program *p, const mlp_recording *r, const mlp_face *face,
                            mlp_error *e);
void mlp_program_drop(mlp_program *p);

/* ---- the passes ------------------------------------------------------------------------------ */

void mlp_pass_dead(mlp_program *p);
mlp_status mlp_pass_same(mlp_program *p, mlp_error *e);
void mlp_pass_accumulate(mlp_program *p);
mlp_status mlp_pass_spread(mlp_program *p, mlp_error *e);
void mlp_pass_reuse(mlp_program *p);

/* Lines that products have for a row of the batch: one where it is a vector, T where it is a
** sequence of T positions. */
int64_t mlp_lines_of_row(const mlp_recording *r, int64_t rows);

/* Does every lane get some rows, and lines enough to be worth its own? */
bool mlp_tiles_pay(int64_t rows, int64_t lines, int lanes);

/* The rows of a tile, the same in every tile as far as possible: height.c. A row has `lines`, and
** its values take `lane_bytes` in a lane. */
int64_t mlp_tile_height(const mlp_program *p, int lanes, int64_t lines, double lane_bytes);

/* ---- reading a program ----------------------------------------------------------------------- */

/* The views that a step touches, inputs before outputs; MLP_NOWHERE where an input is absent. */
static inline int mlp_step_views(const mlp_step *s) { return s->call.n_in + s->call.n_out; }
static inline int mlp_step_view(const mlp_step *s, int i) {
  return i < s->call.n_in ? s->in[i] : s->out[i - s->call.n_in];
}

/* When step k runs: sweep after sweep the single steps one by one, then the tiled ones, which are
** one moment for buffers that are not in a lane. */
int mlp_moment_of(const mlp_program *p, int k, bool in_lane);

/* Does it only look: no writing, no drawing? */
bool mlp_step_is_pure(const mlp_step *s);

/* Does it only test, and end the replay where numbers are not finite? */
bool mlp_step_is_test(const mlp_step *s);

/* 2 m n k of a product, counted over its outputs; 0 of anything else. */
double mlp_step_flops(const mlp_program *p, const mlp_step *s);

/* The step's values as far as its row reads them are the same. */
bool mlp_step_same_values(const mlp_step *a, const mlp_step *b);

/* Everything that looks at buffer `from` looks at `to`, which lies in memory alike. */
void mlp_merge_buffers(mlp_program *p, int from, int to);

/* Which view stands for each, (n_view): at first itself. NULL without memory. */
int *mlp_stand_ins(mlp_program *p);

/* The step reads what stands for its inputs. */
void mlp_step_redirect(mlp_step *s, const int *stand_in);

/* Takes out the steps that are marked. */
void mlp_program_without(mlp_program *p, const bool *gone);

static inline mlp_buffer *mlp_buffer_of(const mlp_program *p, int view) {
  return &p->buffer[p->view[view].buffer];
}

/* Of all its elements, all rows of a batch included. */
static inline double mlp_view_bytes(const mlp_program *p, int view) {
  const mlp_view *v = &p->view[view];
  return (double)mlp_shape_count(&v->shape) * (double)mlp_dtype_bytes(v->dtype);
}

/* Contiguous, and all of its buffer. */
bool mlp_view_is_whole(const mlp_program *p, int view);

#endif
