# What every target of ours compiles with. Generated code does not.
add_library(warnings INTERFACE)
target_compile_options(warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual
  # Where optimised, g++ 12 finds them in Asio and libstdc++.
  $<$<CONFIG:Debug>:-Wnull-dereference>
  # Only local names: the options of table.proto put `key` and `table` into namespace sluice.
  $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
# Rows are the same bits on any machine: no fused multiply-add.
add_compile_options(-ffp-contract=off)
# g++ 12 warns of every "text" + std::string it inlines (its bug 105651).
target_compile_options(warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# And under sanitizers it sees uninitialized parts of std::regex (its bug 105562), under that of
# threads null pointers in std::streambuf.
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=" AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(warnings INTERFACE -Wno-maybe-uninitialized)
  if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=thread")
    target_compile_options(warnings INTERFACE -Wno-null-dereference)
  endif()
endif()
target_include_directories(warnings INTERFACE ${CMAKE_SOURCE_DIR})

# sluice_library(name SOURCES... ) : a static library with our warnings.
function(sluice_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PRIVATE warnings)
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()
