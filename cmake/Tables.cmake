# Tables made from names: that of ops from the folders of kernels/, those of models and experiments from files.
# A folder that exports no rows is a link error that names the missing symbol.

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

# cairn_unite_simd(TARGET SOURCE...): adds sources that use Highway's foreach_target.h, six to a file of
# their own: each reads Highway once for every target, which costs more than most of the kernels. Each
# source names itself as the one to be compiled for all targets; the last word is the batch's.
function(cairn_unite_simd target)
  set(sources ${ARGN})
  set(number 0)
  while(sources)
    list(SUBLIST sources 0 6 batch)
    list(REMOVE_ITEM sources ${batch})
    set(file ${CMAKE_CURRENT_BINARY_DIR}/${target}_simd_${number}.cpp)
    set(lines "")
    foreach(source ${batch})
      string(APPEND lines "#include \"${source}\"\n")
    endforeach()
    set(this "#undef HWY_TARGET_INCLUDE\n#define HWY_TARGET_INCLUDE \"${file}\"\n")
    file(CONFIGURE OUTPUT ${file} CONTENT "${this}#include <hwy/foreach_target.h>\n${lines}${this}" @ONLY)
    target_sources(${target} PRIVATE ${file})
    set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O3>"
      SKIP_UNITY_BUILD_INCLUSION ON SKIP_PRECOMPILE_HEADERS ON)
    math(EXPR number "${number} + 1")
  endwhile()
endfunction()

# cairn_add_op_folders(TARGET DIR...): compiles every op folder below each DIR into TARGET and adds its
# rows to the op table. TARGET is the library `cairn`, or a program of your own that links it: its table
# holds the library's rows and yours, and the linker takes it instead of the library's, whose object file
# defines nothing else. A library built with CUDA wants the folders' .cu files too.
function(cairn_add_op_folders target)
  target_link_libraries(${target} PRIVATE cairn::numerics)
  get_target_property(cuda cairn::cairn CAIRN_CUDA)
  set(simd "")
  foreach(root ${ARGN})
    file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true ${root}/*)
    foreach(folder ${folders})
      if(NOT IS_DIRECTORY ${folder})
        continue()
      endif()
      get_filename_component(name ${folder} NAME)
      file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
      set(twins "")
      if(cuda)
        file(GLOB twins CONFIGURE_DEPENDS ${folder}/*.cu)
        cairn_cuda_sources(${twins})
        list(APPEND sources ${twins})
      endif()
      set(fast ${sources})
      list(FILTER fast INCLUDE REGEX "_cpu\\.cpp$")
      list(REMOVE_ITEM sources ${fast})
      foreach(source ${fast})
        file(STRINGS ${source} is_simd REGEX "hwy/foreach_target\\.h")
        if(is_simd AND CMAKE_UNITY_BUILD)
          list(APPEND simd ${source})
        else()
          target_sources(${target} PRIVATE ${source})
          set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O3>"
            SKIP_PRECOMPILE_HEADERS ON)
        endif()
      endforeach()
      target_sources(${target} PRIVATE ${sources})
      list(REMOVE_ITEM sources ${twins})
      cairn_unite(${name} ${sources})
      set_property(TARGET ${target} APPEND PROPERTY CAIRN_OP_FOLDERS ${name})
      set_property(TARGET ${target} APPEND PROPERTY CAIRN_OP_DIRECTORIES ${folder})
    endforeach()
    get_filename_component(parent ${root} DIRECTORY)
    target_include_directories(${target} PRIVATE ${parent})
  endforeach()
  cairn_unite_simd(${target} ${simd})
  set(declarations "")
  set(entries "")
  if(NOT target STREQUAL "cairn")
    get_target_property(names cairn::cairn CAIRN_OP_FOLDERS)
    foreach(name ${names})
      string(APPEND declarations "extern const std::span<const OpDef> ${name}_ops;\n")
      string(APPEND entries "      {\"${name}\", &${name}_ops, {}},\n")
    endforeach()
  endif()
  get_target_property(names ${target} CAIRN_OP_FOLDERS)
  get_target_property(directories ${target} CAIRN_OP_DIRECTORIES)
  foreach(name directory IN ZIP_LISTS names directories)
    string(APPEND declarations "extern const std::span<const OpDef> ${name}_ops;\n")
    string(APPEND entries "      {\"${name}\", &${name}_ops, \"${directory}\"},\n")
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/${target}_op_table.cpp)
  file(CONFIGURE OUTPUT ${table} CONTENT [=[
// Made by CMake from the names of the op folders.
#include "core/op_table.h"

namespace cairn {
@declarations@
std::span<const OpFolder> op_folders() {
  static constexpr OpFolder folders[] = {
@entries@  };
  return folders;
}
}  // namespace cairn
]=] @ONLY)
  get_target_property(known ${target} SOURCES)
  if(NOT "${table}" IN_LIST known)
    target_sources(${target} PRIVATE ${table})
  endif()
endfunction()

# cairn_add_file_table(TARGET DIR KIND SPACE TYPE HEADER): a table of what DIR's files export. A file NAME.cpp
# exports `NAME_KINDs`, a span of SPACE's TYPE, which HEADER declares beside the table, `KIND_files`. KINDs.cpp is the
# look-up itself.
function(cairn_add_file_table target dir kind space type header)
  file(GLOB files CONFIGURE_DEPENDS ${dir}/*.cpp)
  set(declarations "")
  set(entries "")
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    if(name STREQUAL "${kind}s")
      continue()
    endif()
    string(APPEND declarations "extern const std::span<const ${type}> ${name}_${kind}s;\n")
    string(APPEND entries "      &${name}_${kind}s,\n")
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/${target}_${kind}_table.cpp)
  file(CONFIGURE OUTPUT ${table} CONTENT [=[
// Made by CMake from file names.
#include "@header@"

namespace @space@ {
@declarations@
std::span<const std::span<const @type@>* const> @kind@_files() {
  static constexpr const std::span<const @type@>* files[] = {
@entries@  };
  return files;
}
}  // namespace @space@
]=] @ONLY)
  target_sources(${target} PRIVATE ${table})
endfunction()
