/* libstdc++ was configured for a single thread; its headers take their thread layer from here. */
#ifndef TFPORT_BITS_GTHR_DEFAULT_H
#define TFPORT_BITS_GTHR_DEFAULT_H

#include <bits/gthr-posix.h>

#endif
