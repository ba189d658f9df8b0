/*
** mesh_distance: how far points are from a mesh of triangles, and how often it goes around them.
** For a closed mesh whose faces turn one way the winding number is 1 inside and 0 outside, so the
** two together are a signed distance (Jacobson et al. 2013). Every point meets every triangle.
*/
#include "kernel/kernel.h"
#include "op/build.h"

extern const mlp_row mlp_row_mesh_distance;

enum { POINTS, CORNERS };

static mlp_status mesh_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, POINTS, e));
  MLP_TRY(mlp_want_same_dtype(c, POINTS, CORNERS, e));
  MLP_TRY(mlp_want_ndim(c, POINTS, 1, MLP_MAX_DIMS, e));
  MLP_TRY(mlp_want_ndim(c, CORNERS, 3, 3, e));
  mlp_shape shape = c->in[POINTS]->shape;
  const mlp_shape *corners = &c->in[CORNERS]->shape;
  char x[MLP_SHAPE_TEXT], mesh[MLP_SHAPE_TEXT];
  if (shape.dim[shape.ndim - 1] != 3 || corners->dim[1] != 3 || corners->dim[2] != 3 ||
      corners->dim[0] == 0)
    return mlp_refuse(e,
                      "mesh_distance: points are %s and corners %s, but (..., 3) and at least "
                      "one triangle (faces, 3, 3) are wanted",
                      mlp_shape_text(x, &shape), mlp_shape_text(mesh, corners));
  shape.ndim--;
  c->work_bytes = (size_t)(MLP_MESH_COLUMNS * mlp_mesh_padded(corners->dim[0])) *
                  mlp_dtype_bytes(c->in[POINTS]->dtype);
  MLP_TRY(mlp_out(c, c->in[POINTS]->dtype, &shape, e));
  return mlp_out(c, c->in[POINTS]->dtype, &shape, e);
}

static void mesh_run(mlp_call *c) {
  mlp_dtype dtype = c->in[POINTS]->dtype;
  const mlp_mesh_kernels *k = &mlp_kernel()->mesh;
  int64_t faces = c->in[CORNERS]->shape.dim[0];
  k->prepare[dtype](c->work, mlp_in(c, CORNERS), faces);
  k->distance[dtype](mlp_result(c, 0), mlp_result(c, 1), mlp_in(c, POINTS), c->work,
                     mlp_shape_count(&c->spec[0].shape), faces);
}

static void mesh_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool rows = in[POINTS].spread == MLP_ROWS && in[POINTS].axis < c->in[POINTS]->shape.ndim - 1 &&
              in[CORNERS].spread == MLP_SHARED;
  if (rows)
    out[0] = out[1] = in[POINTS];
  else
    mlp_tiling_whole(c, in, out);
}

const mlp_row mlp_row_mesh_distance = {
    .name = "mesh_distance",
    .doc =
        "The distance (...) of points to the nearest triangle of a mesh, and the mesh's winding "
        "number (...) around them: 1 inside a closed mesh whose faces turn anticlockwise seen "
        "from outside, 0 outside.",
    .arg = {{MLP_ARG_TENSOR, "points", "(..., 3)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "corners", "of the triangles, (faces, 3, 3)", NULL, NULL, false}},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 2,
    .infer = mesh_infer,
    .run = mesh_run,
    .tiling = mesh_tiling,
};
