/*
** What rows of optimizer steps share. A row takes the whole list of parameters with their gradients
** and moments, list after list, and then `hyper`, a float64 tensor of named slots, and updates all
** in one pass. What varies from step to step stands in hyper alone, and the row itself counts its
** steps there, so that a recorded step can be replayed.
**
** A method that treats each number by itself is a row of facts, mlp_method: how its lists and slots
** lie, and how the constants of its loop (kernel/update.h) follow from hyper.
*/
#ifndef MLP_OP_STEP_H
#define MLP_OP_STEP_H

#include "kernel/kernel.h"
#include "op/op.h"

enum { MLP_STEP_LISTS = 5, MLP_STEP_SLOTS = 12 };

typedef struct {
  int lists;    /* of tensors like the parameters, these included */
  int optional; /* lists from this one on may be empty */
  int slots;    /* of hyper */
  int count;    /* the slot that holds the number of steps taken */
  mlp_step_id loop;
  /* What the loop reads, from hyper; false when there is nothing to do but to count. */
  bool (*constants)(const double *hyper, mlp_step_constants *k);
} mlp_method;

mlp_status mlp_method_infer(const mlp_method *m, mlp_call *c, mlp_error *e);
void mlp_method_run(const mlp_method *m, mlp_call *c);

/* ---- for methods that look at whole matrices ------------------------------------------------- */

/* Tensor i of a list. in[] is list after list, then hyper; value[k] is the length of list k. */
mlp_tensor *mlp_listed(const mlp_call *c, int list, int i);

/* Refuses unless tensor i of the list has the dtype (and the shape) of parameter i. */
mlp_status mlp_want_like_parameter(const mlp_call *c, int list, int i, const mlp_shape *shape,
                                   mlp_error *e);

/* Refuses unless the parameters are floats and every list has their number of tensors; those from
** `optional` on may be empty. */
mlp_status mlp_want_lists(const mlp_call *c, int lists, int optional, mlp_error *e);

/* Refuses unless hyper, which stands behind so many lists, has so many slots. */
mlp_status mlp_want_hyper(const mlp_call *c, int lists, int slots, mlp_error *e);

double *mlp_hyper_slot(const mlp_call *c, int lists, int slot);
void mlp_read_hyper(const mlp_call *c, int lists, int slots, double h[MLP_STEP_SLOTS]);

/* The numbers of t in a block: its own, or copies in `room`; and these back into t. */
void *mlp_packed(const mlp_tensor *t, void *room);
void mlp_unpack(const mlp_tensor *t, const void *packed);

/* Runs the loop over tensor i of the n lists named, parameters first, through their strides;
** `update`, if not NULL, stands in for the numbers of the second list, which arrive contiguous. */
void mlp_step_parameter(const mlp_call *c, int i, int n, const int *list, mlp_step_id loop,
                        const void *update, const mlp_step_constants *k);

#define MLP_PARAMETERS \
  { MLP_ARG_LIST, "parameters", "updated in place", NULL, NULL, false }
#define MLP_GRADIENTS \
  { MLP_ARG_LIST, "gradients", "one per parameter", NULL, NULL, false }
#define MLP_MOMENT(name, doc) \
  { MLP_ARG_LIST, name, doc, NULL, NULL, false }
#define MLP_HYPER(slots) \
  { MLP_ARG_TENSOR, "hyper", "float64: " slots, NULL, NULL, false }

#endif
