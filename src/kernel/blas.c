#include "kernel/blas.h"

#include <cblas.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"

/*
** Below this many multiplications a product runs in our own loops. Measured on AVX-512 with
*OpenBLAS
** 0.3.21, whose calls cost 0.1 to 0.3 us before the first multiplication.
*/
enum { SMALL = 4096 };

/* ---- the thread count ---------------------------------------------------------------------------
 */

static bool threads_kept(void) {
  const char *keep = getenv("MLP_KEEP_BLAS_THREADS");
  return keep && strcmp(keep, "1") == 0;
}

/* Mirrors a global of OpenBLAS, so it is one too: whether the count has been settled. */
static atomic_bool settled;

static void settle_threads(void) {
  if (atomic_load_explicit(&settled, memory_order_acquire)) return;
  if (!threads_kept()) openblas_set_num_threads(1);
  atomic_store_explicit(&settled, true, memory_order_release);
}

/* ---- products -----------------------------------------------------------------------------------
 */

/* A stride that BLAS accepts: a factor of one row may come with any. */
static int64_t leading(mlp_factor f, int64_t rows, int64_t columns) {
  int64_t width = f.swapped ? rows : columns;
  return f.stride > width ? f.stride : width > 1 ? width : 1;
}

static bool fits_blas(int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc) {
  return m <= INT_MAX && n <= INT_MAX && k <= INT_MAX && lda <= INT_MAX && ldb <= INT_MAX &&
         ldc <= INT_MAX;
}

/* A product of so few multiplications is ours; the rest is BLAS's, as far as its ints reach. */
static bool is_small(int64_t m, int64_t n, int64_t k) {
  return m * n <= SMALL && m * n * k <= SMALL;
}

static enum CBLAS_TRANSPOSE turn(mlp_factor f) { return f.swapped ? CblasTrans : CblasNoTrans; }

#define DEFINE_GEMM(suffix, T, blas)                                                              \
  static mlp_matrix_##suffix as_##suffix(mlp_factor f, int64_t stride) {                          \
    return f.swapped ? (mlp_matrix_##suffix){f.data, 1, stride}                                   \
                     : (mlp_matrix_##suffix){f.data, stride, 1};                                  \
  }                                                                                               \
  void mlp_gemm_##suffix(T *c, int64_t ldc, mlp_factor a, mlp_factor b, T alpha, T beta,          \
                         int64_t m, int64_t n, int64_t k) {                                       \
    if (m == 0 || n == 0) return;                                                                 \
    int64_t lda = leading(a, m, k), ldb = leading(b, k, n);                                       \
    if (ldc < n) ldc = n;                                                                         \
    if (is_small(m, n, k) || !fits_blas(m, n, k, lda, ldb, ldc)) {                                \
      mlp_kernel()->product.suffix(c, ldc, as_##suffix(a, lda), as_##suffix(b, ldb), alpha, beta, \
                                   m, n, k);                                                      \
      return;                                                                                     \
    }                                                                                             \
    settle_threads();                                                                             \
    cblas_##blas##gemm(CblasRowMajor, turn(a), turn(b), (int)m, (int)n, (int)k, alpha, a.data,    \
                       (int)lda, b.data, (int)ldb, beta, c, (int)ldc);                            \
  }

DEFINE_GEMM(f32, float, s)
DEFINE_GEMM(f64, double, d)

/* ---- what mlp.info() says
 * ------------------------------------------------------------------------ */

/* The instruction set of a kernel family of OpenBLAS, by the names it gives them on x86-64. */
static mlp_isa isa_of(const char *kernels) {
  static const char *const avx512[] = {"SkylakeX", "Cooperlake", "SapphireRapids", NULL};
  static const char *const avx2[] = {"Haswell", "Zen", "Excavator", NULL};
  for (int i = 0; avx512[i]; i++)
    if (strcmp(kernels, avx512[i]) == 0) return MLP_AVX512;
  for (int i = 0; avx2[i]; i++)
    if (strcmp(kernels, avx2[i]) == 0) return MLP_AVX2;
  return MLP_GENERIC;
}

mlp_blas_facts mlp_blas_info(void) {
  settle_threads();
  mlp_blas_facts facts = {.config = openblas_get_config(),
                          .kernels = openblas_get_corename(),
                          .pinned = getenv("OPENBLAS_CORETYPE"),
                          .threads_kept = threads_kept(),
                          .threads = openblas_get_num_threads()};
  facts.held_below = facts.pinned && isa_of(facts.kernels) < mlp_cpu_best();
  return facts;
}
