@ The model and what it is fed, as read-only data of the image. TensorFlow Lite uses the model where it
@ lies; 64 bytes are a cache line, and more than any kernel asks for.
  .section .rodata.embedded, "a"
  .macro embed name, file
  .balign 64
  .global \name\()_begin
\name\()_begin:
  .incbin "\file"
  .global \name\()_end
\name\()_end:
  .endm

  embed model, MODEL_FILE
  embed input, INPUT_FILE
