#include "tensor/context.h"

#include <string.h>

void mlp_context_init(mlp_context *x) {
  memset(x, 0, sizeof *x);
  mlp_memory_init(&x->memory);
}
