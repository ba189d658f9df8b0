/*
** The eager driver: infer, check, allocate, run, remember. A node is what is remembered: the row,
** its inputs (values where the derivative reads them, stand-ins elsewhere) and its hidden outputs.
** Nodes point backwards only, so the graph has no cycles and counting references frees it.
*/
#ifndef MLP_GRAPH_APPLY_H
#define MLP_GRAPH_APPLY_H

#include "op/op.h"

/*
** Runs the call. in and value are the caller's; on success out[0 .. row->n_out) are references that
** the caller drops, on failure nothing is held. With in_place set, out[0] is in[0] itself.
*/
mlp_status mlp_apply(mlp_call *c, mlp_error *e);

#endif
