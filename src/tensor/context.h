/*
** What one Lua state shares among its tensors: memory, the default random stream, modes. Nothing
** here is process-wide. The graph floor hangs its own hooks in (drop_node) so that this floor need
** not know what a node is.
*/
#ifndef MLP_TENSOR_CONTEXT_H
#define MLP_TENSOR_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/random.h"

struct mlp_node;
struct mlp_recording;

typedef struct mlp_context {
  mlp_memory memory;
  mlp_stream stream;      /* the default generator; mlp.manual_seed sets it */
  int64_t no_grad_depth;  /* history is recorded while this is 0 */
  uint64_t next_sequence; /* of the next node: a later node never feeds an earlier one */
  int64_t live_tensors;   /* tensor objects, views included */
  void (*drop_node)(struct mlp_context *x, struct mlp_node *node);
  struct mlp_node *dying; /* nodes waiting to be freed, so that long chains need no recursion */
  bool draining;          /* someone is freeing them */
  uint64_t next_walk;     /* of the next walk over the graph */
  uint64_t next_storage;  /* id of the next storage */
  struct mlp_recording *recording; /* what is being compiled, or NULL */
} mlp_context;

void mlp_context_init(mlp_context *x);

#endif
