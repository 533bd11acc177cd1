# What makes a fault in a program harder to exploit. tests/hardening/run checks that the programs
# have it.
include(CheckCXXCompilerFlag)
include(CheckCXXSourceCompiles)

set(dm_hardening -fPIE -fstack-protector-strong)
foreach(flag -fstack-clash-protection -fcf-protection=full)
  string(MAKE_C_IDENTIFIER "DM_HAS${flag}" have)
  set(CMAKE_REQUIRED_FLAGS -Werror)
  check_cxx_compiler_flag(${flag} ${have})
  if(${have})
    list(APPEND dm_hardening ${flag})
  endif()
endforeach()

# Level 3 needs gcc 12 or clang 9, and glibc 2.35; both say so by a warning.
set(CMAKE_REQUIRED_FLAGS "-Werror -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_cxx_source_compiles("
  #include <cstring>
  #if !defined(__GLIBC__) || !__GLIBC_PREREQ(2, 35) || __USE_FORTIFY_LEVEL < 3
  #error no
  #endif
  int main() {}" DM_HAS_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(dm_fortify 2)
if(DM_HAS_FORTIFY_3)
  set(dm_fortify 3)
endif()

# The sanitizers find more than these do, and are in their way.
function(dm_harden name)
  if(DM_SANITIZE OR DM_TSAN OR DM_FUZZ)
    return()
  endif()
  target_compile_options(${name} PRIVATE ${dm_hardening})
  if(NOT CMAKE_BUILD_TYPE STREQUAL Debug)
    # -Wno-unused-result: gcc complains in spite of (void); clang's builds insist on the results.
    target_compile_options(${name} PRIVATE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${dm_fortify}
      $<$<CXX_COMPILER_ID:GNU>:-Wno-unused-result>)
  endif()
  target_link_options(${name} PRIVATE -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections)
endfunction()
