# CUDA: compiler settings and what the library needs in a build with CAIRN_CUDA=ON.
# `native` needs a device, so one architecture is the default; -DCMAKE_CUDA_ARCHITECTURES="80;90" names others.
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 90)
endif()
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(CAIRN_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH /usr/local/cuda PATH_SUFFIXES bin)
  if(NOT CAIRN_NVCC)
    message(FATAL_ERROR "nvcc was not found: install the CUDA toolkit, set CUDACXX to nvcc's path, or "
                        "configure with -DCAIRN_CUDA=OFF")
  endif()
  set(CMAKE_CUDA_COMPILER ${CAIRN_NVCC})
endif()
enable_language(CUDA)

# CMake 3.25 does not know nvcc's flag for C++20.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
endif()
if(NOT DEFINED CMAKE_CUDA20_EXTENSION_COMPILE_OPTION)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
find_package(CUDAToolkit REQUIRED)

target_compile_options(cairn_settings INTERFACE
  "$<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings;-Xcompiler=-Wall,-Wextra>")

# The CUDA side of the library; it takes the place of core/cuda_off.cpp.
function(cairn_enable_cuda target)
  file(GLOB sources CONFIGURE_DEPENDS core/cuda/*.cpp)
  get_target_property(all ${target} SOURCES)
  list(FILTER all EXCLUDE REGEX "core/cuda_off\\.cpp$")
  set_target_properties(${target} PROPERTIES SOURCES "${all}")
  target_sources(${target} PRIVATE ${sources})
  target_compile_definitions(${target} PUBLIC CAIRN_WITH_CUDA)
  target_link_libraries(${target} PUBLIC CUDA::cudart_static)
endfunction()
