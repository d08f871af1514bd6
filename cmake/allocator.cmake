# What programs that hold rows by the million allocate with. glibc's arenas, one a thread, keep what
# other threads freed: a drain under --memory 512MiB held 598 MB with it, 459 MB with jemalloc, and took
# a tenth more processor time. Sanitizers bring an allocator of their own.
add_library(allocator INTERFACE)
if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  target_link_libraries(allocator INTERFACE PkgConfig::jemalloc)
  target_sources(allocator INTERFACE ${CMAKE_SOURCE_DIR}/cmake/malloc_options.cc)
endif()
