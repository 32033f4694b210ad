// As much of msgpack (https://github.com/msgpack/msgpack, spec.md) as a ping takes: a small request
// out, and three numbers and a text found in a reply, every length checked before it is followed.
#pragma once

#include <cstdint>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace understudy::msgpack {

inline std::string ping(std::uint32_t number) {
    std::string out = "\x82\xA2op\xA4ping\xA6number\xCE";
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
    return out;
}

// Walks over one message. After a failure `good` stays false and everything is empty.
class Reader {
public:
    explicit Reader(std::string_view bytes) : left_(bytes) {}
    bool good = true;

    // Key and value pairs that follow; 0 where there is no map.
    std::uint64_t map() {
        const int lead = byte();
        if (lead >= 0x80 && lead <= 0x8F) return lead & 0x0F;
        if (lead == 0xDE) return big(2);
        if (lead == 0xDF) return big(4);
        good = false;
        return 0;
    }

    std::string_view text() {
        const int lead = byte();
        if (lead >= 0xA0 && lead <= 0xBF) return take(lead & 0x1F);
        if (lead >= 0xD9 && lead <= 0xDB) return take(big(1 << (lead - 0xD9)));
        good = false;
        return {};
    }

    std::int64_t integer() {
        const int lead = byte();
        if (lead >= 0 && lead <= 0x7F) return lead;
        if (lead >= 0xE0) return static_cast<std::int8_t>(lead);
        if (lead >= 0xCC && lead <= 0xCF) return static_cast<std::int64_t>(big(1 << (lead - 0xCC)));
        switch (lead) {
            case 0xD0: return static_cast<std::int8_t>(big(1));
            case 0xD1: return static_cast<std::int16_t>(big(2));
            case 0xD2: return static_cast<std::int32_t>(big(4));
            case 0xD3: return static_cast<std::int64_t>(big(8));
        }
        good = false;
        return 0;
    }

    // Steps over whatever comes next. Takes no stack: what a map or array holds is counted instead.
    void skip() {
        for (std::uint64_t more = 1; good && more > 0; --more) {
            const int lead = byte();
            if (lead <= 0x7F || lead >= 0xE0 || (lead >= 0xC0 && lead <= 0xC3)) continue;
            if (lead <= 0x8F) more += 2 * (lead & 0x0F);
            else if (lead <= 0x9F) more += lead & 0x0F;
            else if (lead <= 0xBF) take(lead & 0x1F);
            else if (lead <= 0xC6) take(big(1 << (lead - 0xC4)));
            else if (lead <= 0xC9) take(big(1 << (lead - 0xC7)) + 1);
            else if (lead <= 0xCB) take(lead == 0xCA ? 4 : 8);
            else if (lead <= 0xD3) take(std::size_t{1} << ((lead - 0xCC) & 3));
            else if (lead <= 0xD8) take((std::size_t{1} << (lead - 0xD4)) + 1);
            else if (lead <= 0xDB) take(big(1 << (lead - 0xD9)));
            else if (lead <= 0xDD) more += big(lead == 0xDC ? 2 : 4);
            else more += 2 * big(lead == 0xDE ? 2 : 4);
        }
    }

private:
    int byte() {
        const std::string_view one = take(1);
        return one.empty() ? -1 : static_cast<unsigned char>(one[0]);
    }

    std::string_view take(std::uint64_t count) {
        if (!good || count > left_.size()) {
            good = false;
            return {};
        }
        const std::string_view taken = left_.substr(0, static_cast<std::size_t>(count));
        left_.remove_prefix(taken.size());
        return taken;
    }

    std::uint64_t big(int bytes) {
        std::uint64_t value = 0;
        for (const char c : take(static_cast<std::uint64_t>(bytes)))
            value = value << 8 | static_cast<unsigned char>(c);
        return value;
    }

    std::string_view left_;
};

struct Pong {
    std::uint32_t number = 0;
    std::int64_t stage_ns = 0;
};

// The reply to a ping; nothing where the bytes are something else.
inline std::optional<Pong> read_pong(std::string_view bytes) {
    Reader reader(bytes);
    Pong pong;
    bool is_ping = false, has_number = false, has_time = false;
    for (std::uint64_t fields = reader.map(); reader.good && fields > 0; --fields) {
        const std::string_view key = reader.text();
        if (key == "op") {
            is_ping = reader.text() == "ping";
        } else if (key == "number") {
            pong.number = static_cast<std::uint32_t>(reader.integer());
            has_number = true;
        } else if (key == "result") {
            for (std::uint64_t results = reader.map(); reader.good && results > 0; --results) {
                if (reader.text() == "stage_ns") {
                    pong.stage_ns = reader.integer();
                    has_time = true;
                } else {
                    reader.skip();
                }
            }
        } else {
            reader.skip();
        }
    }
    if (!reader.good || !is_ping || !has_number || !has_time) return std::nullopt;
    return pong;
}

}  // namespace understudy::msgpack
