#include <stdio.h>
#include <string.h>
#include <tfport/acl.h>

int main(void) {
  const char* missing = TfPortAclCheckCpu();
  if (missing != NULL) return fprintf(stderr, "%s\n", missing), 1;
  TfPortAclEngine* engine = TfPortAclEngineCreate(1);
  if (engine == NULL) return fprintf(stderr, "%s\n", TfPortAclLastError()), 1;
  TfPortAclTensor* input = TfPortAclEngineGetInputTensor(engine, 0);
  memset(TfPortAclTensorData(input), 0, TfPortAclTensorByteSize(input));
  const TfPortAclStatus status = TfPortAclEngineInvoke(engine);
  printf("%s with the Arm Compute Library %s for %s\n", TfPortAclModelName(), TfPortAclVersion(),
         TfPortAclTarget());
  TfPortAclEngineDelete(engine);
  return status;
}
