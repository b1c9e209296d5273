# CUDA: the language, its settings, and cairn_enable_cuda(TARGET). Included where CAIRN_CUDA is ON.
set(CAIRN_CUDA_ARCHS 90 CACHE STRING "Compute capabilities to build device code for, as 80;90")
set(CMAKE_CUDA_ARCHITECTURES ${CAIRN_CUDA_ARCHS})

# nvcc: $CUDACXX, else the PATH's, else that of the toolkit which CMake finds.
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(CAIRN_NVCC nvcc)
  if(CAIRN_NVCC)
    set(CMAKE_CUDA_COMPILER ${CAIRN_NVCC})
  else()
    find_package(CUDAToolkit QUIET)
    if(NOT CUDAToolkit_NVCC_EXECUTABLE)
      message(FATAL_ERROR "CAIRN_CUDA is ON and there is no nvcc. Install NVIDIA's CUDA toolkit 12 or 13, "
        "put nvcc on the PATH or set CUDACXX to it, or configure with -DCAIRN_CUDA=OFF.")
    endif()
    set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
  endif()
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)

# CMake 3.25 may not know nvcc's flag for C++20.
foreach(kind STANDARD EXTENSION)
  if(NOT CMAKE_CUDA20_${kind}_COMPILE_OPTION)
    set(CMAKE_CUDA20_${kind}_COMPILE_OPTION "-std=c++20")
  endif()
endforeach()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
# Unrolled kernels repeat themselves: packed for size, the device code takes a quarter.
if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.8)
  string(APPEND CMAKE_CUDA_FLAGS " -compress-mode=size")
endif()
if(CAIRN_CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CAIRN_CCACHE})
endif()

# cairn_cuda_sources(SOURCE...): tells how CUDA sources are compiled; nvcc takes them as they are.
function(cairn_cuda_sources)
endfunction()

# cairn_enable_cuda(TARGET): gives TARGET the CUDA device in place of the answer "no CUDA".
function(cairn_enable_cuda target)
  file(GLOB device CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/core/cuda/*.cpp
    ${PROJECT_SOURCE_DIR}/core/cuda/*.cu)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources EXCLUDE REGEX "core/cuda_off\\.cpp$")
  set_target_properties(${target} PROPERTIES SOURCES "${sources};${device}")
  target_compile_definitions(${target} PUBLIC CAIRN_WITH_CUDA)
  list(JOIN CAIRN_CUDA_ARCHS ", " code)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/core/cuda/device.cpp PROPERTIES
    COMPILE_DEFINITIONS CAIRN_CUDA_CODE="${code}")
  target_link_libraries(${target} PRIVATE CUDA::cudart_static ${CMAKE_DL_LIBS})
endfunction()
