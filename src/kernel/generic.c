#include "kernel/kernel.h"
#define ISA generic
#define ISA_generic MLP_GENERIC
#include "kernel/body.inc"
