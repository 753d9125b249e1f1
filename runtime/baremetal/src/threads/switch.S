// The change from one thread to another, on one core.
    .syntax unified
    .arch armv7-a
    .fpu neon
    .arm

    .section .text.tfport_bm_switch, "ax"
    .global tfport_bm_switch
    .type   tfport_bm_switch, %function
// r0: struct thread that leaves, r1: the one that comes. What the ABI lets a call destroy is not
// saved: leaving is a call.
tfport_bm_switch:
    vmrs    r2, fpscr
    push    {r3-r11, lr}             // ten, to keep the stack aligned to 8
    vpush   {d8-d15}
    push    {r2, r3}
    str     sp, [r0]
    ldr     sp, [r1]
    clrex
    pop     {r2, r3}
    vpop    {d8-d15}
    vmsr    fpscr, r2
    pop     {r3-r11, lr}
    bx      lr

    .section .text.tfport_bm_thread_start, "ax"
    .global tfport_bm_thread_start
    .type   tfport_bm_thread_start, %function
// The return address of a thread's first switch. It ends every backtrace.
tfport_bm_thread_start:
    .fnstart
    .cantunwind
    mov     r11, #0
    mov     lr, #0
    ldr     r0, =tfport_bm_run_thread
    bx      r0
    .pool
    .fnend

    .section .text.__aeabi_read_tp, "ax"
    .global __aeabi_read_tp
    .type   __aeabi_read_tp, %function
// For code that was compiled with -mtp=soft. Must leave every register but r0 alone.
__aeabi_read_tp:
    mrc     p15, 0, r0, c13, c0, 3
    bx      lr
