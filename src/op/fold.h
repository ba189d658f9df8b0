/*
** The walk of a fold (kernel/reduce.h) over any set of axes of a strided tensor, without copying
** it. Axes of length 1 vanish, reduced axes may change places with any neighbour (a fold does not
** mind), and neighbours that lie in memory like one axis become one. Then one run of reduced axes
** at a time is folded away, the innermost first, until none is left: along it when its elements are
** adjacent, across whole rows when a kept axis is.
*/
#ifndef MLP_OP_FOLD_H
#define MLP_OP_FOLD_H

#include "kernel/reduce.h"
#include "op/op.h"

/* Bytes for partial results of type `to` while folding `axes` (resolved) of x. */
size_t mlp_fold_work(const mlp_tensor *x, const mlp_value *axes, mlp_dtype to);

/* y (contiguous, type `to`) = fold of x over `axes`: `first` meets the elements of x, `rest` joins
** partial results. */
void mlp_fold_run(void *y, mlp_dtype to, const mlp_tensor *x, const mlp_value *axes,
                  const mlp_fold *first, const mlp_fold *rest, void *work);

/* The same with a shifted fold: `shift` is contiguous and has a number per result. */
void mlp_fold_shifted(void *y, const mlp_tensor *x, const mlp_value *axes,
                      const mlp_shifted_fold *first, const void *shift, const mlp_fold *rest,
                      void *work);

/* Is axis a in the resolved list? */
bool mlp_axes_hold(const mlp_value *axes, int a);

/* How many elements of x meet in one result. */
int64_t mlp_axes_count(const mlp_shape *x, const mlp_value *axes);

/* The shape that is left: reduced axes go away or become 1. */
mlp_shape mlp_axes_shape(const mlp_shape *x, const mlp_value *axes, bool keepdim);

#endif
