# kith_module(NAME [PURE] SOURCES a.cpp... TESTS a_test.cpp... DEPS lower modules... LIBS packages...)
#
# One static library kith_NAME from src/NAME and one test program kith_NAME_test beside it. A module names the modules that
# it links; tools/check_layers.py says which way is up, and that it includes no others.
function(kith_module name)
  cmake_parse_arguments(M "" "" "SOURCES;TESTS;DEPS;LIBS;TEST_LIBS" ${ARGN})
  string(REPLACE "/" "_" target ${name})
  if(M_SOURCES)
    add_library(kith_${target} STATIC ${M_SOURCES})
    set(scope PUBLIC)
    target_precompile_headers(kith_${target} REUSE_FROM kith_pch)
  else()
    add_library(kith_${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  list(TRANSFORM M_DEPS REPLACE "/" "_")
  list(TRANSFORM M_DEPS PREPEND kith_)
  target_link_libraries(kith_${target} ${scope} kith_flags tl::expected fmt::fmt ${M_DEPS} ${M_LIBS})

  kith_tests_wanted(${name})
  if(wanted AND M_TESTS)
    add_executable(kith_${target}_test ${M_TESTS})
    target_link_libraries(kith_${target}_test PRIVATE kith_${target} kith_testing ${M_TEST_LIBS} GTest::gtest_main)
    target_precompile_headers(kith_${target}_test REUSE_FROM kith_test_pch)
    add_test(NAME ${name} COMMAND kith_${target}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
endfunction()

# Sets `wanted`: whether this tree builds the tests of the module.
function(kith_tests_wanted module)
  set(wanted OFF PARENT_SCOPE)
  if(KITH_TESTS AND (NOT KITH_TEST_MODULES OR module IN_LIST KITH_TEST_MODULES))
    set(wanted ON PARENT_SCOPE)
  endif()
endfunction()

# Precompiled headers, one for the modules and one for their tests: what nearly every file includes.
function(kith_precompiled target)
  file(WRITE ${CMAKE_BINARY_DIR}/pch/${target}.cpp "")
  add_library(${target} STATIC ${CMAKE_BINARY_DIR}/pch/${target}.cpp)
  target_link_libraries(${target} PUBLIC kith_flags tl::expected fmt::fmt)
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <chrono> <compare> <cstdint> <functional> <map> <memory> <optional> <set> <span> <string>
    <string_view> <tuple> <unordered_map> <utility> <variant> <vector> <tl/expected.hpp> <fmt/format.h> ${ARGN})
endfunction()
