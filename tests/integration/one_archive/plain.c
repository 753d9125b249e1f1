#include <stdio.h>

int TfLiteInvoke(int x);

int main(void) {
  printf("%d\n", TfLiteInvoke(4));
  return 0;
}
