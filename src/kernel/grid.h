/*
** Loops over a multi-resolution grid (Mueller et al. 2022): points in the unit box, each between
** the corners of one cell per level, each corner with a row of features in a table. A corner's
** weight is a product over the axes, linear in each, so its derivative along k directions is a sum
** of products too; k directions of 0 .. MLP_GRID_AXES are taken by every loop, and the loops are
** closed under differentiation. Tables are indexed by dtype: float32, float64.
*/
#ifndef MLP_KERNEL_GRID_H
#define MLP_KERNEL_GRID_H

#include <stdbool.h>
#include <stdint.h>

enum { MLP_GRID_AXES = 3, MLP_GRID_LEVELS = 32 };

/* One level: `cells` along every axis, corners numbered in order while they fit, else hashed. */
typedef struct {
  int64_t offset;  /* its first row in the table */
  int64_t entries; /* rows; a power of 2 when hashed */
  int64_t cells;
  bool dense;
} mlp_grid_level;

typedef struct {
  int axes;         /* D, 1 .. MLP_GRID_AXES */
  int levels;       /* L */
  int64_t features; /* F */
  mlp_grid_level level[MLP_GRID_LEVELS];
} mlp_grid;

/* Directions to differentiate along, each (n, D). */
typedef struct {
  int count;
  const void *of[MLP_GRID_AXES];
} mlp_grid_directions;

/*
** Each takes the levels first .. last - 1, which share no row of the table: threads may take
** levels. y, g (n, L F); x, dx (n, D); table (rows, F). Sums over points run in the order of the
** points.
*/
typedef struct {
  /* y = sum over corners of weight table */
  void (*gather[2])(void *y, const void *x, const void *table, const mlp_grid_directions *v,
                    const mlp_grid *grid, int first, int last, int64_t n);
  /* table += weight g */
  void (*scatter[2])(void *table, const void *g, const void *x, const mlp_grid_directions *v,
                     const mlp_grid *grid, int first, int last, int64_t n);
  /* dx += sum over corners of d weight / dx (table . g) */
  void (*slope[2])(void *dx, const void *g, const void *x, const void *table,
                   const mlp_grid_directions *v, const mlp_grid *grid, int first, int last,
                   int64_t n);
} mlp_grid_kernels;

#endif
