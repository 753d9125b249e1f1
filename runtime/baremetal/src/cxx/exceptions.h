#ifndef TFPORT_BM_EXCEPTIONS_H_
#define TFPORT_BM_EXCEPTIONS_H_

#ifdef __cplusplus
extern "C" {
#endif

/* Makes an exception that nobody catches end with its name and text. */
void tfport_bm_exceptions_init(void);

#ifdef __cplusplus
}
#endif

#endif
