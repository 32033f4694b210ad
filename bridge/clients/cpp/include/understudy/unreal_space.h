// Into Unreal's space: left-handed, Z up, X forward, centimetres. Nothing of the engine in here.
//
// The axes are those of docs/wire.md: (x, y, z) m becomes (z, -x, y) * 100 cm. That map M mirrors,
// and a rotation about an axis a becomes M R M^-1, a rotation about M a by the opposite angle:
// quaternion (-M v, w), so (x, y, z, w) becomes (-z, x, -y, w).
#pragma once

#include <cmath>

#include "frame.h"

namespace understudy::unreal {

struct Vector { double x = 0, y = 0, z = 0; };
struct Quaternion { double x = 0, y = 0, z = 0, w = 1; };

struct Placement {
    Vector position_cm;
    Quaternion rotation;
};

inline constexpr double CM_PER_M = 100.0;

inline Vector position_cm(const Vec3& p) {
    return {double{p.z} * CM_PER_M, double{p.x} * -CM_PER_M, double{p.y} * CM_PER_M};
}

// Of unit length, whatever came: FTransform asks for it. No rotation where there is no length.
inline Quaternion rotation(const Quat& q) {
    const double x = q.x, y = q.y, z = q.z, w = q.w;
    const double length = std::sqrt(x * x + y * y + z * z + w * w);
    if (!(length > 1e-8)) return {};
    return {-z / length, x / length, -y / length, w / length};
}

inline Placement place(const Transform& joint) {
    return {position_cm(joint.position), rotation(joint.rotation)};
}

// A camera of ours looks along its own -Z, which the map above makes its own -X; Unreal's looks
// along its own +X. So it is first turned about its own up, half a turn: q * (0, 0, 1, 0).
inline Placement place_camera(const Transform& pose) {
    const Quaternion q = rotation(pose.rotation);
    return {position_cm(pose.position), {q.y, -q.x, q.w, -q.z}};
}

// Across the sensor's width; 0 where the lens is unknown.
inline double horizontal_fov_deg(const Camera& camera) {
    if (!(camera.focal_mm > 0) || !(camera.sensor_width_mm > 0)) return 0;
    return 2.0 * std::atan(0.5 * camera.sensor_width_mm / camera.focal_mm) * 57.295779513082320877;
}

}  // namespace understudy::unreal
