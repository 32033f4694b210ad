// Listens to what a connection line names: `listens LINE FRAMES SECONDS` prints what it is told,
// then how many frames came, and ends with status 1 where fewer came than asked for.
#include <cstdio>
#include <cstdlib>

#include <understudy/understudy.h>

int main(int, char** argv) {
    std::string error;
    auto options = understudy::read_connection(argv[1], error);
    if (!options) return std::puts(error.c_str()), 2;
    options->say = [](const std::string& sentence) {
        std::puts(sentence.c_str());
        std::fflush(stdout);
    };
    options->quiet_after_s = 60;
    const int wanted = std::atoi(argv[2]);
    const double until_s = understudy::now_ns() * 1e-9 + std::atof(argv[3]);
    int frames = 0;
    try {
        understudy::Subscriber stage(*options);
        while (frames < wanted && understudy::now_ns() * 1e-9 < until_s)
            if (const understudy::Frame* frame = stage.receive(0.1))
                frames += !frame->subjects.empty() && !frame->subjects[0].skeleton->names.empty();
        const bool clock = stage.clock_offset_ns().has_value();
        std::printf("%d frames, %s clock, status: %s\n", frames, clock ? "a" : "no",
                    understudy::status(stage, nullptr).c_str());
    } catch (const std::invalid_argument& refusal) {
        return std::puts(refusal.what()), 2;
    }
    return frames < wanted;
}
