# sluice_test(name RING ring SOURCES ... LIBRARIES ...): a Catch2 program, run by ctest under its
# ring's label (domain, contract, simulation, integration, end_to_end). The fast rings are domain,
# simulation and contract; what starts a broker or a server is integration or end_to_end.
set_property(GLOBAL PROPERTY SLUICE_TEST_SOURCES "")

function(sluice_test name)
  cmake_parse_arguments(arg "" "RING;TIMEOUT" "SOURCES;LIBRARIES;ARGS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE warnings catch_main ${arg_LIBRARIES})
  add_test(NAME ${name} COMMAND ${name} ${arg_ARGS} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS ${arg_RING} TIMEOUT ${arg_TIMEOUT})
  foreach(source IN LISTS arg_SOURCES)
    get_filename_component(path ${source} ABSOLUTE)
    set_property(GLOBAL APPEND PROPERTY SLUICE_TEST_SOURCES ${path})
  endforeach()
endfunction()

add_library(catch_main STATIC ${CMAKE_SOURCE_DIR}/cmake/catch_main.cc)
target_link_libraries(catch_main PUBLIC Catch2::Catch2)

# A test outside the build does not exist: say so while configuring.
function(require_every_test_in_a_target)
  get_property(listed GLOBAL PROPERTY SLUICE_TEST_SOURCES)
  file(GLOB_RECURSE found CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/schemas/*_test.cc ${CMAKE_SOURCE_DIR}/storage/*_test.cc
    ${CMAKE_SOURCE_DIR}/projectors/*_test.cc ${CMAKE_SOURCE_DIR}/ingest/*_test.cc
    ${CMAKE_SOURCE_DIR}/tools/*_test.cc ${CMAKE_SOURCE_DIR}/tests/*_test.cc)
  foreach(test IN LISTS found)
    if(NOT test IN_LIST listed)
      message(FATAL_ERROR "${test} is in no target: name it in a sluice_test()")
    endif()
  endforeach()
endfunction()
