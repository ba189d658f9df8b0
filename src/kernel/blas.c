#include "kernel/blas.h"

#include <cblas.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "kernel/kernel.h"

/*
** Which products run in our own loops, measured with OpenBLAS 0.3.21 on AVX-512 and AVX2. Its
** calls cost 20 to 60 ns before the first multiplication, its AVX2 kernels are slow with one row
** or few columns, and on all it turns a transposed right factor around slowly. With 256 rows of
** tokens and 1,024 units ours make 150 to 170 GFLOP/s where OpenBLAS makes 145 to 155, with 64 x
** 64 weights 160 to 190 against 110 to 140. They are ahead as long as the left factor stays in the
** L2 cache, or the right one with room to spare (4,096 x 256 times 256 x 256: 185 against 160;
** 65,536 x 64 times 64 x 64: 180 against 115), and with what is packed anyway, a transposed left
** factor, when more than one sliver is to come of it (256 x 4,096 times 4,096 x 256: 165 against
** 145); not with few columns, unless the left factor is transposed or they are very few. With AVX2
** only the smallest right factors are gained by, and no large left one.
*/
enum {
  ALWAYS = 1 << 10,
  VECTOR = 1 << 16,
  NARROW = 1 << 19,
  LEFT_NEAR = 3 << 17,
  RIGHT_NEAR = 1 << 17,
  RIGHT_SMALL = 1 << 13,
  SLIVER = 64
};

static bool is_small(mlp_factor a, mlp_factor b, int64_t m, int64_t n, int64_t k) {
  if (m > INT_MAX || n > INT_MAX || k > INT_MAX) return false;
  double work = (double)m * (double)n * (double)k;
  if (work <= ALWAYS) return true;
  if (m == 1 || n == 1) return work <= VECTOR;
  if (n < 16) return work <= NARROW && (a.swapped || n <= 4 || (b.swapped && n != 8));
  if (m * k <= LEFT_NEAR) return true;
  bool wide = mlp_kernel()->isa == MLP_AVX512;
  if (a.swapped) return wide && n > SLIVER && !b.swapped;
  return k * n <= (wide ? RIGHT_NEAR : RIGHT_SMALL);
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

/* Cuts a product by the longer side of C. */
typedef struct {
  mlp_factor a, b;
  void *c;
  const void *onto;
  double alpha, beta;
  int64_t ldc, onto_row, m, n, k;
} whole_product;

enum { GRAIN = 16 };

static int parts_of(int64_t m, int64_t n, int64_t k) {
  const double MULTIPLIED = 2e-11, READ = 2e-10; /* seconds a number, roughly, on one thread */
  double each = m == 1 || n == 1 ? READ : MULTIPLIED;
  if (each * (double)m * (double)n * (double)k < 2 * MLP_PARALLEL_SECONDS) return 1;
  int64_t grains = ((m > n ? m : n) + GRAIN - 1) / GRAIN, lanes = mlp_free_lanes();
  return (int)(grains < lanes ? grains : lanes);
}

/* The rows of op(F) from `first` on. */
static mlp_factor rows_from(mlp_factor f, int64_t first, size_t bytes) {
  f.data = (const char *)f.data + (size_t)(first * (f.swapped ? 1 : f.stride)) * bytes;
  return f;
}

static mlp_factor columns_from(mlp_factor f, int64_t first, size_t bytes) {
  f.data = (const char *)f.data + (size_t)(first * (f.swapped ? f.stride : 1)) * bytes;
  return f;
}

typedef struct {
  whole_product whole;
  int parts;
} cut_product;

/* Part `part` of w, as a product of its own. */
static whole_product part_of(const whole_product *w, int parts, int part, size_t bytes) {
  whole_product p = *w;
  int64_t first, size = (int64_t)bytes;
  if (w->m > w->n) {
    p.m = mlp_share(w->m, GRAIN, parts, part, &first);
    p.a = rows_from(w->a, first, bytes);
    p.c = (char *)w->c + first * w->ldc * size;
    p.onto = (const char *)w->onto + first * w->onto_row * size;
  } else {
    p.n = mlp_share(w->n, GRAIN, parts, part, &first);
    p.b = columns_from(w->b, first, bytes);
    p.c = (char *)w->c + first * size;
    p.onto = (const char *)w->onto + first * size;
  }
  return p;
}

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
  static void by_blas_##suffix(const whole_product *w, int64_t lda, int64_t ldb) {                 \
    T *c = w->c, alpha = (T)w->alpha, beta = (T)w->beta;                                           \
    const T *onto = w->onto;                                                                       \
    mlp_factor a = w->a, b = w->b;                                                                 \
    int64_t m = w->m, n = w->n, k = w->k;                                                          \
    mlp_blas_settle();                                                                             \
    for (int64_t i = 0; beta != 0 && onto != c && i < m; i++)                                      \
      memcpy(c + i * w->ldc, onto + i * w->onto_row, (size_t)n * sizeof(T));                       \
    if (m == 1) /* C' = op(B)' op(A)' */                                                           \
      gemv_##suffix(c, 1, b.data, ldb, !b.swapped, a.data, a.swapped ? lda : 1, alpha, beta,       \
                    b.swapped ? n : k, b.swapped ? k : n);                                         \
    else if (n == 1)                                                                               \
      gemv_##suffix(c, w->ldc, a.data, lda, a.swapped, b.data, b.swapped ? 1 : ldb, alpha, beta,   \
                    a.swapped ? k : m, a.swapped ? m : k);                                         \
    else                                                                                           \
      cblas_##blas##gemm(CblasRowMajor, turn(a), turn(b), (int)m, (int)n, (int)k, alpha, a.data,   \
                         (int)lda, b.data, (int)ldb, beta, c, (int)w->ldc);                        \
  }                                                                                                \
  static void one_##suffix(whole_product *w) {                                                     \
    int64_t lda = leading(w->a, w->m, w->k), ldb = leading(w->b, w->k, w->n);                      \
    if (w->m == 0 || w->n == 0) return;                                                            \
    if (w->ldc < w->n) w->ldc = w->n;                                                              \
    if (is_small(w->a, w->b, w->m, w->n, w->k) || !fits_blas(w->m, w->n, w->k, lda, ldb, w->ldc))  \
      mlp_kernel()->product.suffix(w->c, w->ldc, as_##suffix(w->a, lda), as_##suffix(w->b, ldb),   \
                                   (T)w->alpha, (T)w->beta, w->onto, w->onto_row, w->m, w->n,      \
                                   w->k);                                                          \
    else                                                                                           \
      by_blas_##suffix(w, lda, ldb);                                                               \
  }                                                                                                \
  static void run_part_##suffix(void *context, int part) {                                         \
    const cut_product *cut = context;                                                              \
    whole_product p = part_of(&cut->whole, cut->parts, part, sizeof(T));                           \
    one_##suffix(&p);                                                                              \
  }                                                                                                \
  void mlp_gemm_onto_##suffix(T *c, int64_t ldc, mlp_factor a, mlp_factor b, T alpha, T beta,      \
                              const T *onto, int64_t onto_row, int64_t m, int64_t n, int64_t k) {  \
    cut_product cut = {{a, b, c, onto, (double)alpha, (double)beta, ldc, onto_row, m, n, k},       \
                       parts_of(m, n, k)};                                                         \
    if (cut.parts == 1)                                                                            \
      one_##suffix(&cut.whole);                                                                    \
    else                                                                                           \
      mlp_parallel(cut.parts, run_part_##suffix, &cut);                                            \
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
