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

add_library(cairn_settings INTERFACE)
target_compile_options(cairn_settings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wconversion -Werror -ffp-contract=off -fno-math-errno>)

# Highway's run-time dispatch takes one of: AVX-512 (AVX3), AVX2, or the baseline of the compiler. Sanitizer
# builds on x86-64 have AVX2 alone, which takes half the time to compile. (What Highway calls AVX2 has AES.)
option(CAIRN_AVX2_ONLY "SIMD code for AVX2 alone, on x86-64" OFF)
if(CAIRN_AVX2_ONLY AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(cairn_settings INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-march=haswell;-maes;-mpclmul>")
  target_compile_definitions(cairn_settings INTERFACE HWY_COMPILE_ONLY_STATIC)
else()
  target_compile_definitions(cairn_settings INTERFACE
    "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4|HWY_AVX3_DL)")
endif()

# Runs compilers through ccache where it is installed: clones share what they compile, and ccache is told
# what it must know to take part in precompiled headers.
find_program(CAIRN_CCACHE ccache)
if(CAIRN_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CAIRN_CCACHE})
  target_compile_options(cairn_settings INTERFACE
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()

# cairn_unite(NAME SOURCE...): lets the sources be compiled in batches where CMAKE_UNITY_BUILD is on (the
# presets release, test, cuda and asan): reading the same headers once instead of six times takes a third off
# a fresh build. Sources with options of their own stay alone.
function(cairn_unite name)
  set(count 0)
  foreach(source ${ARGN})
    math(EXPR batch "${count} / 6")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${name}_${batch})
    math(EXPR count "${count} + 1")
  endforeach()
endfunction()

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
