# The libraries that Cairn links, for its own build and for the installed package.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)

# Highway and libmd, which many systems ship without a CMake package.
foreach(name hwy md)
  if(NOT TARGET cairn::${name})
    find_library(CAIRN_LIB_${name} ${name} REQUIRED)
    add_library(cairn::${name} UNKNOWN IMPORTED)
    set_target_properties(cairn::${name} PROPERTIES IMPORTED_LOCATION ${CAIRN_LIB_${name}})
  endif()
endforeach()
