// The file that `understudy keys new` makes: a pair of one's own and the stage's public key, as
// ZeroMQ's certificates (ZPL) have them.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>

#include "socket.h"

namespace understudy {

// Throws std::invalid_argument with a sentence.
inline void read_key_file(const std::string& path, Options& options) {
    std::ifstream file(path);
    if (!file) throw std::invalid_argument("The key " + path + " cannot be read.");
    std::string line;
    for (int lines = 0; lines < 100 && std::getline(file, line); ++lines) {
        const std::size_t equals = line.find('='), start = line.find_first_not_of(" \t");
        if (equals == line.npos || line[start] == '#') continue;
        const std::string name = line.substr(start, line.find_first_of(" \t=", start) - start);
        std::string* const key = name == "public-key"   ? &options.public_key
                                 : name == "secret-key" ? &options.secret_key
                                 : name == "server-key" ? &options.server_key
                                                        : nullptr;
        const std::size_t first = line.find_first_not_of(" \t\"'", equals + 1);
        if (key == nullptr || first == line.npos) continue;
        *key = line.substr(first, line.find_first_of(" \t\"'\r", first) - first);
    }
    if (options.server_key.size() != 40 || options.public_key.size() != 40 ||
        options.secret_key.size() != 40)
        throw std::invalid_argument(
            path + " is no key to connect with; take the NAME.key that `understudy keys new NAME` made.");
}

}  // namespace understudy
