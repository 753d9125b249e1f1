/* Included before everything else in every compile. On Linux int32_t is int, and the libraries'
 * overloads and templates are written for that; the compiler for bare metal makes it long, which is
 * as wide and another type. C code cannot tell the two apart, and no symbol of newlib or libstdc++
 * that the libraries use has the type in its name. */
#ifndef TFPORT_INTEGERS_H_
#define TFPORT_INTEGERS_H_

#undef __INT32_TYPE__
#undef __UINT32_TYPE__
#undef __INT32_MAX__
#undef __UINT32_MAX__
#undef __INT32_C
#undef __UINT32_C
#define __INT32_TYPE__ int
#define __UINT32_TYPE__ unsigned int
#define __INT32_MAX__ 0x7fffffff
#define __UINT32_MAX__ 0xffffffffU
#define __INT32_C(value) value
#define __UINT32_C(value) value##U

#undef __INT_LEAST32_TYPE__
#undef __UINT_LEAST32_TYPE__
#undef __INT_LEAST32_MAX__
#undef __UINT_LEAST32_MAX__
#define __INT_LEAST32_TYPE__ int
#define __UINT_LEAST32_TYPE__ unsigned int
#define __INT_LEAST32_MAX__ 0x7fffffff
#define __UINT_LEAST32_MAX__ 0xffffffffU

/* newlib's <inttypes.h> asks its own <stdint.h> before it defines PRId64 and its like; the compiler
 * brings another <stdint.h>. */
#define __int64_t_defined 1

#endif /* TFPORT_INTEGERS_H_ */
