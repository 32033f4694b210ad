// SMPTE timecode with its rational rate.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "frame.h"

namespace understudy {

struct Timecode {
    int hours = 0, minutes = 0, seconds = 0, frames = 0;
    bool drop_frame = false;
    std::uint32_t rate_num = 0, rate_den = 1;  // 29.97 is 30000/1001
};

// Frames are counted in whole numbers a second: 30 for 30000/1001.
constexpr std::uint64_t nominal_rate(std::uint32_t num, std::uint32_t den) {
    return den == 0 ? 0 : (std::uint64_t{num} + den / 2) / den;
}

// Frame numbers are left out in 30000/1001 and 60000/1001 only; engines assert on anything else.
constexpr bool can_drop_frames(std::uint32_t num, std::uint32_t den) {
    return den == 1001 && (num == 30000 || num == 60000);
}

// Nothing where the text is no time of day at that rate.
inline std::optional<Timecode> read_timecode(std::string_view text, std::uint32_t rate_num,
                                             std::uint32_t rate_den, bool drop_frame) {
    const std::uint64_t rate = nominal_rate(rate_num, rate_den);
    if (rate == 0 || rate > 1000000 || text.size() < 11) return std::nullopt;
    int numbers[4] = {0, 0, 0, 0};
    int part = 0, digits = 0;
    for (const char c : text) {
        if (c >= '0' && c <= '9') {
            if (++digits > 6) return std::nullopt;
            numbers[part] = numbers[part] * 10 + (c - '0');
        } else if ((c == ':' || c == ';') && part < 3 && digits > 0) {
            ++part;
            digits = 0;
        } else {
            return std::nullopt;
        }
    }
    if (part != 3 || digits == 0) return std::nullopt;
    if (numbers[0] > 23 || numbers[1] > 59 || numbers[2] > 59) return std::nullopt;
    if (static_cast<std::uint64_t>(numbers[3]) >= rate) return std::nullopt;
    return Timecode{numbers[0], numbers[1], numbers[2], numbers[3],
                    drop_frame && can_drop_frames(rate_num, rate_den), rate_num, rate_den};
}

inline std::optional<Timecode> read_timecode(const Frame& frame) {
    return read_timecode(frame.timecode, frame.rate_num, frame.rate_den, frame.drop_frame);
}

// Frames since midnight (SMPTE ST 12-1: two numbers, or four at 60, are left out every minute that
// is not a tenth).
constexpr std::int64_t frame_of_day(const Timecode& t) {
    const auto rate = static_cast<std::int64_t>(nominal_rate(t.rate_num, t.rate_den));
    const std::int64_t minutes = t.hours * std::int64_t{60} + t.minutes;
    const std::int64_t frames = (minutes * 60 + t.seconds) * rate + t.frames;
    return t.drop_frame ? frames - rate / 15 * (minutes - minutes / 10) : frames;
}

}  // namespace understudy
