#if defined(__x86_64__)
#include "kernel/kernel.h"
#define ISA avx2
#define ISA_avx2 MLP_AVX2
#include "kernel/body.inc"
#endif
