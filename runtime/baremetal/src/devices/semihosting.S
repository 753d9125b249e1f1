// The call itself: operation in r0, argument in r1, answer in r0. Without a debugger or emulator
// that answers, it is an SVC exception.
    .syntax unified
    .arch armv7-a
    .arm
    .section .text.tfport_bm_semihosting_call, "ax"
    .global tfport_bm_semihosting_call
    .type   tfport_bm_semihosting_call, %function
tfport_bm_semihosting_call:
    push    {r4, lr}
    svc     #0x123456
    pop     {r4, lr}
    bx      lr
