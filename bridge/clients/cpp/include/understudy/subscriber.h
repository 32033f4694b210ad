// Frames in, from a stage that runs here or elsewhere, now or later.
//
//     understudy::Subscriber stage("tcp://127.0.0.1:5570");
//     while (const understudy::Frame* frame = stage.receive(10.0)) ...
//
// One thread at a time may use a Subscriber.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "decoder.h"
#include "frame.h"
#include "key_file.h"
#include "socket.h"
#include "stage_clock.h"

namespace understudy {

// The last few hundred of a figure, in milliseconds.
class Recent {
public:
    void add_ns(std::int64_t ns) { values_[count_++ % values_.size()] = ns * 1e-6; }
    void forget() { count_ = 0; }
    bool empty() const { return count_ == 0; }
    double worst_ms() const {
        return empty() ? 0 : *std::max_element(values_.begin(), values_.begin() + size());
    }
    double median_ms() const {
        if (empty()) return 0;
        std::array<double, 256> sorted = values_;
        std::nth_element(sorted.begin(), sorted.begin() + size() / 2, sorted.begin() + size());
        return sorted[static_cast<std::size_t>(size() / 2)];
    }

private:
    std::ptrdiff_t size() const {
        return static_cast<std::ptrdiff_t>(std::min(count_, values_.size()));
    }
    std::array<double, 256> values_{};
    std::size_t count_ = 0;
};

struct Statistics {
    std::uint64_t frames = 0;         // given out
    std::uint64_t lost = 0;           // sent and never come
    std::uint64_t passed_over = 0;    // left out for a newer one, where only the newest is wanted
    std::uint64_t unresolved = 0;     // left out because their skeleton had not come
    std::uint64_t malformed = 0;      // messages that were none of ours, or damaged
    std::uint64_t other_version = 0;  // messages of another schema version
    std::uint64_t restarts = 0;       // how often the publisher began anew
    std::uint64_t events = 0;         // events that came
    std::uint64_t lost_events = 0;    // events that were sent and never came
    bool clocks_agree = false;        // whether the next two mean something
    Recent age;                       // from capture to reception
    Recent latency;                   // from publishing to reception
    Recent interval;                  // from one reception to the next
    std::string last_damage;          // why the last malformed message was refused
};

class Subscriber {
public:
    explicit Subscriber(std::string address) : Subscriber(with(std::move(address))) {}

    explicit Subscriber(Options options) : options_(std::move(options)), context_(1) {
        // CONFLATE keeps one message, the newest, and keeps it fresh while nobody reads. It allows
        // a single subscription on its socket, so skeletons have one of their own.
        const bool newest = options_.newest;
        if (!options_.key_file.empty()) read_key_file(options_.key_file, options_);
        if (newest)
            skeletons_ = connect(context_, zmq::socket_type::sub, options_.address, options_,
                                 skeletons_knock_, "SKEL");
        if (newest && options_.events)
            events_ = connect(context_, zmq::socket_type::sub, options_.address, options_,
                              events_knock_, "EVNT");
        frames_ = connect(context_, zmq::socket_type::sub, options_.address, options_, frames_knock_,
                          newest ? "FRAM" : "", newest);
        if (!options_.control.empty()) clock_.emplace(context_, options_);
        heard_ns_ = now_ns();
    }

    // The next frame, or none when none came within `timeout_s`. It is good until the next one.
    const Frame* receive(double timeout_s = 0.0) {
        const std::int64_t deadline = now_ns() + static_cast<std::int64_t>(timeout_s * 1e9);
        // After the deadline only what has come already is read, and not for ever.
        for (int patience = 64; patience > 0;) {
            if (clock_) clock_->turn();
            knock();
            const bool came = take();
            if (came && read()) return &frame_;
            const std::int64_t left = deadline - now_ns();
            if (left <= 0) {
                if (!came) break;
                --patience;
            } else if (!came) {
                wait(left);
            }
        }
        listen_for_silence();
        return nullptr;
    }

    // What happened since it was last asked, as far as `receive` has heard of it.
    std::vector<Event> happened() { return std::exchange(happened_, {}); }

    const Statistics& statistics() const { return statistics_; }
    const Options& options() const { return options_; }

    // Seconds since the last frame, or since the beginning.
    double silence_s() const { return static_cast<double>(now_ns() - heard_ns_) * 1e-9; }

    // Why the stage does not let this program in: a sentence, also said; "" otherwise.
    const std::string& trouble() const { return frames_knock_.trouble(); }

    // The stage's clock minus ours, where it is known: asked for, or the same by nature.
    std::optional<std::int64_t> clock_offset_ns() const {
        // One machine has one clock, and no ping knows it better; 127.0.0.1 may be a tunnel, though.
        if (is_local(options_.address) && (!clock_ || clock_->may_be(0))) return 0;
        return clock_ ? clock_->offset_ns() : std::nullopt;
    }

private:
    static Options with(std::string address) {
        Options options;
        options.address = std::move(address);
        return options;
    }

    // A message into message_; skeletons first: they may be what the waiting frame needs.
    bool take() { return take(skeletons_) || take(events_) || take(frames_); }

    bool take(zmq::socket_t& socket) {
        if (!socket || !socket.recv(message_, zmq::recv_flags::dontwait)) return false;
        if (message_.more()) {  // ours have one part; whatever this is, it is not ours
            while (message_.more() && socket.recv(message_, zmq::recv_flags::dontwait)) {}
            message_.rebuild();
        }
        return true;
    }

    void wait(std::int64_t ns) {
        zmq::pollitem_t items[4];
        std::size_t count = 0;
        if (skeletons_) items[count++] = {skeletons_.handle(), 0, ZMQ_POLLIN, 0};
        if (events_) items[count++] = {events_.handle(), 0, ZMQ_POLLIN, 0};
        items[count++] = {frames_.handle(), 0, ZMQ_POLLIN, 0};
        if (clock_) items[count++] = {clock_->socket().handle(), 0, ZMQ_POLLIN, 0};
        // In short sleeps, so that pings go out and silence is noticed.
        const auto ms = std::min<std::int64_t>(ns / 1000000 + 1, 100);
        zmq_poll(items, static_cast<int>(count), static_cast<long>(ms));  // a signal may end it
        listen_for_silence();
    }

    // Whether message_ was a frame, or the skeletons that one had waited for.
    bool read() {
        const std::int64_t received_ns = now_ns();
        const Reading reading = decoder_.read(message_.data(), message_.size(), spare_);
        switch (reading.verdict) {
            case Verdict::Frame:
                follow(reading);
                has_waiting_ = false;
                give(received_ns);
                return true;
            case Verdict::Skeletons: return resolve();
            case Verdict::Events: hear(reading.session); return false;
            case Verdict::UnknownSkeleton:
                // Until the first frame is out nothing is missed: the skeletons are on their way.
                ++statistics_.unresolved;
                if (has_origin_) follow(reading);
                has_waiting_ = options_.newest;
                if (has_waiting_) {
                    waiting_.assign(message_.data<char>(), message_.size());
                    waiting_since_ns_ = received_ns;
                }
                return false;
            case Verdict::OtherVersion:
                if (++statistics_.other_version == 1)
                    say("The stage at " + options_.address + " speaks schema version " +
                        std::to_string(reading.version) + " and this program version " +
                        std::to_string(SCHEMA_VERSION) +
                        ": install the same version of Understudy on both sides.");
                return false;
            case Verdict::Malformed:
                ++statistics_.malformed;
                statistics_.last_damage = reading.why;
                return false;
        }
        return false;
    }

    // Keeps what happened, and counts what was lost of it.
    void hear(std::uint64_t session) {
        for (Event& event : decoder_.events()) {
            if (session == told_session_ && last_told_ != 0 &&
                event.number > last_told_ + 1)
                statistics_.lost_events += event.number - last_told_ - 1;
            told_session_ = session;
            last_told_ = event.number;
            ++statistics_.events;
            if (happened_.size() < 4096) happened_.push_back(std::move(event));
        }
    }

    bool resolve() {
        if (!has_waiting_) return false;
        // A newer one may have come while the skeletons were on their way.
        if (take(frames_) && read()) return true;
        const Reading reading = decoder_.read(waiting_.data(), waiting_.size(), spare_);
        if (reading.verdict != Verdict::Frame) return false;
        has_waiting_ = false;
        if (!has_origin_) follow(reading);
        give(waiting_since_ns_);
        return true;
    }

    void give(std::int64_t received_ns) {
        std::swap(frame_, spare_);
        frame_.received_ns = received_ns;
        Statistics& seen = statistics_;
        ++seen.frames;
        const auto offset = clock_offset_ns();
        seen.clocks_agree = offset.has_value();
        if (offset) {
            seen.age.add_ns(received_ns + *offset - frame_.capture_ns);
            seen.latency.add_ns(received_ns + *offset - frame_.publish_ns);
        }
        if (seen.frames > 1 && !quiet_) seen.interval.add_ns(received_ns - heard_ns_);
        heard_ns_ = received_ns;
        if (quiet_) say("Frames come from " + options_.address + " again.");
        quiet_ = false;
    }

    // Counts what is missing between the last frame and this one.
    void follow(const Reading& now) {
        const bool first = !has_origin_;
        const std::uint64_t session = session_, published = published_;
        has_origin_ = true;
        session_ = now.session;
        published_ = now.published;
        if (first) return;
        if (session != session_ || published_ <= published) {
            ++statistics_.restarts;
            statistics_.age.forget();
            statistics_.latency.forget();
            statistics_.interval.forget();
            if (clock_) clock_->forget();
            say("The stage at " + options_.address + " was restarted; going on with its new frames.");
            return;
        }
        (options_.newest ? statistics_.passed_over : statistics_.lost) += published_ - published - 1;
    }

    void knock() {
        const std::int64_t now = now_ns();
        if (skeletons_) skeletons_knock_.turn(skeletons_, now);
        if (events_) events_knock_.turn(events_, now);
        frames_knock_.turn(frames_, now);
        if (trouble() == told_) return;
        told_ = trouble();
        if (!told_.empty()) say(told_);
    }

    void listen_for_silence() {
        if (!trouble().empty()) return;  // it has said why
        if (quiet_ || silence_s() < options_.quiet_after_s) return;
        quiet_ = true;
        say("Nothing comes from " + options_.address + ": is the stage running, and is it there?");
    }

    void say(const std::string& sentence) const {
        if (options_.say) options_.say(sentence);
    }

    Options options_;
    zmq::context_t context_;
    Knock skeletons_knock_, events_knock_, frames_knock_;
    zmq::socket_t skeletons_, events_, frames_;
    std::optional<StageClock> clock_;
    Decoder decoder_;
    Statistics statistics_;
    std::vector<Event> happened_;
    std::uint64_t told_session_ = 0, last_told_ = 0;
    Frame frame_, spare_;
    zmq::message_t message_;
    std::string waiting_, told_;
    bool has_waiting_ = false, has_origin_ = false, quiet_ = false;
    std::int64_t waiting_since_ns_ = 0, heard_ns_ = 0;
    std::uint64_t session_ = 0, published_ = 0;
};

}  // namespace understudy
