// The weights of the network, as one object that stays where the program's file is mapped.
  .section .rodata.tfport_acl_weights, "a", %progbits
  .balign 64
  .global tfport_acl_weights
  .type tfport_acl_weights, %object
tfport_acl_weights:
  .incbin TFPORT_ACL_WEIGHTS
  .size tfport_acl_weights, . - tfport_acl_weights
  .section .note.GNU-stack, "", %progbits
