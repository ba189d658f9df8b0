/*
** PNG pictures by way of libpng, as rows of samples without padding: grey (1 channel), grey and
** alpha (2), RGB (3), RGBA (4). Reading widens fewer bits and expands palettes, or gives positions
** in the palette; interlaced files are read and written; gamma and colour profiles are ignored.
** Samples of 16 bits are big-endian. libpng's errors become a refusal, its warnings are dropped,
** nothing is printed.
*/
#ifndef MLP_BASE_PNG_H
#define MLP_BASE_PNG_H

#include <stdbool.h>

#include "base/bytes.h"

enum {
  MLP_PICTURE_SIDE = 1000000, /* pixels; libpng's own limit as well */
  MLP_PALETTE = 256           /* colours */
};

typedef struct {
  size_t height, width; /* 1 to MLP_PICTURE_SIDE each */
  int channels;
  int bit_depth; /* of the file: 1, 2, 4, 8 or 16 */
  bool interlaced;
  size_t colors;                         /* of the palette; 0: none, or expanded */
  unsigned char palette[MLP_PALETTE][4]; /* red, green, blue, alpha */
} mlp_picture;

/* What a reader is to give. */
typedef struct {
  size_t limit;   /* bytes of samples */
  int depth;      /* bits per sample: 8, or 16 */
  bool positions; /* in the palette, from 0; a file without one is refused */
} mlp_png_wish;

/* Fills `pixels` (height, width, channels). Before anything of the header's size is taken, the
** header is held against the n bytes that are there. */
mlp_status mlp_png_decode(mlp_memory *m, mlp_bytes *pixels, mlp_picture *picture, const void *in,
                          size_t n, const mlp_png_wish *wish, mlp_error *e);

/* Appends the file to `out`. `pixels` is as decode leaves it: one byte per sample when bit_depth
** is 8 or less, of which one channel uses the lower bits; positions when there are colors. The
** samples are not checked. */
mlp_status mlp_png_encode(mlp_memory *m, mlp_bytes *out, const mlp_picture *picture,
                          const void *pixels, mlp_error *e);

#endif
