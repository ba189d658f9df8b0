/*
** Moving elements without reading them: by width, not by dtype. Index 0, 1, 2 is an element of 1, 4
** or 8 bytes. Steps count elements.
*/
#ifndef MLP_KERNEL_MOVE_H
#define MLP_KERNEL_MOVE_H

#include <stdint.h>

enum { MLP_WIDTHS = 3 };

/* dst[i * dst_step] = src[i * src_step] */
typedef void mlp_move_line(void *dst, int64_t dst_step, const void *src, int64_t src_step,
                           int64_t n);

/* dst[r * dst_step + c] = src[c * src_step + r], r < rows, c < columns */
typedef void mlp_move_transpose(void *dst, int64_t dst_step, const void *src, int64_t src_step,
                                int64_t rows, int64_t columns);

/* dst[i] = src[(place[i] - 1) * src_step + i * drift]: places count from 1 */
typedef void mlp_move_gather(void *dst, const void *src, int64_t src_step, int64_t drift,
                             const int64_t *place, int64_t n);

/* dst[(place[i] - 1) * dst_step + i * drift] = src[i * src_step], in the order of i */
typedef void mlp_move_scatter(void *dst, int64_t dst_step, int64_t drift, const void *src,
                              int64_t src_step, const int64_t *place, int64_t n);

static inline int mlp_width_index(int64_t bytes) { return bytes == 1 ? 0 : bytes == 4 ? 1 : 2; }

typedef struct {
  mlp_move_line *line[MLP_WIDTHS];
  mlp_move_transpose *transpose[MLP_WIDTHS];
  mlp_move_gather *gather[MLP_WIDTHS];
  mlp_move_scatter *scatter[MLP_WIDTHS];
} mlp_move_kernels;

#endif
