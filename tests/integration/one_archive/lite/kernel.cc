// Reached by nothing but its own constructor, as operator kernels are: lost when taken by need.
#include "registry.h"

static Registration first;
static Registration second __attribute__((init_priority(200)));
