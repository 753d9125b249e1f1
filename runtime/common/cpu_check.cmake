# The CPU check (cpu.c beside this file) asks for what the compiler was told that the CPU has, and must itself
# run on less.
include(CheckSymbolExists)
set(required "")
foreach(feature IN ITEMS NEON:__ARM_NEON VFPV4:__ARM_FEATURE_FMA IDIV:__ARM_FEATURE_IDIV)
  string(REPLACE ":" ";" pair ${feature})
  list(GET pair 0 name)
  list(GET pair 1 macro)
  check_symbol_exists(${macro} "stddef.h" HAS_${name})
  if(HAS_${name})
    list(APPEND required TFPORT_REQUIRE_${name})
  endif()
endforeach()
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/cpu.c PROPERTIES
  COMPILE_DEFINITIONS "${required}" COMPILE_OPTIONS "-march=armv7-a;-mfpu=vfpv3-d16")
