# CUDA on the CPU: the CUDA sources as C++ against NVIDIA's headers, with the runtime of simt/. Included where
# CAIRN_CUDA is SIMT; the counterpart of Cuda.cmake.
option(CAIRN_SIMT_CHECKER "Check every load and store of kernels: bounds, races, uninitialised memory" OFF)

find_path(CAIRN_CUDA_INCLUDE cuda_runtime.h
  HINTS ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES include
  DOC "The folder of NVIDIA's CUDA headers")
if(NOT CAIRN_CUDA_INCLUDE)
  message(FATAL_ERROR "CAIRN_CUDA is SIMT and NVIDIA's CUDA headers are not found. Install the CUDA toolkit 13, set "
    "CUDA_HOME to it, or configure with -DCAIRN_CUDA=OFF.")
endif()
find_package(Boost REQUIRED COMPONENTS context)
find_library(CAIRN_OPENBLAS openblas REQUIRED)
add_subdirectory(${PROJECT_SOURCE_DIR}/simt)

# cairn_cuda_sources(SOURCE...): tells how CUDA sources are compiled: as C++ that sees CUDA's built-ins first, with
# line numbers for reports. Instrumented where each load and store is checked.
set(CAIRN_SIMT_OPTIONS "-include;${PROJECT_SOURCE_DIR}/simt/device.h;-g1;-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=;-fdebug-prefix-map=${CMAKE_BINARY_DIR}=.;-Wno-conversion")
if(CAIRN_SIMT_CHECKER)
  # -O1 keeps loops and branches as they are written, for the access report.
  list(APPEND CAIRN_SIMT_OPTIONS -O1 -fsanitize=thread -fsanitize-coverage=trace-pc -DSIMT_CHECKER)
endif()
function(cairn_cuda_sources)
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "${CAIRN_SIMT_OPTIONS}"
    SKIP_UNITY_BUILD_INCLUSION ON SKIP_PRECOMPILE_HEADERS ON)
endfunction()

# cairn_enable_cuda(TARGET): gives TARGET the CUDA device in place of the answer "no CUDA".
function(cairn_enable_cuda target)
  file(GLOB device CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/core/cuda/*.cpp)
  file(GLOB kernels CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/core/cuda/*.cu)
  cairn_cuda_sources(${kernels})
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources EXCLUDE REGEX "core/cuda_off\\.cpp$")
  set_target_properties(${target} PROPERTIES SOURCES "${sources};${device};${kernels}")
  target_compile_definitions(${target} PUBLIC CAIRN_WITH_CUDA CAIRN_SIMT)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/core/cuda/device.cpp PROPERTIES
    COMPILE_DEFINITIONS CAIRN_CUDA_CODE="SIMT on the CPU")
  target_link_libraries(${target} PUBLIC $<BUILD_INTERFACE:simt>)
  # Programs open the stand-ins of cuBLAS and cuDNN beside the runtime, before any that the machine has.
  add_dependencies(${target} simt_cublas simt_cudnn)
  target_link_options(${target} INTERFACE "LINKER:--disable-new-dtags")
endfunction()
