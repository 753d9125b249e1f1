// The exception vectors. Every exception is fatal but one: the SVC by which boot asks whether
// semihosting is there.
    .syntax unified
    .arch armv7-a
    .arm

    .section .text.tfport_bm_vectors, "ax"
    .balign 32
    .global tfport_bm_vectors
tfport_bm_vectors:
    b       .
    b       .Lundefined
    b       .Lsvc
    b       .Lprefetch_abort
    b       .Ldata_abort
    b       .
    b       .Lirq
    b       .Lfiq

// Offsets are those of struct tfport_bm_fault.
    .macro  fault kind, offset
    sub     lr, lr, #\offset
    sub     sp, sp, #80
    stmia   sp, {r0-r12}
    mov     r1, #\kind
    b       .Lreport
    .endm

.Lundefined:
    fault   1, 4
.Lprefetch_abort:
    fault   3, 4
.Ldata_abort:
    fault   4, 8
.Lirq:
    fault   6, 4
.Lfiq:
    fault   7, 4
.Lsvc:
    push    {r0, r1}
    ldr     r0, =tfport_bm_semihosting_probe
    ldr     r1, [r0]
    cmp     r1, #0
    movne   r1, #0
    strne   r1, [r0]                    // it came here, so nobody else answers
    pop     {r0, r1}
    movsne  pc, lr
    fault   2, 4

.Lreport:
    str     lr, [sp, #60]
    add     r2, sp, #52
    stmia   r2, {sp, lr}^               // of SYS mode, in which threads run
    nop
    mrs     r0, spsr
    str     r0, [sp, #64]
    str     r1, [sp, #68]
    cmp     r1, #3
    mrceq   p15, 0, r2, c5, c0, 1       // IFSR
    mrceq   p15, 0, r3, c6, c0, 2       // IFAR
    mrcne   p15, 0, r2, c5, c0, 0       // DFSR
    mrcne   p15, 0, r3, c6, c0, 0       // DFAR
    str     r2, [sp, #72]
    str     r3, [sp, #76]
    clrex
    mov     r0, sp
    blx     tfport_bm_report_fault
    b       .
    .pool
