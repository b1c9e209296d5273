# cmake --install: the command, the library with its headers, and a package for find_package(cairn).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/cairn)
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/cairn)
target_include_directories(cairn PUBLIC $<INSTALL_INTERFACE:${headers}>)

install(TARGETS cairn_command)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES data/digits/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME LICENSE.digits)
install(TARGETS cairn cairn_numerics EXPORT cairn-targets)
install(DIRECTORY core data io kernels layers models train DESTINATION ${headers}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.cuh")
install(EXPORT cairn-targets NAMESPACE cairn:: DESTINATION ${package})

configure_package_config_file(cmake/cairn-config.cmake.in ${CMAKE_BINARY_DIR}/package/cairn-config.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/cairn-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(DIRECTORY ${CMAKE_BINARY_DIR}/package/ DESTINATION ${package})
install(FILES cmake/Dependencies.cmake cmake/Tables.cmake cmake/Cuda.cmake DESTINATION ${package})
