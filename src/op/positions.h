/*
** Index tensors hold positions as the user wrote them: int64, from 1. This is the one place that
** refuses a position outside 1 .. length.
*/
#ifndef MLP_OP_POSITIONS_H
#define MLP_OP_POSITIONS_H

#include "op/op.h"

/* Refuses unless every element of in[i] (contiguous, int64) lies in 1 .. length; names the first
** that does not: `gather: index[2, 3] is 0, but positions count from 1 to 10`. */
mlp_status mlp_check_positions(const mlp_call *c, int i, int64_t length, mlp_error *e);

#endif
