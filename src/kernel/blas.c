#include "kernel/blas.h"

#include <cblas.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"

/*
** Which products run in our own loops, measured with OpenBLAS 0.3.21 on AVX-512 and AVX2. Its calls
** cost 20 to 60 ns before the first multiplication, its AVX2 kernels are slow with one row or few
** columns, and on all it turns a transposed right factor around slowly. Up to half a million
** multiplications with a right factor that fits the L1 cache ours are at least its equal; not
** with few columns, unless the left factor is transposed or they are very few.
*/
enum { ALWAYS = 1 << 10, VECTOR = 1 << 16, MOST = 1 << 19, L1_NUMBERS = 1 << 13 };

static bool is_small(mlp_factor a, mlp_factor b, int64_t m, int64_t n, int64_t k) {
  if (m > MOST || n > MOST || k > MOST || m * n > MOST) return false;
  int64_t work = m * n * k;
  if (work <= ALWAYS) return true;
  if (m == 1 || n == 1) return work <= VECTOR;
  if (n < 16) return work <= MOST && (a.swapped || n <= 4 || (b.swapped && n != 8));
  return work <= MOST && n * k <= L1_NUMBERS && n % 4 == 0 && (!b.swapped || m >= 8);
}

/* ---- the thread count ---------------------------------------------------------------------------
 */

static bool threads_kept(void) {
  const char *keep = getenv("MLP_KEEP_BLAS_THREADS");
  return keep && strcmp(keep, "1") == 0;
}

/* Mirrors a global of OpenBLAS, so it is one too: whether the count has been settled. */
static atomic_bool settled;

void mlp_blas_settle(void) {
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

static enum CBLAS_TRANSPOSE turn(mlp_factor f) { return f.swapped ? CblasTrans : CblasNoTrans; }

/* One row or one column: y = alpha op(M) x + beta y. M is stored as (rows, columns), used
** transposed when turned. y is cleared here when beta is 0, whatever it holds. */
#define DEFINE_PRODUCTS(suffix, T, blas)                                                           \
  static void gemv_##suffix(T *y, int64_t y_step, const T *matrix, int64_t stride, bool turned,    \
                            const T *x, int64_t x_step, T alpha, T beta, int64_t rows,             \
                            int64_t columns) {                                                     \
    int64_t length = turned ? columns : rows;                                                      \
    for (int64_t i = 0; beta == 0 && i < length; i++) y[i * y_step] = 0;                           \
    cblas_##blas##gemv(CblasRowMajor, turned ? CblasTrans : CblasNoTrans, (int)rows, (int)columns, \
                       alpha, matrix, (int)stride, x, (int)x_step, beta == 0 ? 1 : beta, y,        \
                       (int)y_step);                                                               \
  }                                                                                                \
  static mlp_matrix_##suffix as_##suffix(mlp_factor f, int64_t stride) {                           \
    return f.swapped ? (mlp_matrix_##suffix){f.data, 1, stride}                                    \
                     : (mlp_matrix_##suffix){f.data, stride, 1};                                   \
  }                                                                                                \
  void mlp_gemm_##suffix(T *c, int64_t ldc, mlp_factor a, mlp_factor b, T alpha, T beta,           \
                         int64_t m, int64_t n, int64_t k) {                                        \
    if (m == 0 || n == 0) return;                                                                  \
    int64_t lda = leading(a, m, k), ldb = leading(b, k, n);                                        \
    if (ldc < n) ldc = n;                                                                          \
    if (is_small(a, b, m, n, k) || !fits_blas(m, n, k, lda, ldb, ldc)) {                           \
      mlp_kernel()->product.suffix(c, ldc, as_##suffix(a, lda), as_##suffix(b, ldb), alpha, beta,  \
                                   m, n, k);                                                       \
      return;                                                                                      \
    }                                                                                              \
    mlp_blas_settle();                                                                             \
    if (m == 1) /* C' = op(B)' op(A)' */                                                           \
      gemv_##suffix(c, 1, b.data, ldb, !b.swapped, a.data, a.swapped ? lda : 1, alpha, beta,       \
                    b.swapped ? n : k, b.swapped ? k : n);                                         \
    else if (n == 1)                                                                               \
      gemv_##suffix(c, ldc, a.data, lda, a.swapped, b.data, b.swapped ? 1 : ldb, alpha, beta,      \
                    a.swapped ? k : m, a.swapped ? m : k);                                         \
    else                                                                                           \
      cblas_##blas##gemm(CblasRowMajor, turn(a), turn(b), (int)m, (int)n, (int)k, alpha, a.data,   \
                         (int)lda, b.data, (int)ldb, beta, c, (int)ldc);                           \
  }

DEFINE_PRODUCTS(f32, float, s)
DEFINE_PRODUCTS(f64, double, d)

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
  mlp_blas_settle();
  mlp_blas_facts facts = {.config = openblas_get_config(),
                          .kernels = openblas_get_corename(),
                          .pinned = getenv("OPENBLAS_CORETYPE"),
                          .threads_kept = threads_kept(),
                          .threads = openblas_get_num_threads()};
  facts.held_below = facts.pinned && isa_of(facts.kernels) < mlp_cpu_best();
  return facts;
}
