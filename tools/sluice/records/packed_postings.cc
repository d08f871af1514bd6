#include "tools/sluice/records/packed_postings.h"

#include "projectors/engine/key_index/index_page.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

std::string packed(const Postings& postings) {
  key_index::PageWriter writer;
  for (const Posting& posting : postings) writer.add({0, posting});
  std::string text;
  for (const char c : writer.finish()) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Postings unpacked(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const std::size_t high = kDigits.find(text[i]);
    const std::size_t low = kDigits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      throw Corrupt("what the owner of the partition says of the key cannot be read");
    }
    bytes.push_back(static_cast<char>(high << 4 | low));
  }
  Postings postings;
  for (key_index::PageReader at(bytes); at.valid(); at.next()) {
    postings.push_back(at.entry().posting);
  }
  return postings;
}

}  // namespace sluice
