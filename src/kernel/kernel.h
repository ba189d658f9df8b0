/*
** Every loop over numbers that is worth vectorising, as tables of function pointers: written once
** in plain C (the .inc files), compiled once per instruction set, chosen once when the module is
** loaded. Callers never ask which. A kernel takes sizes it may trust: destination first, then
** sources, then scalars, then sizes; all arrays are contiguous unless a stride is named.
*/
#ifndef MLP_KERNEL_KERNEL_H
#define MLP_KERNEL_KERNEL_H

#include <stdbool.h>

#include "base/cpu.h"
#include "kernel/binary.h"
#include "kernel/cast.h"
#include "kernel/draw.h"
#include "kernel/grid.h"
#include "kernel/loss.h"
#include "kernel/mask.h"
#include "kernel/mesh.h"
#include "kernel/move.h"
#include "kernel/pair.h"
#include "kernel/peak.h"
#include "kernel/product.h"
#include "kernel/ray.h"
#include "kernel/reduce.h"
#include "kernel/rows.h"
#include "kernel/scan.h"
#include "kernel/unary.h"
#include "kernel/update.h"

typedef struct {
  mlp_isa isa;
  mlp_binary_kernels binary;
  mlp_draw_kernels draw;
  mlp_grid_kernels grid;
  mlp_mask_kernels mask;
  mlp_cast_kernels cast;
  mlp_pair_kernels pair;
  mlp_peak_kernels peak;
  mlp_product_kernels product;
  mlp_ray_kernels ray;
  mlp_rows_kernels rows;
  mlp_loss_kernels loss;
  mlp_mesh_kernels mesh;
  mlp_move_kernels move;
  mlp_reduce_kernels reduce;
  mlp_scan_kernels scan;
  mlp_unary_kernels unary;
  mlp_update_kernels update;
} mlp_kernels;

/* The chosen table. */
const mlp_kernels *mlp_kernel(void);

/* For specs and benchmarks: choose another; false when this CPU or build has it not. */
bool mlp_kernel_choose(mlp_isa isa);

#endif
