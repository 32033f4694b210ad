// Who and what a frame holds, each under a name of its own: engines keep characters, faces, cameras
// and props in one list, and take names for equal that differ in case only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <unordered_set>
#include <vector>

#include "frame.h"

namespace understudy {

enum class Kind { Character, Face, Camera, Prop };

struct Part {
    std::string name;
    Kind kind = Kind::Character;
    std::size_t index = 0;  // in the frame's subjects (Character, Face), cameras or props
};

struct Wanted {
    bool faces = true, cameras = true, props = true;
    std::string prefix;  // before every name: two stages in one engine
};

inline std::vector<Part> roster(const Frame& frame, const Wanted& wanted = {}) {
    std::vector<Part> parts;
    std::unordered_set<std::string> taken;
    const auto add = [&](std::string name, Kind kind, std::size_t index, const char* otherwise) {
        if (name.empty()) name = otherwise;
        name.insert(0, wanted.prefix);
        const auto is_new = [&](std::string text) {
            for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
            return taken.insert(std::move(text)).second;
        };
        std::string unique = name;
        for (int n = 2; !is_new(unique); ++n) unique = name + " " + std::to_string(n);
        parts.push_back({std::move(unique), kind, index});
    };
    for (std::size_t i = 0; i < frame.subjects.size(); ++i)
        add(frame.subjects[i].name, Kind::Character, i, "character");
    for (std::size_t i = 0; wanted.faces && i < frame.subjects.size(); ++i)
        if (!frame.subjects[i].curves.empty())
            add(frame.subjects[i].name + " face", Kind::Face, i, "face");
    for (std::size_t i = 0; wanted.cameras && i < frame.cameras.size(); ++i)
        add(frame.cameras[i].name, Kind::Camera, i, "camera");
    for (std::size_t i = 0; wanted.props && i < frame.props.size(); ++i)
        add(frame.props[i].name, Kind::Prop, i, "prop");
    return parts;
}

}  // namespace understudy
