#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[MLP_ISA_COUNT] = {"generic", "avx2", "avx512"};

const char *mlp_isa_name(mlp_isa isa) { return names[isa]; }

mlp_isa mlp_cpu_best(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return MLP_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return MLP_AVX2;
#endif
  return MLP_GENERIC;
}

mlp_isa mlp_cpu_isa(void) {
  const char *wanted = getenv("MLP_ISA");
  mlp_isa best = mlp_cpu_best();
  for (int isa = 0; wanted && isa < (int)best; isa++) {
    if (strcmp(wanted, names[isa]) == 0) return (mlp_isa)isa;
  }
  return best;
}
