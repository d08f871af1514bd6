# proto_library(name FILES a/b.proto ...): C++ of protos below schemas/, as a library. Paths are
# relative to schemas/, so that imports and includes read "sluice/table.proto", "sluice/table.pb.h".
# Headers are SYSTEM: generated code is not held to our warnings.
set(PROTO_ROOT ${CMAKE_SOURCE_DIR}/schemas)
set(PROTO_OUT ${CMAKE_BINARY_DIR}/schemas/generated)
file(MAKE_DIRECTORY ${PROTO_OUT})

function(proto_library name)
  set(sources)
  foreach(proto IN LISTS ARGN)
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    add_custom_command(
      OUTPUT ${PROTO_OUT}/${stem}.pb.cc ${PROTO_OUT}/${stem}.pb.h ${PROTO_OUT}/${stem}.desc
      COMMAND protobuf::protoc -I ${PROTO_ROOT} --cpp_out=${PROTO_OUT} ${PROTO_ROOT}/${proto}
      # With comments, which become column comments.
      COMMAND protobuf::protoc -I ${PROTO_ROOT} --include_source_info
              --descriptor_set_out=${PROTO_OUT}/${stem}.desc ${PROTO_ROOT}/${proto}
      DEPENDS ${PROTO_ROOT}/${proto}
      VERBATIM)
    list(APPEND sources ${PROTO_OUT}/${stem}.pb.cc)
  endforeach()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} SYSTEM PUBLIC ${PROTO_OUT})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf)
endfunction()
