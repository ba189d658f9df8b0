#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

mlp_status mlp_refuse(mlp_error *e, const char *format, ...) {
  va_list rest;
  va_start(rest, format);
  vsnprintf(e->text, sizeof e->text, format, rest);
  va_end(rest);
  return e->status = MLP_REFUSED;
}

mlp_status mlp_no_memory(mlp_error *e, size_t bytes) {
  snprintf(e->text, sizeof e->text, "out of memory: %zu bytes were asked for", bytes);
  return e->status = MLP_NO_MEMORY;
}
