// Bytes into skeletons and frames. Nothing is read that has not been verified before.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "frame.h"
#include "understudy_generated.h"

namespace understudy {

inline constexpr std::uint32_t SCHEMA_VERSION = 1;
inline constexpr std::size_t ENVELOPE = 8;

enum class Verdict { Frame, Skeletons, Malformed, OtherVersion, UnknownSkeleton, Events };

// What a message was; `why` says what is wrong with one that cannot be used.
struct Reading {
    Verdict verdict = Verdict::Malformed;
    const char* why = "";
    std::uint32_t version = SCHEMA_VERSION;
    std::uint64_t session = 0, published = 0;  // of Frame and UnknownSkeleton
};

class Decoder {
public:
    // Reads a message; a frame goes into `frame`, whose memory is used again. On any other verdict
    // `frame` holds nothing of use.
    Reading read(const void* message, std::size_t size, Frame& frame) {
        if (size < ENVELOPE) return refuse("shorter than an envelope");
        const auto* bytes = static_cast<const unsigned char*>(message);
        const bool is_frame = std::memcmp(bytes, "FRAM", 4) == 0;
        const bool is_events = std::memcmp(bytes, "EVNT", 4) == 0;
        if (!is_frame && !is_events && std::memcmp(bytes, "SKEL", 4) != 0)
            return refuse("an unknown topic");
        const std::uint32_t version =
            bytes[4] | bytes[5] << 8 | bytes[6] << 16 | std::uint32_t{bytes[7]} << 24;
        if (version != SCHEMA_VERSION)
            return {Verdict::OtherVersion, "another schema version", version, 0, 0};
        const std::size_t length = size - ENVELOPE;
        if (length < 8) return refuse("an envelope without a message");
        // ZeroMQ's memory may begin anywhere; numbers of 8 bytes are read where they lie.
        aligned_.resize((length + 7) / 8);
        std::memcpy(aligned_.data(), bytes + ENVELOPE, length);
        const auto* buffer = reinterpret_cast<const std::uint8_t*>(aligned_.data());
        flatbuffers::Verifier verifier(buffer, length, MAX_DEPTH, MAX_TABLES);
        // What is copied out may not be much larger than what came in: vectors and strings that
        // overlap let few bytes ask for all memory, and pass the verifier.
        budget_ = 2 * length + 4096;
        if (is_frame) {
            if (!verifier.VerifyBuffer<understudy_fb::Frame>(nullptr))
                return refuse("a frame that does not verify");
            return read_frame(*flatbuffers::GetRoot<understudy_fb::Frame>(buffer), frame);
        }
        if (is_events) {
            if (!verifier.VerifyBuffer<understudy_fb::EventList>(nullptr))
                return refuse("events that do not verify");
            return read_events(*flatbuffers::GetRoot<understudy_fb::EventList>(buffer));
        }
        if (!verifier.VerifyBuffer<understudy_fb::SkeletonSet>(nullptr))
            return refuse("skeletons that do not verify");
        return read_skeletons(*flatbuffers::GetRoot<understudy_fb::SkeletonSet>(buffer));
    }

    std::size_t skeletons() const { return known_.size(); }

    // Those of the last message of events.
    std::vector<Event>& events() { return events_; }

private:
    static constexpr flatbuffers::uoffset_t MAX_DEPTH = 8, MAX_TABLES = 16384;
    static constexpr std::size_t MAX_SKELETONS = 4096, MAX_SKELETON_BYTES = std::size_t{64} << 20;
    static constexpr std::size_t MAX_JOINTS = 65536;  // contacts name them by 16 bits

    static Reading refuse(const char* why) { return {Verdict::Malformed, why, SCHEMA_VERSION, 0, 0}; }

    bool pay(std::size_t bytes) {
        if (bytes > budget_) return false;
        budget_ -= bytes;
        return true;
    }

    template <class V>
    static std::size_t count(const V* vector) {
        return vector ? vector->size() : 0;
    }

    // The verifier sees to it that a vector begins at a multiple of 4; doubles may want 8.
    template <class T>
    static T element(const flatbuffers::Vector<T>& vector, std::size_t i) {
        T value;
        std::memcpy(&value, vector.Data() + i * sizeof(T), sizeof(T));
        return flatbuffers::EndianScalar(value);
    }

    template <class T>
    bool copy(const flatbuffers::Vector<T>* from, std::vector<T>& to) {
        if (!pay(count(from) * sizeof(T))) return false;
        to.resize(count(from));
        for (std::size_t i = 0; i < to.size(); ++i) to[i] = element(*from, i);
        return true;
    }

    bool copy(const flatbuffers::String* from, std::string& to) {
        to.clear();
        if (from == nullptr) return true;
        if (!pay(from->size()) || !is_utf8(*from)) return false;
        to.assign(from->c_str(), from->size());
        return true;
    }

    bool copy(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* from,
              std::vector<std::string>& to) {
        if (!pay(count(from) * 4)) return false;
        to.resize(count(from));
        for (std::size_t i = 0; i < to.size(); ++i)
            if (!copy(from->Get(static_cast<flatbuffers::uoffset_t>(i)), to[i])) return false;
        return true;
    }

    // Unicode's table 3-7, "Well-Formed UTF-8 Byte Sequences".
    static bool is_utf8(const flatbuffers::String& text) {
        const std::uint8_t* p = text.Data();
        const std::uint8_t* const end = p + text.size();
        while (p < end) {
            const std::uint8_t lead = *p++;
            if (lead < 0x80) continue;
            const int more = lead >= 0xC2 && lead <= 0xDF   ? 1
                             : lead >= 0xE0 && lead <= 0xEF ? 2
                             : lead >= 0xF0 && lead <= 0xF4 ? 3
                                                            : 0;
            if (more == 0 || end - p < more) return false;
            const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
            const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
            if (p[0] < low || p[0] > high) return false;
            for (int i = 1; i < more; ++i)
                if ((p[i] & 0xC0) != 0x80) return false;
            p += more;
        }
        return true;
    }

    template <class T>
    static bool finite(const T* numbers, std::size_t count) {
        return std::all_of(numbers, numbers + count, [](T x) { return std::isfinite(x); });
    }

    static Vec3 vector(const understudy_fb::Vec3* v) {
        return v ? Vec3{v->x(), v->y(), v->z()} : Vec3{};
    }
    static Quat quaternion(const understudy_fb::Quat* q) {
        return q ? Quat{q->x(), q->y(), q->z(), q->w()} : Quat{};
    }
    static bool finite(const Transform& t) {
        const float all[] = {t.position.x, t.position.y, t.position.z, t.rotation.x,
                             t.rotation.y, t.rotation.z, t.rotation.w};
        return finite(all, 7);
    }

    Reading read_skeletons(const understudy_fb::SkeletonSet& set) {
        for (std::size_t i = 0; i < count(set.skeletons()); ++i) {
            const auto& from = *set.skeletons()->Get(static_cast<flatbuffers::uoffset_t>(i));
            if (known_.count(from.skeleton_id()) != 0) continue;
            const std::size_t before = budget_;
            auto to = std::make_shared<Skeleton>();
            if (const char* why = read_skeleton(from, *to)) return refuse(why);
            skeleton_bytes_ += before - budget_;
            if (known_.size() >= MAX_SKELETONS || skeleton_bytes_ > MAX_SKELETON_BYTES) {
                known_.clear();
                skeleton_bytes_ = before - budget_;
            }
            known_[from.skeleton_id()] = std::move(to);
        }
        return {Verdict::Skeletons, "", SCHEMA_VERSION, 0, 0};
    }

    const char* read_skeleton(const understudy_fb::Skeleton& from, Skeleton& to) {
        to.id = from.skeleton_id();
        if (!copy(from.names(), to.names) || !copy(from.parents(), to.parents) ||
            !copy(from.rest_positions(), to.rest_positions) ||
            !copy(from.rest_rotations(), to.rest_rotations) || !copy(from.tips(), to.tips) ||
            !copy(from.curve_names(), to.curve_names) || !copy(from.character(), to.character))
            return "a skeleton with text that is none, or more of it than came";
        const std::size_t joints = to.names.size();
        if (joints == 0 || joints > MAX_JOINTS || to.parents.size() != joints ||
            to.rest_positions.size() != 3 * joints || to.rest_rotations.size() != 4 * joints ||
            to.tips.size() != 3 * joints)
            return "a skeleton whose lengths disagree";
        if (!finite(to.rest_positions.data(), to.rest_positions.size()) ||
            !finite(to.rest_rotations.data(), to.rest_rotations.size()))
            return "a skeleton with numbers that are none";
        for (std::size_t i = 0; i < joints; ++i)
            if (to.parents[i] < (i == 0 ? -1 : 0) || to.parents[i] >= static_cast<int>(i))
                return "a skeleton with a joint before its parent";
        std::vector<std::string_view> names(to.names.begin(), to.names.end());
        std::sort(names.begin(), names.end());
        if (std::adjacent_find(names.begin(), names.end()) != names.end())
            return "a skeleton with two joints of one name";
        return nullptr;
    }

    Reading read_frame(const understudy_fb::Frame& from, Frame& to) {
        Reading reading;
        to.sequence = from.sequence();
        reading.session = to.session = from.session();
        reading.published = to.published = from.published();
        to.capture_ns = from.capture_ns();
        to.publish_ns = from.publish_ns();
        to.rate_num = from.rate_num();
        to.rate_den = from.rate_den();
        to.drop_frame = from.drop_frame();
        const auto fail = [&](const char* why) { reading.why = why; return reading; };
        if (!copy(from.timecode(), to.timecode)) return fail("a timecode that is no text");
        const std::size_t figures = count(from.stat_names());
        if (count(from.stat_values()) != figures || !pay(8 * figures))
            return fail("figures without names");
        to.stats.resize(figures);
        for (flatbuffers::uoffset_t i = 0; i < figures; ++i) {
            if (!copy(from.stat_names()->Get(i), to.stats[i].first))
                return fail("a figure's name that is no text");
            to.stats[i].second = element(*from.stat_values(), i);
        }
        to.subjects.resize(count(from.subjects()));
        for (flatbuffers::uoffset_t i = 0; i < to.subjects.size(); ++i) {
            const auto& one = *from.subjects()->Get(i);
            const auto skeleton = known_.find(one.skeleton_id());
            if (skeleton == known_.end()) {
                reading.verdict = Verdict::UnknownSkeleton;
                return fail("a skeleton that has not come");
            }
            to.subjects[i].skeleton = skeleton->second;
            if (const char* why = read_subject(one, to.subjects[i])) return fail(why);
        }
        to.cameras.resize(count(from.cameras()));
        for (flatbuffers::uoffset_t i = 0; i < to.cameras.size(); ++i)
            if (const char* why = read_camera(*from.cameras()->Get(i), to.cameras[i]))
                return fail(why);
        to.props.resize(count(from.props()));
        for (flatbuffers::uoffset_t i = 0; i < to.props.size(); ++i) {
            const auto& one = *from.props()->Get(i);
            to.props[i].pose = {vector(one.position()), quaternion(one.rotation())};
            if (!finite(to.props[i].pose)) return fail("a prop that is nowhere");
            if (const char* why = read_state(one, to.props[i])) return fail(why);
        }
        reading.verdict = Verdict::Frame;
        return reading;
    }

    Reading read_events(const understudy_fb::EventList& from) {
        Reading reading;
        reading.session = from.session();
        events_.resize(count(from.events()));
        for (flatbuffers::uoffset_t i = 0; i < events_.size(); ++i) {
            const auto& one = *from.events()->Get(i);
            Event& to = events_[i];
            if (!copy(one.kind(), to.kind) || !copy(one.who(), to.who) ||
                !copy(one.part(), to.part) || !copy(one.on(), to.on) ||
                !copy(one.on_part(), to.on_part) || !copy(one.material(), to.material) ||
                !copy(one.on_material(), to.on_material)) {
                reading.why = "an event with text that is none";
                return reading;
            }
            to.number = one.number();
            to.position = vector(one.position());
            to.normal = vector(one.normal());
            to.speed_mps = one.speed_mps();
            to.slip_mps = one.slip_mps();
            to.impulse_ns = one.impulse_ns();
            to.time_ns = one.time_ns();
            const float numbers[] = {to.position.x, to.position.y, to.position.z, to.normal.x,
                                     to.normal.y, to.normal.z, to.speed_mps, to.slip_mps,
                                     to.impulse_ns};
            if (!finite(numbers, 9)) {
                reading.why = "an event with numbers that are none";
                return reading;
            }
        }
        reading.verdict = Verdict::Events;
        return reading;
    }

    // What subjects, cameras and props share.
    template <class From, class To>
    const char* read_state(const From& from, To& to) {
        if (!copy(from.name(), to.name) || !copy(from.reason(), to.reason))
            return "a name or reason that is no text";
        if (from.state() > understudy_fb::State_MAX) return "a state that is none";
        to.state = static_cast<State>(from.state());
        to.capture_ns = from.capture_ns();
        return nullptr;
    }

    const char* read_subject(const understudy_fb::Subject& from, Subject& to) {
        const Skeleton& skeleton = *to.skeleton;
        const std::size_t joints = skeleton.names.size();
        if (const char* why = read_state(from, to)) return why;
        to.uncertainty_m = from.uncertainty_m();
        if (!std::isfinite(to.uncertainty_m)) return "an uncertainty that is no number";
        if (count(from.positions()) != 3 * joints || count(from.rotations()) != 4 * joints)
            return "a pose that does not fit its skeleton";
        if (!pay(joints * sizeof(Transform))) return "poses that overlap";
        to.joints.resize(joints);
        for (flatbuffers::uoffset_t i = 0; i < joints; ++i) {
            const auto& p = *from.positions();
            const auto& q = *from.rotations();
            to.joints[i] = {{p[3 * i], p[3 * i + 1], p[3 * i + 2]},
                            {q[4 * i], q[4 * i + 1], q[4 * i + 2], q[4 * i + 3]}};
            if (!finite(to.joints[i])) return "a joint that is nowhere";
        }
        if (!copy(from.joint_uncertainty_m(), to.joint_uncertainty_m))
            return "uncertainties that overlap";
        if (!to.joint_uncertainty_m.empty() && to.joint_uncertainty_m.size() != joints)
            return "uncertainties that do not fit their joints";
        if (!finite(to.joint_uncertainty_m.data(), to.joint_uncertainty_m.size()))
            return "an uncertainty that is no number";
        if (!copy(from.curves(), to.curves)) return "curves that overlap";
        if (!to.curves.empty() && to.curves.size() != skeleton.curve_names.size())
            return "curves that do not fit their names";
        if (!finite(to.curves.data(), to.curves.size())) return "a curve without a value";
        const std::size_t touching = count(from.contact_joints());
        if (count(from.contact_weights()) != touching || !pay(8 * touching))
            return "contacts without weights";
        to.contacts.resize(touching);
        for (flatbuffers::uoffset_t i = 0; i < touching; ++i) {
            to.contacts[i] = {from.contact_joints()->Get(i), from.contact_weights()->Get(i)};
            if (to.contacts[i].joint >= joints || !std::isfinite(to.contacts[i].weight))
                return "a contact of a joint that is none";
        }
        const std::size_t points = count(from.trajectory()) / 4;
        if (count(from.trajectory()) % 4 != 0 || !pay(16 * points)) return "a broken path";
        to.path.resize(points);
        for (flatbuffers::uoffset_t i = 0; i < points; ++i) {
            const auto& t = *from.trajectory();
            to.path[i] = {t[4 * i], t[4 * i + 1], t[4 * i + 2], t[4 * i + 3]};
            const float all[] = {to.path[i].x, to.path[i].z, to.path[i].facing_x, to.path[i].facing_z};
            if (!finite(all, 4)) return "a path that leads nowhere";
        }
        to.intent = {};
        to.has_intent = from.intent() != nullptr;
        if (to.has_intent) {
            const auto& wish = *from.intent();
            if (const auto* v = wish.travel()) to.intent.travel_x = v->x(), to.intent.travel_z = v->z();
            if (const auto* v = wish.facing()) to.intent.facing_x = v->x(), to.intent.facing_z = v->z();
            to.intent.buttons = static_cast<std::uint32_t>(wish.buttons());
            to.intent.capture_ns = wish.capture_ns();
            const float all[] = {to.intent.travel_x, to.intent.travel_z, to.intent.facing_x,
                                 to.intent.facing_z};
            if (!finite(all, 4)) return "a wish that is no number";
        }
        return nullptr;
    }

    const char* read_camera(const understudy_fb::Camera& from, Camera& to) {
        if (const char* why = read_state(from, to)) return why;
        to.pose = {vector(from.position()), quaternion(from.rotation())};
        const float lens[] = {from.focal_mm(), from.sensor_width_mm(), from.sensor_height_mm(),
                              from.focus_m(), from.iris()};
        if (!finite(to.pose) || !finite(lens, 5)) return "a camera that is nowhere";
        to.focal_mm = lens[0];
        to.sensor_width_mm = lens[1];
        to.sensor_height_mm = lens[2];
        to.focus_m = lens[3];
        to.iris = lens[4];
        return nullptr;
    }

    std::unordered_map<std::uint64_t, std::shared_ptr<const Skeleton>> known_;
    std::size_t skeleton_bytes_ = 0;
    std::size_t budget_ = 0;
    std::vector<std::uint64_t> aligned_;
    std::vector<Event> events_;
};

}  // namespace understudy
