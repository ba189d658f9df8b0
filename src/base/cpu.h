/*
** What this CPU offers, lowered by the environment variable MLP_ISA (generic, avx2 or avx512) so
** that any machine can run every older path. Read once when the module is loaded.
*/
#ifndef MLP_BASE_CPU_H
#define MLP_BASE_CPU_H

typedef enum { MLP_GENERIC, MLP_AVX2, MLP_AVX512, MLP_ISA_COUNT } mlp_isa;

/* The best instruction set that the CPU has and MLP_ISA allows. */
mlp_isa mlp_cpu_isa(void);
const char *mlp_isa_name(mlp_isa isa);

/* What the CPU has, whatever MLP_ISA says. */
mlp_isa mlp_cpu_best(void);

#endif
