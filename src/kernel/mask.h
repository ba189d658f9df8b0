/*
** Masks (uint8, nonzero is true): made by a test of each number, and used to choose between two
** arrays. Contiguous arrays; a result may be written over an operand exactly.
*/
#ifndef MLP_KERNEL_MASK_H
#define MLP_KERNEL_MASK_H

#include <stddef.h>
#include <stdint.h>

typedef enum { MLP_ISNAN, MLP_ISINF, MLP_ISFINITE, MLP_IS_ZERO, MLP_TESTS } mlp_test_id;

typedef void mlp_test_kernel(uint8_t *y, const void *x, int64_t n);

/* y = mask ? a : b */
typedef void mlp_where_kernel(void *y, const uint8_t *mask, const void *a, const void *b,
                              int64_t n);

/* By the size of an element: 4 bytes, 8, 1. */
typedef enum { MLP_WORD, MLP_LONG, MLP_BYTE, MLP_SIZES } mlp_size_class;

typedef struct {
  mlp_test_kernel *test[4][MLP_TESTS];   /* test[dtype][which]; NULL where there is no such test */
  mlp_where_kernel *where[MLP_SIZES][4]; /* form: bit 0, a is a single number; bit 1, b is */
} mlp_mask_kernels;

#endif
