// A connection in one line, for a text field or a preset of an engine:
//
//     tcp://stage:5570
//     tcp://stage:5570 key_file="C:/keys/tablet.key"
//     tcp://stage:5570 control=tcp://stage:7001 server_key=... public_key=... secret_key=...
//
// Without control= the stage's own habit is taken, the port after the first; control=none asks
// nobody. Words are parted by spaces: CURVE's keys (Z85) may hold any other mark. A path that holds
// a space is put between double quotes.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "socket.h"

namespace understudy {

inline std::string control_beside(std::string_view address) {
    const std::size_t colon = address.rfind(':');
    int port = 0;
    const char* const end = address.data() + address.size();
    if (address.rfind("tcp://", 0) != 0 || colon <= 5) return "";
    const auto read = std::from_chars(address.data() + colon + 1, end, port);
    if (read.ec != std::errc() || read.ptr != end || port < 1 || port > 65534) return "";
    return std::string(address.substr(0, colon + 1)) + std::to_string(port + 1);
}

// Nothing, and a sentence in `error`, where the line is not understood.
inline std::optional<Options> read_connection(std::string_view line, std::string& error) {
    Options options;
    options.control = "?";
    bool has_address = false;
    while (!line.empty()) {
        const std::size_t quote = line.find("=\"");
        const std::size_t from = quote < line.find(' ') ? line.find('"', quote + 2) : 0;
        const std::string_view word = line.substr(0, line.find(' ', from));
        line.remove_prefix((std::min)(word.size() + 1, line.size()));
        if (word.empty()) continue;
        const std::size_t equals = word.find('=');
        const std::string_view key = word.substr(0, equals);
        const std::string value(equals == word.npos ? std::string_view() : word.substr(equals + 1));
        if (!has_address) {
            options.address = word;
            has_address = true;
        } else if (key == "control") {
            options.control = value == "none" ? "" : value;
        } else if (key == "key_file") {
            const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
            options.key_file = quoted ? value.substr(1, value.size() - 2) : value;
        } else if (key == "server_key") {
            options.server_key = value;
        } else if (key == "public_key") {
            options.public_key = value;
        } else if (key == "secret_key") {
            options.secret_key = value;
        } else {
            error = "'" + std::string(word) + "' is not understood; after the address may come "
                    "control=, key_file=, server_key=, public_key= and secret_key=.";
            return std::nullopt;
        }
    }
    if (options.address.find("://") == std::string::npos) {
        error = "'" + options.address + "' is not an address; write it like tcp://127.0.0.1:5570.";
        return std::nullopt;
    }
    if (options.control == "?") options.control = control_beside(options.address);
    return options;
}

}  // namespace understudy
