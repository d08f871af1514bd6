#pragma once

#include <span>

namespace sluice {

// Overwrites secrets in the words of a command line, where everybody may read them:
//   - the password of a URL (postgresql://user:PASSWORD@host, ...?password=SECRET, its name encoded
//     or not);
//   - the value behind a name of libpq or librdkafka that ends in password, secret or key.pem:
//     password=SECRET, password = 'SE CRET', ssl.key.pem=SECRET, up to the next of ",& ";
//   - what follows --api-key, in the same word or the next.
void hide_secrets(std::span<char*> words);

}  // namespace sluice
