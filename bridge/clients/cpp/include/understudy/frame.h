// What the stage sends, as plain values: skeletons once, a frame a tick.
//
// Right-handed, +Y up, +Z forward, +X is the character's left; metres, seconds, radians. Unreal's
// space is one call away: unreal_space.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace understudy {

struct Vec3 { float x = 0, y = 0, z = 0; };
struct Quat { float x = 0, y = 0, z = 0, w = 1; };

// A joint's place in its parent's frame; joint 0's is the world's.
struct Transform {
    Vec3 position;
    Quat rotation;
};

struct Skeleton {
    std::uint64_t id = 0;                  // equal ids: equal joints, rest pose and curve names
    std::vector<std::string> names;        // one a joint
    std::vector<std::int32_t> parents;     // -1 for joint 0, else below the joint's own index
    std::vector<double> rest_positions;    // 3 a joint
    std::vector<double> rest_rotations;    // 4 a joint, x y z w
    std::vector<double> tips;              // 3 a joint: where a leaf's bone ends; NaN for none
    std::vector<std::string> curve_names;  // names of Subject::curves, face shapes and the like
    std::string character;                 // the character whose skeleton it is; empty: a bare body
};

enum class State : std::uint8_t {
    Live = 0,      // its source moves it
    Takeover = 1,  // the network does, because the source is silent or does not see it
    Hold = 2,      // nobody does: the last pose is held
    Lost = 3,      // nobody does, and for longer than the user's limit
};

inline const char* name(State state) {
    switch (state) {
        case State::Live: return "live";
        case State::Takeover: return "takeover";
        case State::Hold: return "hold";
        case State::Lost: return "lost";
    }
    return "unknown";
}

enum Button : std::uint32_t {
    Run = 1, Strafe = 2, Jump = 4, Action1 = 8, Action2 = 16, Action3 = 32,
    Action4 = 64, Mirror = 128, Action5 = 256, Action6 = 512, Action7 = 1024, Action8 = 2048,
    Action9 = 4096, Action10 = 8192, Action11 = 16384, Action12 = 32768, Action13 = 65536, Action14 = 131072,
    Action15 = 262144, Action16 = 524288, Action17 = 1048576, Action18 = 2097152, Action19 = 4194304, Action20 = 8388608
};

// What the pad asked for, in world axes on the ground.
struct Intent {
    float travel_x = 0, travel_z = 0;  // wished velocity, a fraction of full speed
    float facing_x = 0, facing_z = 0;  // wished facing; zero: the way of travel
    std::uint32_t buttons = 0;         // of Button, those held down
    std::int64_t capture_ns = 0;
};

struct Contact {
    std::uint16_t joint = 0;
    float weight = 0;  // how firmly it stands on the ground, 0..1
};

struct PathPoint { float x = 0, z = 0, facing_x = 0, facing_z = 0; };

struct Subject {
    std::string name;
    std::shared_ptr<const Skeleton> skeleton;
    State state = State::Live;
    std::string reason;          // why the state is not Live, for people
    float uncertainty_m = 0;     // mean joint error that the network expects; 0 when live
    std::vector<float> joint_uncertainty_m;  // of each joint, or empty
    std::vector<Transform> joints;
    std::vector<float> curves;   // values of skeleton->curve_names, or empty
    std::vector<Contact> contacts;
    std::vector<PathPoint> path;  // of the root, past first
    bool has_intent = false;
    Intent intent;
    std::int64_t capture_ns = 0;  // when its newest input was read; 0: not known
};

// Looks along its own -Z, +Y up.
struct Camera {
    std::string name;
    Transform pose;
    float focal_mm = 0;
    float sensor_width_mm = 0, sensor_height_mm = 0;
    float focus_m = 0;  // 0: unknown
    float iris = 0;     // f-number; 0: unknown
    State state = State::Live;  // Hold: it stays where it was last seen
    std::string reason;
    std::int64_t capture_ns = 0;
};

struct Prop {
    std::string name;
    Transform pose;
    State state = State::Live;
    std::string reason;
    std::int64_t capture_ns = 0;
};

// Something that happened at a moment: a step, a prop that falls, a cue.
struct Event {
    std::uint64_t number = 0;   // counted by the stage: a gap is loss
    std::string kind;           // step, scuff, lift, touch, hit, slide, grab, release, cue ...
    std::string who, part;      // the subject or prop that did it, and its joint
    std::string on, on_part;    // what was touched: "floor", a prop, a subject
    std::string material, on_material;
    Vec3 position;
    Vec3 normal;                // away from what was touched
    float speed_mps = 0;        // at which they met
    float slip_mps = 0;         // along the surface
    float impulse_ns = 0;       // newton seconds; 0: not known
    std::int64_t time_ns = 0;   // when it happens, stage's clock; of what is foretold later than now
};

struct Frame {
    std::uint64_t sequence = 0;    // the stage's tick; jumps when the stage skips ticks
    std::uint64_t session = 0;     // drawn when the publisher starts
    std::uint64_t published = 0;   // frames this publisher sent before
    std::int64_t capture_ns = 0;   // when the oldest input of this tick was read, stage's clock
    std::int64_t publish_ns = 0;   // when the frame was handed to the wire, stage's clock
    std::int64_t received_ns = 0;  // when it was read here, our clock
    std::string timecode;          // HH:MM:SS:FF, or HH:MM:SS;FF; timecode.h reads it
    std::uint32_t rate_num = 0, rate_den = 0;
    bool drop_frame = false;
    std::vector<Subject> subjects;
    std::vector<Camera> cameras;
    std::vector<Prop> props;
    std::vector<std::pair<std::string, double>> stats;

    const Subject* subject(std::string_view wanted) const {
        for (const Subject& one : subjects)
            if (one.name == wanted) return &one;
        return nullptr;
    }
};

}  // namespace understudy
