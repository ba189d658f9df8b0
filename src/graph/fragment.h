/*
** A program made concrete for a number of rows: tensors with addresses, calls that can run. A plan
** has one fragment for the steps that run once (all rows) and, for each lane, one for the height of
** its tiles and one for a shorter last tile.
**
** A storage of a fragment owns nothing: whoever runs the fragment points its data at the memory of
** the moment. Shapes of a tile follow from the rows' own infer, run again on tile-shaped inputs; a
** value that is a shape (MLP_ARG_SHAPE) is the shape of output 0, cut as that output is.
*/
#ifndef MLP_GRAPH_FRAGMENT_H
#define MLP_GRAPH_FRAGMENT_H

#include "graph/program.h"

typedef struct {
  int64_t rows;         /* of the batch */
  bool tiled;           /* holds the tiled steps, otherwise those that run once */
  mlp_storage *storage; /* (n_buffer) */
  mlp_tensor *tensor;   /* (n_view) */
  mlp_call *call;       /* (n_step); only those of its steps are filled */
  mlp_tensor **aside;   /* (n_step * MLP_MAX_OUTPUTS) a sum's part that run cannot add by itself, or
                           NULL */
  size_t work_bytes;    /* the most that a call wants */
  size_t aside_bytes;   /* the most that a step puts aside */
} mlp_fragment;

/* Memory comes from the program's bag. Refuses where a row does not fit the tile. */
mlp_status mlp_fragment_make(mlp_fragment *f, mlp_program *p, int64_t rows, bool tiled,
                             mlp_error *e);

#endif
