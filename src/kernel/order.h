/*
** Order: sorting and selecting with positions. A value becomes a whole number that compares as the
** value should (bits of a float turned so that order holds, every NaN above everything, -0 equal to
** 0, all bits flipped for descending), so there is one sort for all dtypes and both directions,
** and it is stable: equal values keep their order.
*/
#ifndef MLP_KERNEL_ORDER_H
#define MLP_KERNEL_ORDER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  uint64_t key;  /* smaller comes first */
  int64_t place; /* from 0 */
} mlp_ordered;

/* item[i] of x[(from + i) * stride], for i in 0 .. n; tables by dtype: float32, float64, int64,
** uint8. */
typedef void mlp_order_keys(mlp_ordered *item, const void *x, int64_t from, int64_t n,
                            int64_t stride, bool descending);
extern mlp_order_keys *const mlp_order_keys_of[4];

/* Sorts n items, with room for n more; returns which of the two holds the result. */
mlp_ordered *mlp_order_sort(mlp_ordered *item, mlp_ordered *room, int64_t n);

/* `best` holds the first k, in order, of the items so far: n more arrive. Returns how many it holds
** now, `held` before. */
int64_t mlp_order_select(mlp_ordered *best, int64_t held, int64_t k, const mlp_ordered *item,
                         int64_t n);

#endif
