/*
** Compressed data by way of zlib: inflate, deflate, CRC-32. What comes out is never larger than
** the caller's limit, and memory grows only with bytes that were really decompressed, so a small
** hostile file cannot ask for a large block. Input must be one complete stream (for gzip: one or
** more members); a stream that ends early, or bytes after its end, are refused.
*/
#ifndef MLP_BASE_ZIP_H
#define MLP_BASE_ZIP_H

#include "base/bytes.h"

typedef enum {
  MLP_GZIP, /* RFC 1952 */
  MLP_ZLIB, /* RFC 1950 */
  MLP_RAW,  /* RFC 1951: what a zip archive holds */
  MLP_WRAPS
} mlp_wrap;

const char *mlp_wrap_name(mlp_wrap wrap);

/* Appends to `out`; on failure `out` holds what came before it, still the caller's to drop. */
mlp_status mlp_inflate(mlp_memory *m, mlp_bytes *out, const void *in, size_t n, mlp_wrap wrap,
                       size_t limit, mlp_error *e);

/* level: 0 (stored) to 9 (smallest), -1 for zlib's default. The same input gives the same bytes:
** a gzip header carries no name and no time. */
mlp_status mlp_deflate(mlp_memory *m, mlp_bytes *out, const void *in, size_t n, mlp_wrap wrap,
                       int level, mlp_error *e);

/* Of the bytes so far (0 before the first) and n more. */
uint32_t mlp_crc32(uint32_t so_far, const void *in, size_t n);

#endif
