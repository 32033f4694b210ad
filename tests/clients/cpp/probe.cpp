// What the C++ client reads, as JSON, a line a frame; the tests hold it against the Python client.
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include <understudy/understudy.h>

namespace {

using namespace understudy;

class Json {
public:
    Json& key(const char* name) { return comma().raw("\"").raw(name).raw("\":").fresh(); }
    Json& open(char bracket) { comma(); out_ += bracket; return fresh(); }
    Json& close(char bracket) { out_ += bracket; first_ = false; return *this; }
    Json& operator<<(const std::string& text) {
        comma() .raw("\"");
        for (const char c : text) {
            char escaped[8];
            if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) {
                std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned char>(c));
                raw(escaped);
            } else {
                out_ += c;
            }
        }
        return raw("\"");
    }
    Json& operator<<(double x) { return number("%.17g", x); }
    Json& operator<<(float x) { return number("%.9g", double{x}); }
    Json& operator<<(std::uint64_t n) { return comma().raw(std::to_string(n).c_str()); }
    Json& operator<<(std::int64_t n) { return comma().raw(std::to_string(n).c_str()); }
    Json& operator<<(int n) { return *this << std::int64_t{n}; }
    Json& operator<<(bool yes) { return comma().raw(yes ? "true" : "false"); }
    template <class Container, class Write>
    Json& each(const char* name, const Container& all, Write write) {
        key(name).open('[');
        for (const auto& one : all) write(one);
        return close(']');
    }
    void print() { std::puts(out_.c_str()); std::fflush(stdout); }

private:
    Json& number(const char* format, double x) {
        char text[40];
        std::snprintf(text, sizeof text, format, x);
        return comma().raw(std::isfinite(x) ? text : "null");
    }
    Json& raw(const char* text) { out_ += text; first_ = false; return *this; }
    Json& fresh() { first_ = true; return *this; }
    Json& comma() { if (!first_) out_ += ','; first_ = false; return *this; }
    std::string out_;
    bool first_ = true;
};

void write(Json& json, const Transform& t) {
    json.open('[') << t.position.x << t.position.y << t.position.z;
    json << t.rotation.x << t.rotation.y << t.rotation.z << t.rotation.w;
    json.close(']');
}

void write(Json& json, const unreal::Placement& p) {
    json.open('[') << p.position_cm.x << p.position_cm.y << p.position_cm.z;
    json << p.rotation.x << p.rotation.y << p.rotation.z << p.rotation.w;
    json.close(']');
}

void print(const Frame& frame) {
    Json json;
    json.open('{').key("sequence") << frame.sequence;
    json.key("session") << frame.session;
    json.key("published") << frame.published;
    json.key("capture_ns") << frame.capture_ns;
    json.key("publish_ns") << frame.publish_ns;
    json.key("received_ns") << frame.received_ns;
    json.key("text") << frame.timecode;
    if (const auto t = read_timecode(frame)) {
        json.key("timecode").open('[') << t->hours << t->minutes << t->seconds << t->frames;
        json << t->drop_frame << std::uint64_t{t->rate_num} << std::uint64_t{t->rate_den};
        json << frame_of_day(*t);
        json.close(']');
    }
    json.each("subjects", frame.subjects, [&](const Subject& s) {
        json.open('{').key("name") << s.name;
        json.key("state") << static_cast<int>(s.state);
        json.key("reason") << s.reason;
        json.key("uncertainty_m") << s.uncertainty_m;
        json.key("capture_ns") << s.capture_ns;
        json.each("names", s.skeleton->names, [&](const std::string& n) { json << n; });
        json.each("parents", s.skeleton->parents, [&](int p) { json << p; });
        json.each("tips", s.skeleton->tips, [&](double x) { json << x; });
        json.each("rest_positions", s.skeleton->rest_positions, [&](double x) { json << x; });
        json.each("rest_rotations", s.skeleton->rest_rotations, [&](double x) { json << x; });
        json.each("curve_names", s.skeleton->curve_names, [&](const std::string& n) { json << n; });
        json.each("joints", s.joints, [&](const Transform& t) { write(json, t); });
        json.each("unreal", s.joints, [&](const Transform& t) { write(json, unreal::place(t)); });
        json.each("curves", s.curves, [&](float x) { json << x; });
        json.each("contacts", s.contacts, [&](const Contact& c) {
            json.open('[') << int{c.joint} << c.weight;
            json.close(']');
        });
        json.each("path", s.path, [&](const PathPoint& p) {
            json.open('[') << p.x << p.z << p.facing_x << p.facing_z;
            json.close(']');
        });
        if (s.has_intent) {
            json.key("intent").open('[') << s.intent.travel_x << s.intent.travel_z;
            json << s.intent.facing_x << s.intent.facing_z << std::uint64_t{s.intent.buttons};
            json << s.intent.capture_ns;
            json.close(']');
        }
        json.close('}');
    });
    const auto state = [&](const auto& thing) {
        json.key("name") << thing.name;
        json.key("state") << static_cast<int>(thing.state);
        json.key("reason") << thing.reason;
        json.key("capture_ns") << thing.capture_ns;
    };
    json.each("cameras", frame.cameras, [&](const Camera& c) {
        json.open('{');
        state(c);
        json.key("pose"), write(json, c.pose);
        json.key("unreal"), write(json, unreal::place_camera(c.pose));
        json.key("fov_deg") << unreal::horizontal_fov_deg(c);
        json.key("lens").open('[') << c.focal_mm << c.sensor_width_mm << c.sensor_height_mm;
        json << c.focus_m << c.iris;
        json.close(']').close('}');
    });
    json.each("props", frame.props, [&](const Prop& p) {
        json.open('{');
        state(p);
        json.key("pose"), write(json, p.pose);
        json.close('}');
    });
    json.each("roster", roster(frame), [&](const Part& part) { json << part.name; });
    json.key("stats").open('{');
    for (const auto& [name, value] : frame.stats) json.key(name.c_str()) << value;
    json.close('}').close('}').print();
}

void print(const Event& event) {
    Json json;
    json.open('{').key("event").open('{').key("number") << event.number;
    json.key("words").open('[') << event.kind << event.who << event.part << event.on << event.on_part;
    json << event.material << event.on_material;
    json.close(']').key("numbers").open('[') << event.position.x << event.position.y;
    json << event.position.z << event.normal.x << event.normal.y << event.normal.z;
    json << event.speed_mps << event.slip_mps << event.impulse_ns;
    json.close(']').key("time_ns") << event.time_ns;
    json.close('}').close('}').print();
}

void print(const Subscriber& stage, const Frame* last) {
    const Statistics& seen = stage.statistics();
    Json json;
    json.open('{').key("statistics").open('{');
    json.key("frames") << seen.frames;
    json.key("lost") << seen.lost;
    json.key("passed_over") << seen.passed_over;
    json.key("unresolved") << seen.unresolved;
    json.key("malformed") << seen.malformed;
    json.key("last_damage") << seen.last_damage;
    json.key("other_version") << seen.other_version;
    json.key("restarts") << seen.restarts;
    json.key("events") << seen.events;
    json.key("lost_events") << seen.lost_events;
    json.key("age_ms") << seen.age.median_ms();
    json.key("latency_ms") << seen.latency.median_ms();
    json.key("clocks_agree") << seen.clocks_agree;
    json.key("status") << status(stage, last);
    if (const auto offset = stage.clock_offset_ns()) json.key("clock_offset_ns") << *offset;
    json.close('}').close('}').print();
}

// Messages of a file, each behind its length: what the decoder makes of them, without a socket.
int decode_file(const char* path) {
    std::ifstream file(path, std::ios::binary);
    const std::string all{std::istreambuf_iterator<char>(file), {}};
    Decoder decoder;
    Frame frame;
    std::uint64_t verdicts[6] = {0, 0, 0, 0, 0, 0};
    for (std::size_t at = 0; at + 4 <= all.size();) {
        std::uint32_t size = 0;
        std::memcpy(&size, all.data() + at, 4);
        // A copy of its own, so that the sanitizer sees a byte too far.
        const std::vector<char> message(all.begin() + at + 4, all.begin() + at + 4 + size);
        const Reading reading = decoder.read(message.data(), message.size(), frame);
        ++verdicts[static_cast<int>(reading.verdict)];
        at += 4 + size;
    }
    Json json;
    json.open('{').key("frames") << verdicts[0];
    json.key("skeletons") << verdicts[1];
    json.key("malformed") << verdicts[2];
    json.key("other_version") << verdicts[3];
    json.key("unresolved") << verdicts[4];
    json.key("events") << verdicts[5];
    json.close('}').print();
    return 0;
}

int read_line(const char* line) {
    std::string error;
    const auto options = read_connection(line, error);
    Json json;
    json.open('{').key("error") << error;
    if (options) {
        json.key("address") << options->address;
        json.key("control") << options->control;
        json.key("keys") << options->server_key + " " + options->public_key + " " + options->secret_key;
    }
    json.close('}').print();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    options.say = [](const std::string& text) {
        Json json;
        json.open('{').key("said") << text;
        json.close('}').print();
    };
    long frames = 1 << 30;
    double seconds = 60, stall_s = 0;
    std::string error;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const char* value = i + 1 < argc ? argv[i + 1] : "";
        if (word == "--messages") return decode_file(value);
        if (word == "--connection") return read_line(value);
        if (word == "--every") options.newest = false;
        else if (word == "--events") options.events = true;
        else if (word == "--control") options.control = value, ++i;
        else if (word == "--frames") frames = std::atol(value), ++i;
        else if (word == "--seconds") seconds = std::atof(value), ++i;
        else if (word == "--stall") stall_s = std::atof(value), ++i;
        else if (word == "--quiet-after") options.quiet_after_s = std::atof(value), ++i;
        else if (const auto read = read_connection(word, error)) {
            options.address = read->address;
            if (word.find(' ') != word.npos) options.control = read->control;
            options.server_key = read->server_key;
            options.public_key = read->public_key;
            options.secret_key = read->secret_key;
        } else {
            std::fprintf(stderr, "%s\n", error.c_str());
            return 1;
        }
    }
    try {
        Subscriber stage(options);
        const std::int64_t end = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
        const Frame* last = nullptr;
        for (long n = 0; n < frames && now_ns() < end;) {
            const Frame* frame = stage.receive(0.1);
            for (const Event& event : stage.happened()) print(event);
            if (frame) {
                print(*(last = frame));
                if (n++ < 3 && stall_s > 0)
                    std::this_thread::sleep_for(std::chrono::duration<double>(stall_s));
            }
        }
        print(stage, last);
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
