#include "tools/import/atproto/bytes/sha256.h"

#include <openssl/evp.h>

#include <memory>

#include "storage/base/check.h"

namespace sluice::atproto {
namespace {

struct Free {
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

struct Hasher {
  std::unique_ptr<EVP_MD, Free> digest{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

}  // namespace

Sha256 sha256(std::string_view bytes) {
  static thread_local const Hasher hasher;
  Sha256 made{};
  const bool done = EVP_DigestInit_ex2(hasher.context.get(), hasher.digest.get(), nullptr) == 1 &&
                    EVP_DigestUpdate(hasher.context.get(), bytes.data(), bytes.size()) == 1 &&
                    EVP_DigestFinal_ex(hasher.context.get(),
                                       reinterpret_cast<unsigned char*>(made.data()), nullptr) == 1;
  CHECK(done, "OpenSSL has SHA-256 and needs nothing but memory for it");
  return made;
}

}  // namespace sluice::atproto
