# Compiler settings of every target. Warnings are errors, in CUDA code too.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

enable_language(ASM)

# What kernels need to give the same results wherever they are compiled, in a program's own op folders too.
add_library(cairn_numerics INTERFACE)
add_library(cairn::numerics ALIAS cairn_numerics)
set_target_properties(cairn_numerics PROPERTIES EXPORT_NAME numerics)
target_compile_options(cairn_numerics INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off;-fno-math-errno>"
  "$<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr;-Xcompiler=-ffp-contract=off>")

add_library(cairn_settings INTERFACE)
target_link_libraries(cairn_settings INTERFACE cairn_numerics)
target_compile_options(cairn_settings INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wconversion;-Werror>"
  "$<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings;-Xcompiler=-Wall,-Wextra>")

# Highway's run-time dispatch takes one of: AVX-512 (AVX3), AVX2, or the baseline of the compiler. Sanitizer
# builds on x86-64 have AVX2 alone, which takes half the time to compile. (What Highway calls AVX2 has AES.)
option(CAIRN_AVX2_ONLY "SIMD code for AVX2 alone, on x86-64" OFF)
if(CAIRN_AVX2_ONLY AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(cairn_numerics INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-march=haswell;-maes;-mpclmul>")
  target_compile_definitions(cairn_numerics INTERFACE HWY_COMPILE_ONLY_STATIC)
else()
  target_compile_definitions(cairn_numerics INTERFACE
    "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4|HWY_AVX3_DL)")
endif()

# Runs compilers through ccache where it is installed, and tells it what it must know of precompiled headers.
# Those hold the paths of their clone: never share a cache between clones by CCACHE_BASEDIR.
find_program(CAIRN_CCACHE ccache)
if(CAIRN_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${CAIRN_CCACHE})
  target_compile_options(cairn_settings INTERFACE
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()

# cairn_precompile(TARGET HEADER... | REUSE_FROM OTHER): reads headers once for all sources of TARGET that have
# no options of their own, where CMAKE_UNITY_BUILD is on. Other presets see that each source includes what it
# needs.
function(cairn_precompile target)
  if(CMAKE_UNITY_BUILD)
    if(ARGV1 STREQUAL "REUSE_FROM")
      target_precompile_headers(${target} ${ARGN})
    else()
      target_precompile_headers(${target} PRIVATE ${ARGN})
    endif()
  endif()
endfunction()
