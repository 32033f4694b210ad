// Addresses, socket options and the clock that Python's time.monotonic_ns reads too.
#pragma once

#if defined(_WIN32) && !defined(NOMINMAX)
#define NOMINMAX  // zmq.h brings windows.h, whose min and max are macros
#endif

#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <zmq.hpp>

#include "knock.h"

namespace understudy {

inline std::int64_t now_ns() {
    using namespace std::chrono;
    return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

struct Options {
    std::string address = "tcp://127.0.0.1:5570";
    // The stage's control socket, for its clock: without it ages are known on the stage's own
    // machine only. Empty: it is not asked.
    std::string control;
    // Only the newest frame, always: what a program that draws wants. false: every frame, in order,
    // for one that records.
    bool newest = true;
    // Also what happens: Subscriber::happened gives it. Without `newest` it comes anyway.
    bool events = false;
    // For a stage that has --keys: the file that `understudy keys new` made.
    std::string key_file;
    // Or what is in it, 40 characters of Z85 each; all three or none.
    std::string server_key, public_key, secret_key;
    // Sentences for the user: a restart, another version, silence. Called from receive().
    std::function<void(const std::string&)> say;
    double quiet_after_s = 2.0;
};

inline bool is_local(std::string_view address) {
    return address.rfind("tcp://127.", 0) == 0 || address.rfind("tcp://localhost:", 0) == 0 ||
           address.rfind("tcp://[::1]:", 0) == 0 || address.rfind("ipc://", 0) == 0;
}

inline zmq::socket_t connect(zmq::context_t& context, zmq::socket_type type, std::string address,
                             const Options& options, Knock& knock, const char* topic = nullptr,
                             bool conflate = false) {
    zmq::socket_t socket(context, type);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::maxmsgsize, std::int64_t{64} << 20);
    // With a wrong key libzmq goes on knocking, and at the usual 50 ms that is a nuisance.
    const bool with_key = !options.server_key.empty();
    socket.set(zmq::sockopt::reconnect_ivl, with_key ? 200 : 50);
    socket.set(zmq::sockopt::reconnect_ivl_max, 1000);
    // A stage whose machine died is noticed by TCP. Not by ZeroMQ's heartbeats: one that falls due
    // after the stage hung up, while frames wait to be read, aborts the process (libzmq 4.3.5).
    socket.set(zmq::sockopt::tcp_keepalive, 1);
    socket.set(zmq::sockopt::tcp_keepalive_idle, 2);
    socket.set(zmq::sockopt::tcp_keepalive_intvl, 1);
    socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
    if (type == zmq::socket_type::sub) {
        socket.set(zmq::sockopt::rcvhwm, 128);  // a second or two; what is more is lost, and counted
        if (conflate) socket.set(zmq::sockopt::conflate, true);
        socket.set(zmq::sockopt::subscribe, topic);
    } else {
        socket.set(zmq::sockopt::sndhwm, 4);
        socket.set(zmq::sockopt::rcvhwm, 4);
        socket.set(zmq::sockopt::immediate, true);  // a ping that waits for a connection is no ping
    }
    try {
        if (with_key) {
            socket.set(zmq::sockopt::curve_serverkey, options.server_key);
            socket.set(zmq::sockopt::curve_publickey, options.public_key);
            socket.set(zmq::sockopt::curve_secretkey, options.secret_key);
        }
    } catch (const zmq::error_t&) {
        throw std::invalid_argument(
            "The keys are none: the stage's public key and a pair of your own, 40 characters each, "
            "and a libzmq that was built with CURVE.");
    }
    // Not every system resolves the name to the IPv4 loopback that the stage listens on.
    constexpr std::string_view LOCALHOST = "tcp://localhost:";
    if (address.rfind(LOCALHOST, 0) == 0) address.replace(6, 9, "127.0.0.1");
    if (address.rfind("tcp://[", 0) == 0) socket.set(zmq::sockopt::ipv6, true);
    knock.listen(context, socket, address, with_key);
    try {
        socket.connect(address);
    } catch (const zmq::error_t& error) {
        throw std::invalid_argument("Cannot connect to '" + address + "' (" + error.what() +
                                    "); write it like tcp://127.0.0.1:5570.");
    }
    return socket;
}

}  // namespace understudy
