// The stage's clock minus ours, by pings over the control socket.
//
// A ping waits up to a tick for the stage, so half its round trip says nothing. Each one bounds the
// offset instead: stage_ns - received_ns <= offset <= stage_ns - sent_ns (docs/wire.md).
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <random>

#include "msgpack.h"
#include "socket.h"

namespace understudy {

class StageClock {
public:
    StageClock(zmq::context_t& context, const Options& options)
        : socket_(connect(context, zmq::socket_type::dealer, options.control, options, knock_)) {}

    zmq::socket_t& socket() { return socket_; }

    // The offset in ns; nothing until the stage has answered.
    std::optional<std::int64_t> offset_ns() const {
        if (bounds_.empty()) return std::nullopt;
        return lower_ + (upper_ - lower_) / 2;
    }
    bool may_be(std::int64_t offset_ns) const {
        return bounds_.empty() || (lower_ <= offset_ns && offset_ns <= upper_);
    }
    // Half the width of what is known.
    std::int64_t uncertainty_ns() const { return bounds_.empty() ? 0 : (upper_ - lower_) / 2; }

    // Sends what is due and reads what has come. Never waits.
    void turn() {
        const std::int64_t now = now_ns();
        knock_.turn(socket_, now);
        if (now >= due_ns_) {
            const std::string request = msgpack::ping(++number_);
            sent_ns_ = now;
            socket_.send(zmq::buffer(request), zmq::send_flags::dontwait);
            // Scattered over the tick: a dozen in a second, then one now and then for the drift.
            std::uniform_int_distribution<std::int64_t> pause(40'000'000, 160'000'000);
            due_ns_ = now + pause(random_) * (bounds_.size() < 12 ? 1 : 20);
        }
        zmq::message_t reply;
        for (int i = 0; i < 8 && socket_.recv(reply, zmq::recv_flags::dontwait); ++i) {
            const bool whole = !reply.more();
            while (reply.more() && socket_.recv(reply, zmq::recv_flags::dontwait)) {}
            const auto pong = msgpack::read_pong(reply.to_string_view());
            if (whole && pong && pong->number == number_) learn(pong->stage_ns, now_ns());
        }
    }

    void forget() { bounds_.clear(); }

private:
    struct Bounds { std::int64_t lower, upper; };

    void learn(std::int64_t stage_ns, std::int64_t received_ns) {
        bounds_.push_back({stage_ns - received_ns, stage_ns - sent_ns_});
        if (bounds_.size() > 32) bounds_.pop_front();  // about a minute: clocks drift
        for (narrow(); lower_ > upper_; narrow()) bounds_.pop_front();
    }

    void narrow() {
        lower_ = bounds_.front().lower;
        upper_ = bounds_.front().upper;
        for (const Bounds& b : bounds_) {
            lower_ = std::max(lower_, b.lower);
            upper_ = std::min(upper_, b.upper);
        }
    }

    Knock knock_;
    zmq::socket_t socket_;
    std::deque<Bounds> bounds_;
    std::int64_t lower_ = 0, upper_ = 0, sent_ns_ = 0, due_ns_ = 0;
    std::uint32_t number_ = 0;
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace understudy
