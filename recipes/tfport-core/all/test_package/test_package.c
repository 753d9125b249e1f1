#include <stdio.h>
#include <string.h>
#include <tensorflow/c/c_api.h>
#include <tfport/core.h>

int main(void) {
  printf("TensorFlow %s for %s\n", TF_Version(), TfPortCoreTarget());
  TF_Graph* graph = TF_NewGraph();
  TF_DeleteGraph(graph);
  return strstr(TfPortCoreOpsManifest(), "\"ops\"") == NULL;
}
