/* Files in memory. */
#ifndef TFPORT_BM_TABLE_H_
#define TFPORT_BM_TABLE_H_

#include "tfport/baremetal.h"

/* The file of that name, or null. */
const struct tfport_bm_file* tfport_bm_find_file(const char* name);

#endif
