/* load LIBRARY MODEL IMAGE: opens a shared object with the library inside, and calls its classify.
 */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char** argv) {
  void* library;
  int (*classify)(int, char**);
  if (argc != 4) return 90;
  library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return fprintf(stderr, "%s\n", dlerror()), 91;
  *(void**)&classify = dlsym(library, "classify");
  if (classify == NULL) return fprintf(stderr, "%s\n", dlerror()), 92;
  return classify(argc - 1, argv + 1);
}
