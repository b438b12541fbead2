# The target checkheaders: compiles every header of the repository alone, so that none leans on what its users include
# before it. Not part of the default build.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
  ${CMAKE_SOURCE_DIR}/src/*.hpp ${CMAKE_SOURCE_DIR}/include/*.hpp ${CMAKE_SOURCE_DIR}/tests/*.hpp
  ${CMAKE_SOURCE_DIR}/fuzz/*.hpp ${CMAKE_SOURCE_DIR}/tools/*.hpp)

set(units "")
foreach(header IN LISTS headers)
  set(unit ${CMAKE_BINARY_DIR}/checkheaders/${header}.cpp)
  file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${CMAKE_SOURCE_DIR}/${header}\"\n" @ONLY)
  list(APPEND units ${unit})
endforeach()

# Linked to all modules for their include directories and packages; no precompiled header, which would hide what is missing.
add_library(checkheaders OBJECT EXCLUDE_FROM_ALL ${units})
target_link_libraries(checkheaders PRIVATE kith_flags tl::expected fmt::fmt)
foreach(library kith_cli kith_engine kith_disk kith_store_sqlite kith_sync_away kith_sync_exchange kith_sync_files kith_sync_relays kith_link_tcp kith_link_ws
        kith_relay_channel kith_relay_rules kith_relay_sqlite kith_relay_server kith_testing kith_samples)
  if(TARGET ${library})
    target_link_libraries(checkheaders PRIVATE ${library})
  endif()
endforeach()
target_include_directories(checkheaders PRIVATE ${CMAKE_SOURCE_DIR}/fuzz ${CMAKE_SOURCE_DIR}/tests)
target_compile_options(checkheaders PRIVATE -O0 -g0 -U_FORTIFY_SOURCE)
