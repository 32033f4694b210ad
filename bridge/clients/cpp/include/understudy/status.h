// How the stream is, in a line for people.
#pragma once

#include <cstdio>
#include <string>

#include "subscriber.h"

namespace understudy {

// "60.0 Hz, 3.1 ms old (worst 5.2), none lost; Ann takeover: the source is silent"
inline std::string status(const Subscriber& stage, const Frame* last) {
    const Statistics& seen = stage.statistics();
    char text[160];
    if (!stage.trouble().empty()) return stage.trouble();
    if (last == nullptr || stage.silence_s() > stage.options().quiet_after_s) {
        if (last == nullptr && seen.other_version > 0)
            return "The stage speaks another schema version: install the same Understudy on both sides";
        std::snprintf(text, sizeof text, last ? "Silent for %.0f s" : "Waiting for a stage since %.0f s",
                      stage.silence_s());
        return text;
    }
    const double interval_ms = seen.interval.median_ms();
    std::snprintf(text, sizeof text, "%.1f Hz", interval_ms > 0 ? 1e3 / interval_ms : 0.0);
    std::string line = text;
    if (seen.clocks_agree) {
        std::snprintf(text, sizeof text, ", %.1f ms old (worst %.1f)", seen.age.median_ms(),
                      seen.age.worst_ms());
        line += text;
    } else {
        line += ", age unknown (no control socket)";
    }
    const std::uint64_t lost = seen.lost + seen.passed_over;
    line += lost == 0 ? ", none lost" : ", " + std::to_string(lost) + " lost";
    if (seen.malformed > 0) line += ", " + std::to_string(seen.malformed) + " refused";
    for (const Subject& one : last->subjects) {
        if (one.state == State::Live) continue;
        line += "; " + one.name + " " + name(one.state);
        if (!one.reason.empty()) line += ": " + one.reason;
    }
    return line;
}

}  // namespace understudy
