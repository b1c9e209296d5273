# cmake --install: the command, the library with its headers, and a package for find_package(cairn).
if(CAIRN_CUDA STREQUAL "SIMT")
  install(CODE [[message(FATAL_ERROR "CUDA on the CPU is not for installing: take the preset release or cuda")]])
  return()
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/cairn)
set(mains ${CMAKE_INSTALL_LIBDIR}/cairn)  # object files
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/cairn)
target_include_directories(cairn PUBLIC $<INSTALL_INTERFACE:${headers}>)

install(TARGETS cairn_command)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES data/digits/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME LICENSE.digits)
set_target_properties(cairn_verify PROPERTIES EXPORT_NAME verify)
set_target_properties(cairn_bench PROPERTIES EXPORT_NAME bench)
set_target_properties(cairn_lab PROPERTIES EXPORT_NAME lab)
install(TARGETS cairn cairn_numerics cairn_verify cairn_bench cairn_lab EXPORT cairn-targets)
install(DIRECTORY bench core data io kernels lab layers models train verify DESTINATION ${headers}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.cuh")
foreach(main app op_bench)
  set_target_properties(cairn_${main} PROPERTIES EXPORT_NAME ${main})
  install(TARGETS cairn_${main} EXPORT cairn-targets OBJECTS DESTINATION ${mains})
endforeach()
install(EXPORT cairn-targets NAMESPACE cairn:: DESTINATION ${package})
if(CAIRN_TESTS)
  set_target_properties(cairn_op_suite PROPERTIES EXPORT_NAME op_suite)
  install(TARGETS cairn_op_suite EXPORT cairn-op_suite-targets OBJECTS DESTINATION ${mains})
  install(EXPORT cairn-op_suite-targets NAMESPACE cairn:: DESTINATION ${package})
endif()

configure_package_config_file(cmake/cairn-config.cmake.in ${CMAKE_BINARY_DIR}/package/cairn-config.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/cairn-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(DIRECTORY ${CMAKE_BINARY_DIR}/package/ DESTINATION ${package})
install(FILES cmake/Dependencies.cmake cmake/Tables.cmake cmake/Cuda.cmake DESTINATION ${package})
