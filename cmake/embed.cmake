# cmake -DIN=file -DOUT=file.cc -DNAME=symbol -P embed.cmake: the file's bytes as a std::string_view.
file(READ ${IN} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUT} "#include <string_view>\n\nnamespace {\nconstexpr unsigned char kBytes[] = {${bytes}};\n}  // namespace\n
extern const std::string_view ${NAME};
const std::string_view ${NAME}(reinterpret_cast<const char*>(kBytes), sizeof kBytes);\n")
