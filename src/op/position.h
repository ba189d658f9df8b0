/*
** Naming an element in a message as the user would: "index[2, 3]", counted from 1.
*/
#ifndef MLP_OP_POSITION_H
#define MLP_OP_POSITION_H

#include "op/op.h"

enum { MLP_POSITION_TEXT = 24 * MLP_MAX_DIMS };

/* `place` counts the elements of in[i] from 0 in row-major order; of a part of a batch the position
** in the whole is named. The buffer is returned. */
const char *mlp_position_text(char text[static MLP_POSITION_TEXT], const mlp_call *c, int i,
                              int64_t place);

#endif
