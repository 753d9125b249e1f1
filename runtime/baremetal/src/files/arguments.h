#ifndef TFPORT_BM_ARGUMENTS_H_
#define TFPORT_BM_ARGUMENTS_H_

/* The arguments of main(): the words that semihosting gives, else a name alone. */
int tfport_bm_arguments(char*** arguments);

#endif
