/*
** Matrix products. Large ones go to OpenBLAS, small ones to loops of our own (product.h). The first
** product sets OpenBLAS's thread count, a global of the process, to one: our workers carry the
** parallelism. MLP_KEEP_BLAS_THREADS=1 in the environment leaves it alone.
*/
#ifndef MLP_KERNEL_BLAS_H
#define MLP_KERNEL_BLAS_H

#include <stdbool.h>
#include <stdint.h>

/*
** A factor as it lies in memory: rows `stride` elements apart, each contiguous. Swapped, it enters
** the product transposed. A factor of one row may have any stride.
*/
typedef struct {
  const void *data;
  int64_t stride;
  bool swapped;
} mlp_factor;

/* C (m, n) = alpha op(A) op(B) + beta S, row-major; op(A) is (m, k), op(B) is (k, n). S, `onto`,
** has rows `onto_row` apart: C itself, or one row for all (a bias, 0 apart). With beta = 0 neither
** S nor C is read. Any size may be 0. A large product is cut into as many parts as there are lanes
** (base/pool.h), by rows or columns of C. */
void mlp_gemm_onto_f32(float *c, int64_t ldc, mlp_factor a, mlp_factor b, float alpha, float beta,
                       const float *onto, int64_t onto_row, int64_t m, int64_t n, int64_t k);
void mlp_gemm_onto_f64(double *c, int64_t ldc, mlp_factor a, mlp_factor b, double alpha,
                       double beta, const double *onto, int64_t onto_row, int64_t m, int64_t n,
                       int64_t k);

/* The same onto C itself. */
static inline void mlp_gemm_f32(float *c, int64_t ldc, mlp_factor a, mlp_factor b, float alpha,
                                float beta, int64_t m, int64_t n, int64_t k) {
  mlp_gemm_onto_f32(c, ldc, a, b, alpha, beta, c, ldc, m, n, k);
}
static inline void mlp_gemm_f64(double *c, int64_t ldc, mlp_factor a, mlp_factor b, double alpha,
                                double beta, int64_t m, int64_t n, int64_t k) {
  mlp_gemm_onto_f64(c, ldc, a, b, alpha, beta, c, ldc, m, n, k);
}

/* Settles the thread count; whoever calls OpenBLAS by another way calls this before. */
void mlp_blas_settle(void);

typedef struct {
  const char *config;  /* name, version and build options, as the library states them */
  const char *kernels; /* the CPU its kernels are for, such as "SkylakeX" */
  const char *pinned;  /* OPENBLAS_CORETYPE in the environment, or NULL */
  bool held_below;     /* that variable gives this CPU kernels of an older instruction set */
  bool threads_kept;   /* MLP_KEEP_BLAS_THREADS=1 */
  int threads;         /* its thread count now */
} mlp_blas_facts;

mlp_blas_facts mlp_blas_info(void);

#endif
