/*
** What a function did, while it is being compiled: every call that ran, in order, gradient or not.
** A recording is the second holder of nodes beside the tape (node.h); its nodes keep of each value
** what a plan wants to know: shape, steps and the number of its storage. The values themselves are
** kept only where no recorded call made them: then they come from outside, or are constants.
**
** The gradients of leaves are state that calls read and leave behind without an operation; so a
** recording notes what each `grad` was before, and whether that was looked at.
**
** A rehearsal is a recording after which everything is as it was: values that outlive it are saved
** before they are changed, and put back with the random streams. What was rehearsed can then run
** for the first time as it will run ever after, to the same bits.
*/
#ifndef MLP_GRAPH_RECORDING_H
#define MLP_GRAPH_RECORDING_H

#include "base/bag.h"
#include "graph/node.h"

/* The gradient of a leaf. */
typedef struct {
  mlp_tensor *leaf, *before; /* references; before may be NULL */
  bool read;                 /* looked at before it was replaced: the plan holds for this one */
  bool written;
} mlp_noted_grad;

/* A tensor from outside, as the function found it. */
typedef struct {
  mlp_tensor *tensor; /* a reference */
  bool wants_grad;
} mlp_noted_tensor;

/* A storage from outside, and what it held before a recorded call changed it. */
typedef struct {
  mlp_tensor *tensor; /* a reference */
  void *before;
} mlp_saved_values;

/* A random stream, as it was before a recorded call drew from it. */
typedef struct {
  mlp_stream *stream;
  uint64_t serial;
} mlp_saved_stream;

typedef struct mlp_recording {
  mlp_context *context;
  mlp_bag bag;
  mlp_node **node;
  int64_t n_node;
  mlp_noted_grad *grad;
  int64_t n_grad;
  mlp_noted_tensor *outside;
  int64_t n_outside;
  uint64_t first_storage; /* storages from this id on are younger than the recording */
  uint8_t *made;          /* (n_made) by id - first_storage: a recorded call wrote it first */
  int64_t n_made;
  mlp_saved_values *saved;
  int64_t n_saved;
  mlp_saved_stream *drawn;
  int64_t n_drawn;
  bool rehearsal;      /* its end takes back what it changed */
  bool tolerant;       /* what cannot be recorded is noted, not refused */
  const char *gave_up; /* what could not be recorded: the name of a call, or NULL */
} mlp_recording;

void mlp_recording_start(mlp_recording *r, mlp_context *x, bool tolerant, bool rehearsal);

/* Ends it, however it went; frees everything. A rehearsal takes back what it changed. */
void mlp_recording_end(mlp_recording *r);

/* A call that is about to run: saves what it will change. */
mlp_status mlp_recording_before(mlp_recording *r, const mlp_call *c, mlp_error *e);

/* A call that has run. */
mlp_status mlp_recording_add(mlp_recording *r, const mlp_call *c, mlp_error *e);

/* Did a recorded call make this storage? */
bool mlp_recording_made(const mlp_recording *r, uint64_t storage_id);

/* Call before leaf->grad is read, or replaced. */
mlp_status mlp_recording_read_grad(mlp_recording *r, mlp_tensor *leaf, mlp_error *e);
mlp_status mlp_recording_write_grad(mlp_recording *r, mlp_tensor *leaf, mlp_error *e);

/* A value goes to Lua or comes from there, which a replay would not repeat: `who` is refused, or
** the recording gives up. */
mlp_status mlp_recording_forbid(mlp_recording *r, const char *who, const char *what, mlp_error *e);

#endif
