#include <stdio.h>
#include <string.h>
#include <tfport/tfport.h>

int main(void) {
  const char* missing = TfPortCheckCpu();
  if (missing != NULL) return fprintf(stderr, "%s\n", missing), 1;
  printf("TensorFlow Lite %s for %s\n", TfPortVersion(), TfPortTarget());
  return strstr(TfPortOpsManifest(), "\"ops\"") == NULL;
}
