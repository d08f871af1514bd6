# proto_library(name a/b.proto ... [ROOT folder]): C++ of protos below schemas/ (or ROOT), as a
# library. Paths are relative to the root, so that imports and includes read "sluice/table.proto",
# "sluice/table.pb.h".
# Headers are SYSTEM: generated code is not held to our warnings.
set(PROTO_ROOT ${CMAKE_SOURCE_DIR}/schemas)
set(PROTO_OUT ${CMAKE_BINARY_DIR}/schemas/generated)
file(MAKE_DIRECTORY ${PROTO_OUT})

function(proto_library name)
  cmake_parse_arguments(arg "" "ROOT" "" ${ARGN})
  if(NOT arg_ROOT)
    set(arg_ROOT ${PROTO_ROOT})
  endif()
  set(sources)
  foreach(proto IN LISTS arg_UNPARSED_ARGUMENTS)
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    add_custom_command(
      OUTPUT ${PROTO_OUT}/${stem}.pb.cc ${PROTO_OUT}/${stem}.pb.h ${PROTO_OUT}/${stem}.desc
      COMMAND protobuf::protoc -I ${PROTO_ROOT} -I ${arg_ROOT} --cpp_out=${PROTO_OUT}
              ${arg_ROOT}/${proto}
      # With comments, which become column comments.
      COMMAND protobuf::protoc -I ${PROTO_ROOT} -I ${arg_ROOT} --include_source_info
              --descriptor_set_out=${PROTO_OUT}/${stem}.desc ${arg_ROOT}/${proto}
      DEPENDS ${arg_ROOT}/${proto}
      VERBATIM)
    list(APPEND sources ${PROTO_OUT}/${stem}.pb.cc)
  endforeach()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} SYSTEM PUBLIC ${PROTO_OUT})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf)
endfunction()
