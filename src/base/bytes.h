/*
** A growable run of bytes, for codecs that learn how much they write only while they write. It
** grows by doubling, driven by bytes that really arrived, never by a size that a header claims.
** Also the allocator shown to libraries (zlib, libpng) that free a block without naming its size.
*/
#ifndef MLP_BASE_BYTES_H
#define MLP_BASE_BYTES_H

#include "base/memory.h"
#include "base/status.h"

/* All zero is an empty one. */
typedef struct {
  unsigned char *data;
  size_t size;     /* in use */
  size_t capacity; /* taken */
} mlp_bytes;

/* Makes room for at least `more` bytes beyond size; the capacity never passes `limit`, which the
** caller has checked to be at least size + more. The content is kept, also on failure. */
mlp_status mlp_bytes_room(mlp_memory *m, mlp_bytes *b, size_t more, size_t limit, mlp_error *e);

mlp_status mlp_bytes_append(mlp_memory *m, mlp_bytes *b, const void *from, size_t n, mlp_error *e);

/* Gives the block back and leaves an empty one: calling it twice is fine. */
void mlp_bytes_drop(mlp_memory *m, mlp_bytes *b);

/* malloc and free in manner: the size travels in front of the block. NULL when out of memory. */
void *mlp_take_counted(mlp_memory *m, size_t bytes);
void mlp_give_counted(mlp_memory *m, void *block);

#endif
