// Your own program on the stream: prints where every character's hips are, once a frame.
// g++ -std=c++17 -I bridge/clients/cpp/include demos/listen_ten_lines.cpp -lzmq -o listen
#include <cstdio>
#include <understudy/understudy.h>

int main(int argc, char** argv) {
    understudy::Subscriber stage(argc > 1 ? argv[1] : "tcp://127.0.0.1:5570");
    while (const understudy::Frame* frame = stage.receive(10.0))
        for (const understudy::Subject& subject : frame->subjects) {
            const understudy::Vec3& hips = subject.joints[0].position;
            std::printf("%s %s: %+.2f %+.2f %+.2f m, %s\n", frame->timecode.c_str(),
                        subject.name.c_str(), hips.x, hips.y, hips.z, name(subject.state));
        }
}
