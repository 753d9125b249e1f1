// From reset to C: the processor's modes, stacks, caches and MMU.
// No data is read before the MMU is on: on a secondary core it may still be in the caches of another.
#include "../board_map.h"

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .fpu neon
    .arm

#define MODE_FIQ 0x11
#define MODE_IRQ 0x12
#define MODE_SVC 0x13
#define MODE_ABT 0x17
#define MODE_HYP 0x1a
#define MODE_UND 0x1b
#define MODE_SYS 0x1f

#define SCTLR_M 0x0001
#define SCTLR_A 0x0002
#define SCTLR_C 0x0004
#define SCTLR_Z 0x0800
#define SCTLR_I 0x1000
#define SCTLR_V 0x2000
#define SCTLR_TRE 0x10000000
#define SCTLR_AFE 0x20000000
#define SCTLR_TE 0x40000000

// Leaves HYP mode, in which some firmware starts an image, for SYS mode, and masks interrupts.
// Threads run in SYS mode, so that every exception has a stack pointer and link register of its own.
    .macro to_system_mode
    mrs     r0, cpsr
    and     r0, r0, #0x1f
    cmp     r0, #MODE_HYP
    bne     1f
    mrc     p15, 4, r0, c14, c1, 0      // CNTHCTL: the generic timer belongs to us
    orr     r0, r0, #3
    mcr     p15, 4, r0, c14, c1, 0
    mov     r0, #0
    mcrr    p15, 4, r0, r0, c14         // CNTVOFF: the same time on every core
    mcr     p15, 4, r0, c1, c1, 0       // HCR: nothing is trapped
    mrc     p15, 4, r0, c1, c1, 2       // HCPTR: nor are VFP and NEON
    bic     r0, r0, #0x8c00
    mcr     p15, 4, r0, c1, c1, 2
    adr     r0, 1f
    msr     elr_hyp, r0
    mov     r0, #(0x1c0 | MODE_SYS)
    msr     spsr_cxsf, r0
    eret
1:  cpsid   aif, #MODE_SYS
    .endm

    .section .text.tfport_bm_reset, "ax"
    .global tfport_bm_reset
    .type   tfport_bm_reset, %function
tfport_bm_reset:
    to_system_mode
    mrc     p15, 0, r4, c0, c0, 5       // MPIDR
    ands    r4, r4, #0xff
    bne     .Lwait_for_start
    bl      .Lprepare_core
    bl      .Lclean_caches
    blx     tfport_bm_map_memory
    bl      .Lmmu_on
    blx     tfport_bm_boot              // does not return
1:  wfi
    b       1b

// Where a core begins that tfport_bm_core_start() woke.
    .global tfport_bm_secondary_reset
    .type   tfport_bm_secondary_reset, %function
tfport_bm_secondary_reset:
    to_system_mode
    mrc     p15, 0, r4, c0, c0, 5
    and     r4, r4, #0xff
    bl      .Lprepare_core
    bl      .Lmmu_on
    mov     r0, r4
    blx     tfport_bm_core_main         // does not return
1:  wfi
    b       1b

// Machines that release all cores at reset: wait as their firmware would, for an address.
.Lwait_for_start:
#ifdef BOARD_CORE_START_BCM2836_MAILBOX
    ldr     r0, =(BOARD_CORE_START_BASE + 0xcc)  // mailbox 3 of core 0, read and clear
    add     r0, r0, r4, lsl #4
1:  wfe
    ldr     r1, [r0]
    cmp     r1, #0
    beq     1b
    str     r1, [r0]
    bx      r1
#else
1:  wfi
    b       1b
#endif

// Stacks of core r4, coprocessors, vectors.
.Lprepare_core:
    ldr     r0, =tfport_bm_stack_idle
    ldr     r1, =(GUARD_SIZE + IDLE_STACK_SIZE)
    mla     r0, r4, r1, r0
    add     sp, r0, r1
    ldr     r0, =tfport_bm_stack_exceptions
    ldr     r1, =(GUARD_SIZE + EXCEPTION_STACK_SIZE)
    mla     r0, r4, r1, r0
    add     r0, r0, r1
    cps     #MODE_FIQ
    mov     sp, r0
    cps     #MODE_IRQ
    mov     sp, r0
    cps     #MODE_ABT
    mov     sp, r0
    cps     #MODE_UND
    mov     sp, r0
    cps     #MODE_SVC
    mov     sp, r0
    cps     #MODE_SYS
    mrc     p15, 0, r0, c1, c0, 2       // CPACR: VFP and NEON for us
    orr     r0, r0, #0x00f00000
    bic     r0, r0, #0xc0000000
    mcr     p15, 0, r0, c1, c0, 2
    isb
    mov     r0, #0x40000000
    vmsr    fpexc, r0
    mov     r0, #0
    vmsr    fpscr, r0
    mrc     p15, 0, r0, c1, c0, 1       // ACTLR.SMP: take part in coherency
    tst     r0, #0x40
    orreq   r0, r0, #0x40
    mcreq   p15, 0, r0, c1, c0, 1       // writing it traps on some when it is set already
    ldr     r0, =tfport_bm_vectors
    mcr     p15, 0, r0, c12, c0, 0      // VBAR
    // The timer wakes WFE every few thousand ticks, so that a core that waits sees its deadline.
    mov     r0, #0xb6                   // CNTKCTL: event stream on bit 11, counters readable
    mcr     p15, 0, r0, c14, c1, 0
    isb
    bx      lr

// Writes back what a boot loader left in the data caches and empties them, level by level.
.Lclean_caches:
    mrc     p15, 1, r0, c0, c0, 1       // CLIDR
    and     r3, r0, #0x07000000
    lsr     r3, r3, #23                 // twice the level of coherency
    mov     r10, #0
1:  cmp     r10, r3
    bhs     5f
    add     r2, r10, r10, lsr #1
    lsr     r1, r0, r2
    and     r1, r1, #7
    cmp     r1, #2
    blo     4f                          // no data cache on this level
    mcr     p15, 2, r10, c0, c0, 0      // CSSELR
    isb
    mrc     p15, 1, r1, c0, c0, 0       // CCSIDR
    and     r2, r1, #7
    add     r2, r2, #4                  // log2 of the line's bytes
    ubfx    r5, r1, #3, #10             // ways - 1
    clz     r6, r5
    ubfx    r7, r1, #13, #15            // sets - 1
2:  mov     r8, r5
3:  lsl     r9, r8, r6
    orr     r9, r9, r10
    lsl     r11, r7, r2
    orr     r9, r9, r11
    mcr     p15, 0, r9, c7, c14, 2      // DCCISW
    subs    r8, r8, #1
    bhs     3b
    subs    r7, r7, #1
    bhs     2b
4:  add     r10, r10, #2
    b       1b
5:  dsb
    isb
    bx      lr

// Turns on the MMU with the table of core r4, and the caches. Unaligned loads and stores are allowed.
.Lmmu_on:
    ldr     r0, =tfport_bm_first_level
    mov     r1, #FIRST_LEVEL_SIZE
    mla     r0, r4, r1, r0
    orr     r0, r0, #0x4a               // walks are write-back, shareable
    mcr     p15, 0, r0, c2, c0, 0       // TTBR0
    mov     r0, #0
    mcr     p15, 0, r0, c2, c0, 2       // TTBCR: TTBR0 for everything
    mcr     p15, 0, r0, c8, c7, 0       // TLBIALL
    mcr     p15, 0, r0, c7, c5, 0       // ICIALLU
    mcr     p15, 0, r0, c7, c5, 6       // BPIALL
    mov     r0, #1
    mcr     p15, 0, r0, c3, c0, 0       // DACR: domain 0 obeys the permissions
    dsb
    isb
    mrc     p15, 0, r0, c1, c0, 0       // SCTLR
    ldr     r1, =(SCTLR_V | SCTLR_A | SCTLR_TRE | SCTLR_AFE | SCTLR_TE)
    bic     r0, r0, r1
    ldr     r1, =(SCTLR_M | SCTLR_C | SCTLR_Z | SCTLR_I)
    orr     r0, r0, r1
    mcr     p15, 0, r0, c1, c0, 0
    isb
    bx      lr
    .pool
