/*
** Points against triangles: the distance to the nearest point of a mesh, and how often the mesh
** goes around a point (its winding number). What depends on a triangle alone is computed once and
** lies in columns, padded to whole lanes. Tables are indexed by dtype: float32, float64.
*/
#ifndef MLP_KERNEL_MESH_H
#define MLP_KERNEL_MESH_H

#include <stdint.h>

enum { MLP_MESH_LANES = 16, MLP_MESH_COLUMNS = 33 };

static inline int64_t mlp_mesh_padded(int64_t faces) {
  return (faces + MLP_MESH_LANES - 1) / MLP_MESH_LANES * MLP_MESH_LANES;
}

typedef struct {
  /* column (MLP_MESH_COLUMNS, padded faces) of corners (faces, 3, 3) */
  void (*prepare[2])(void *column, const void *corners, int64_t faces);
  /* distance (n), winding (n) of x (n, 3) */
  void (*distance[2])(void *distance, void *winding, const void *x, const void *column, int64_t n,
                      int64_t faces);
} mlp_mesh_kernels;

#endif
