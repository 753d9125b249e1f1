#include <stdio.h>
#include <xnnpack.h>

// One fully connected layer: y = W x + b, with 2 inputs and 3 outputs.
int main(void) {
  static const float weights[3][2] = {{1, 2}, {3, 4}, {5, 6}};
  static const float bias[3] = {0.5f, 0.25f, 0.125f};
  float x[2 + XNN_EXTRA_BYTES / sizeof(float)] = {1, 1};
  float y[3];
  xnn_operator_t layer = NULL;
  if (xnn_initialize(NULL) != xnn_status_success ||
      xnn_create_fully_connected_nc_f32(2, 3, 2, 3, &weights[0][0], bias, -100, 100, 0, NULL, NULL,
                                        &layer) != xnn_status_success ||
      xnn_reshape_fully_connected_nc_f32(layer, 1, NULL) != xnn_status_success ||
      xnn_setup_fully_connected_nc_f32(layer, x, y) != xnn_status_success ||
      xnn_run_operator(layer, NULL) != xnn_status_success) {
    return 1;
  }
  xnn_delete_operator(layer);

  const char* name = "none";
  const size_t names = xnn_get_ukernel_names(&name, 1);
  printf("%g %g %g by %s for %s\n", y[0], y[1], y[2], name, xnn_get_target_core());
  return y[0] == 3.5f && y[1] == 7.25f && y[2] == 11.125f && names == 1 ? 0 : 1;
}
