/*
** How floors 0 to 4 say no. A function that may refuse returns mlp_status and writes one sentence
** into the caller's mlp_error; nothing here prints, exits or raises. The border (src/bind) turns
** the sentence into a Lua error at the caller's line.
*/
#ifndef MLP_BASE_STATUS_H
#define MLP_BASE_STATUS_H

#include <stddef.h>

typedef enum {
  MLP_OK = 0,
  MLP_REFUSED,  /* a mistake of the caller: shape, dtype, value, state */
  MLP_NO_MEMORY /* an allocation failed, or was made to fail by a test */
} mlp_status;

enum { MLP_ERROR_TEXT = 512 };

typedef struct {
  mlp_status status;
  char text[MLP_ERROR_TEXT];
} mlp_error;

#if defined(__GNUC__)
#define MLP_PRINTF(fmt, rest) __attribute__((format(printf, fmt, rest)))
#else
#define MLP_PRINTF(fmt, rest)
#endif

/* Writes the sentence; always returns MLP_REFUSED, so `return mlp_refuse(e, ...)` reads well. */
mlp_status mlp_refuse(mlp_error *e, const char *format, ...) MLP_PRINTF(2, 3);

/* Says how many bytes were asked for; always returns MLP_NO_MEMORY. */
mlp_status mlp_no_memory(mlp_error *e, size_t bytes);

#define MLP_TRY(call)                              \
  do {                                             \
    mlp_status try_status_ = (call);               \
    if (try_status_ != MLP_OK) return try_status_; \
  } while (0)

#endif
