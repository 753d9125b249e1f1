#include "registry.h"

static int count;
int KernelCount() { return count; }
Registration::Registration() { count++; }
