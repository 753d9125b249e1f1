/* The addresses that the linker script decides on, and the layout of stacks. Also for assembly. */
#ifndef TFPORT_BM_BOARD_MAP_H_
#define TFPORT_BM_BOARD_MAP_H_

#include "board.h"

#define PAGE_SIZE 4096
#define GUARD_SIZE PAGE_SIZE
#define IDLE_STACK_SIZE 8192
#define EXCEPTION_STACK_SIZE 4096
#define FIRST_LEVEL_SIZE 16384

#ifndef __ASSEMBLER__
#include <stdint.h>

extern char tfport_bm_text_begin[], tfport_bm_rodata_begin[], tfport_bm_data_begin[];
extern char tfport_bm_core_local[], tfport_bm_core_pages[];
extern char __bss_start[], __bss_end[];
extern char tfport_bm_stack_main[], tfport_bm_stack_threads[], tfport_bm_stack_idle[],
    tfport_bm_stack_exceptions[], tfport_bm_stacks_end[];
extern uint32_t tfport_bm_first_level[BOARD_CORES][FIRST_LEVEL_SIZE / 4];
extern uint32_t tfport_bm_second_level[][256], tfport_bm_second_level_end[];
extern char tfport_bm_image_end[];
extern char tfport_bm_tls_begin[], tfport_bm_tls_data_size[], tfport_bm_tls_size[],
    tfport_bm_tls_align[];
#endif

#endif
