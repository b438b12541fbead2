# Flags that every kith target shares: warnings are errors, sections nobody uses are dropped, memory bugs are caught.
add_library(kith_flags INTERFACE)
target_compile_options(kith_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual
  -Wimplicit-fallthrough -Werror
  -fno-omit-frame-pointer -fstack-protector-strong -fdiagnostics-color=auto)
target_compile_definitions(kith_flags INTERFACE _FILE_OFFSET_BITS=64)
target_include_directories(kith_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
# What looks up a function at its first call saves the registers on the stack, with the secrets that a copy left in them.
target_link_options(kith_flags INTERFACE -Wl,-z,relro,-z,now)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports impossible overflows inside std::string and std::variant at -O2 (GCC bugs 105329, 105562).
  target_compile_options(kith_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds)
endif()

if(KITH_SANITIZE)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND KITH_SANITIZE MATCHES "undefined")
    # What this check puts in front of functions cannot be assembled for coroutines (clang 14).
    set(unchecked -fno-sanitize=function)
  endif()
  target_compile_options(kith_flags INTERFACE -fsanitize=${KITH_SANITIZE} -fno-sanitize-recover=all ${unchecked} -O1)
  target_link_options(kith_flags INTERFACE -fsanitize=${KITH_SANITIZE})
else()
  target_compile_definitions(kith_flags INTERFACE $<$<CONFIG:RelWithDebInfo,Release>:_FORTIFY_SOURCE=2>)
endif()

# Only line tables in optimised trees: full debug information doubles the time to link and the size on disk.
string(REPLACE "-g" "-g1" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  target_compile_options(kith_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
  # clang refuses a precompiled header that comes out of the cache older than the headers it was made from.
  target_compile_options(kith_flags INTERFACE "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
