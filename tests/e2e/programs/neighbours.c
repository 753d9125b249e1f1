/* neighbours MODEL.tflite IMAGE.npy: classify.c in a program that has libraries of its own with the
 * names of those inside the SDK (stand_ins.py makes them). Its own must answer to it, and only to
 * it.
 */
#include <stdio.h>

extern int xnn_initialize(const void*);
extern int pthreadpool_create(unsigned);
extern int stand_in_calls;
int classify(int argc, char** argv);

int main(int argc, char** argv) {
  const int before = xnn_initialize(0) + pthreadpool_create(1);
  const int calls = stand_in_calls;
  const int result = classify(argc, argv);
  printf("own %d %d %d\n", before, calls, stand_in_calls);
  return result;
}
