#pragma once

#include <span>

namespace sluice {

// Overwrites passwords in the words of a command line, where everybody may read them: those of
// URLs (postgresql://user:PASSWORD@host) and what follows "password=".
void hide_secrets(std::span<char*> words);

}  // namespace sluice
