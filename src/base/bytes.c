#include "base/bytes.h"

#include <string.h>

enum {
  FIRST_ROOM = 4096, /* of a buffer that nobody gave a size */
  FRONT = 64         /* in front of a counted block: keeps the alignment of mlp_take */
};

mlp_status mlp_bytes_room(mlp_memory *m, mlp_bytes *b, size_t more, size_t limit, mlp_error *e) {
  if (b->capacity - b->size >= more) return MLP_OK;
  size_t wanted = b->capacity > limit / 2 ? limit : b->capacity * 2;
  if (wanted < b->size + more) wanted = b->size + more;
  if (wanted < FIRST_ROOM) wanted = limit < FIRST_ROOM ? limit : FIRST_ROOM;
  unsigned char *data = mlp_take(m, wanted);
  if (!data) return mlp_no_memory(e, wanted);
  if (b->size > 0) memcpy(data, b->data, b->size);
  mlp_give(m, b->data, b->capacity);
  b->data = data;
  b->capacity = wanted;
  return MLP_OK;
}

mlp_status mlp_bytes_append(mlp_memory *m, mlp_bytes *b, const void *from, size_t n, mlp_error *e) {
  if (n > SIZE_MAX - b->size) return mlp_no_memory(e, n);
  MLP_TRY(mlp_bytes_room(m, b, n, SIZE_MAX, e));
  if (n > 0) memcpy(b->data + b->size, from, n);
  b->size += n;
  return MLP_OK;
}

void mlp_bytes_drop(mlp_memory *m, mlp_bytes *b) {
  mlp_give(m, b->data, b->capacity);
  memset(b, 0, sizeof *b);
}

void *mlp_take_counted(mlp_memory *m, size_t bytes) {
  if (bytes > SIZE_MAX - FRONT) return NULL;
  size_t *front = mlp_take(m, bytes + FRONT);
  if (!front) return NULL;
  *front = bytes + FRONT;
  return (char *)front + FRONT;
}

void mlp_give_counted(mlp_memory *m, void *block) {
  if (!block) return;
  size_t *front = (size_t *)(void *)((char *)block - FRONT);
  mlp_give(m, front, *front);
}
