/*
** PNG pictures by way of libpng, as rows of 8-bit samples without padding: grey (1 channel), grey
** and alpha (2), RGB (3), RGBA (4). Palettes are expanded, fewer than 8 bits are widened, 16 bits
** are scaled down and reported; gamma and colour profiles are ignored. libpng's errors become a
** refusal, its warnings are dropped, nothing is printed.
*/
#ifndef MLP_BASE_PNG_H
#define MLP_BASE_PNG_H

#include "base/bytes.h"

enum { MLP_PICTURE_SIDE = 1000000 }; /* pixels; libpng's own limit as well */

typedef struct {
  size_t height, width; /* 1 to MLP_PICTURE_SIDE each */
  int channels;
  int bit_depth; /* of the file: 1, 2, 4, 8 or 16 */
} mlp_picture;

/* Fills `pixels` (height, width, channels), at most `limit` bytes. Before anything of the header's
** size is taken, the header is held against the n bytes that are there. */
mlp_status mlp_png_decode(mlp_memory *m, mlp_bytes *pixels, mlp_picture *picture, const void *in,
                          size_t n, size_t limit, mlp_error *e);

/* Appends the file to `out`; picture->bit_depth is not looked at. `pixels` is as decode leaves it
** and not checked. */
mlp_status mlp_png_encode(mlp_memory *m, mlp_bytes *out, const mlp_picture *picture,
                          const void *pixels, mlp_error *e);

#endif
