# Tables made from names: the op table from the folders of kernels/, the model table from models/.
# A folder that exports no rows is a link error that names the missing symbol.

# cairn_add_op_folders(TARGET DIR...): compiles every op folder below each DIR into TARGET and adds its
# rows to the op table. TARGET is the library `cairn`, or a program of your own that links it: its table
# holds the library's rows and yours, and the linker takes it instead of the library's, whose object file
# defines nothing else.
function(cairn_add_op_folders target)
  foreach(root ${ARGN})
    file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true ${root}/*)
    foreach(folder ${folders})
      if(NOT IS_DIRECTORY ${folder})
        continue()
      endif()
      get_filename_component(name ${folder} NAME)
      file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
      if(CAIRN_CUDA STREQUAL "ON")
        file(GLOB twins CONFIGURE_DEPENDS ${folder}/*.cu)
        list(APPEND sources ${twins})
      endif()
      target_sources(${target} PRIVATE ${sources})
      set(fast ${sources})
      list(FILTER fast INCLUDE REGEX "_cpu\\.cpp$")
      set_source_files_properties(${fast} PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O3>")
      list(REMOVE_ITEM sources ${fast} ${twins})
      cairn_unite(${name} ${sources})
      set_property(TARGET ${target} APPEND PROPERTY CAIRN_OP_FOLDERS ${name})
    endforeach()
    get_filename_component(parent ${root} DIRECTORY)
    target_include_directories(${target} PRIVATE ${parent})
  endforeach()
  get_target_property(names ${target} CAIRN_OP_FOLDERS)
  if(NOT target STREQUAL "cairn")
    get_target_property(library_names cairn CAIRN_OP_FOLDERS)
    list(PREPEND names ${library_names})
  endif()
  set(declarations "")
  set(entries "")
  foreach(name ${names})
    string(APPEND declarations "extern const std::span<const OpDef> ${name}_ops;\n")
    string(APPEND entries "      {\"${name}\", &${name}_ops},\n")
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

# cairn_add_models(TARGET DIR): adds the models that DIR's files export to the model table. A file
# NAME.cpp exports `NAME_models`; models.cpp is the look-up itself.
function(cairn_add_models target dir)
  file(GLOB files CONFIGURE_DEPENDS ${dir}/*.cpp)
  set(declarations "")
  set(entries "")
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    if(name STREQUAL "models")
      continue()
    endif()
    string(APPEND declarations "extern const std::span<const Model> ${name}_models;\n")
    string(APPEND entries "      &${name}_models,\n")
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/${target}_model_table.cpp)
  file(CONFIGURE OUTPUT ${table} CONTENT [=[
// Made by CMake from the file names of models/.
#include "models/models.h"

namespace cairn {
@declarations@
std::span<const std::span<const Model>* const> model_files() {
  static constexpr const std::span<const Model>* files[] = {
@entries@  };
  return files;
}
}  // namespace cairn
]=] @ONLY)
  target_sources(${target} PRIVATE ${table})
endfunction()
