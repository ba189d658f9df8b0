#if defined(__x86_64__)
#include "kernel/kernel.h"
#define ISA avx512
#define ISA_avx512 MLP_AVX512
#include "kernel/body.inc"
#endif
