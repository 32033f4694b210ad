// Why a socket is not let in by the stage, from what libzmq tells of its greeting.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include <zmq.hpp>

namespace understudy {

class Knock {
public:
    // Before the socket connects.
    void listen(zmq::context_t& context, zmq::socket_t& socket, const std::string& address,
                bool with_key) {
        static std::atomic<unsigned> count{0};
        const std::string ear = "inproc://understudy-knock-" + std::to_string(++count);
        address_ = address;
        with_key_ = with_key;
        zmq_socket_monitor(socket.handle(), ear.c_str(),
                           ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECT_RETRIED |
                               ZMQ_EVENT_HANDSHAKE_SUCCEEDED | FAILED);
        ear_ = zmq::socket_t(context, zmq::socket_type::pair);
        ear_.set(zmq::sockopt::linger, 0);
        ear_.set(zmq::sockopt::rcvhwm, 0);  // one that nobody turns stops no other
        ear_.connect(ear);
    }

    // Reads what happened. What libzmq has given up, once told that it is not let in, begins anew
    // after a second: somebody may let it in.
    void turn(zmq::socket_t& socket, std::int64_t now_ns) {
        zmq::message_t told, address;
        while (ear_ && ear_.recv(told, zmq::recv_flags::dontwait)) {
            (void)ear_.recv(address);
            if (told.size() != 6) continue;
            std::uint16_t event;
            std::int32_t value;
            std::memcpy(&event, told.data(), 2);
            std::memcpy(&value, told.data<char>() + 2, 4);
            again_ns_ = NEVER;
            if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
                failures_ = 0;
                trouble_.clear();
            } else if (event & FAILED) {
                ++failures_;
                const std::string why = this->why(event, value);
                if (!why.empty()) trouble_ = why;
                if (event != ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
                    again_ns_ = now_ns + 1'000'000'000;
            }
        }
        if (now_ns < again_ns_) return;
        again_ns_ = NEVER;
        zmq_disconnect(socket.handle(), address_.c_str());
        zmq_connect(socket.handle(), address_.c_str());
    }

    // A sentence; "" where the stage lets the socket in, or is not there.
    const std::string& trouble() const { return trouble_; }

private:
    static constexpr int FAILED = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                  ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                  ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    static constexpr std::int64_t NEVER = (std::numeric_limits<std::int64_t>::max)();

    std::string why(int event, int value) const {
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
            return "The stage at " + address_ + " does not let this key in; on its machine, "
                   "`understudy keys list` shows who is let in and `understudy keys new` makes a key.";
        if (value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
            return with_key_ ? "The stage at " + address_ + " has no keys: leave out key_file=, or "
                               "start it with --keys."
                             : "The stage at " + address_ + " asks for a key: add key_file=FILE, made "
                               "with `understudy keys new NAME` on its machine.";
        // A stage that ends breaks off greetings too; one that does it time after time means it.
        if (failures_ < 2) return "";
        return with_key_ ? "This key is for another stage than the one at " + address_ + ", or that "
                           "one's own key is new: make one with `understudy keys new NAME` on its "
                           "machine."
                         : "Whatever listens on " + address_ + " breaks off the greeting: it is no "
                           "stage of ours, or asks for a key (key_file=FILE).";
    }

    zmq::socket_t ear_;
    std::string address_, trouble_;
    bool with_key_ = false;
    int failures_ = 0;
    std::int64_t again_ns_ = NEVER;
};

}  // namespace understudy
