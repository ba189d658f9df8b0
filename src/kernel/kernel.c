#include "kernel/kernel.h"

#include <stdatomic.h>

extern const mlp_kernels mlp_kernels_generic;
#if defined(__x86_64__)
extern const mlp_kernels mlp_kernels_avx2, mlp_kernels_avx512;
static const mlp_kernels *const tables[MLP_ISA_COUNT] = {&mlp_kernels_generic, &mlp_kernels_avx2,
                                                         &mlp_kernels_avx512};
#else
static const mlp_kernels *const tables[MLP_ISA_COUNT] = {&mlp_kernels_generic};
#endif

/* One of the two writable globals of the process: which table runs. Set when the module is
** loaded. */
static const mlp_kernels *_Atomic chosen = &mlp_kernels_generic;

__attribute__((constructor)) static void choose_at_load(void) { mlp_kernel_choose(mlp_cpu_isa()); }

const mlp_kernels *mlp_kernel(void) { return atomic_load_explicit(&chosen, memory_order_relaxed); }

bool mlp_kernel_choose(mlp_isa isa) {
  if (isa > mlp_cpu_best() || !tables[isa]) return false;
  atomic_store_explicit(&chosen, tables[isa], memory_order_relaxed);
  return true;
}
