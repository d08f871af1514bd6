#pragma once

// Whether texts are what atproto's specification calls them, character by character. Only the
// standard library, no state: a fold may call these. Each is held to the network's own lists of
// valid and invalid examples.

#include <optional>
#include <string_view>

namespace sluice::atproto {

// "DID", at most 2,048 characters. Any method, as the syntax has it.
[[nodiscard]] bool is_did(std::string_view text);
// "Handle": a domain name of two labels or more, at most 253 characters; any case.
[[nodiscard]] bool is_handle(std::string_view text);
// "NSID": three segments or more, the last one a name; at most 317 characters. The text wants at
// most 253 of what is before the name, the network's list of valid ones does not.
[[nodiscard]] bool is_nsid(std::string_view text);
// "Record Key": 1 to 512 of letters, digits and ".-_:~", but not "." and "..".
[[nodiscard]] bool is_record_key(std::string_view text);
// Lexicon's string format "cid": 8 to 256 letters, digits, "+" and "=", not version 0. What links
// may be is narrower: cid.h.
[[nodiscard]] bool is_cid_text(std::string_view text);

// "AT URI", restricted as lexicons have it: at://authority[/collection[/rkey]], nothing behind.
struct AtUri {
  std::string_view authority;   // a DID or a handle
  std::string_view collection;  // "": none
  std::string_view rkey;        // "": none
};
// Views of `text`. nullopt: none, or more than 8,192 characters.
[[nodiscard]] std::optional<AtUri> parse_at_uri(std::string_view text);

// "Repository", "Repo Paths": collection/rkey. nullopt: another form.
struct RecordPath {
  std::string_view collection;
  std::string_view rkey;
};
[[nodiscard]] std::optional<RecordPath> parse_record_path(std::string_view text);

}  // namespace sluice::atproto
